"""A simulated instrument that says texts with values in them: by itself, and when asked. No I/O here.

$WIMWV,{wind_angle:.1f},R,{wind_speed:.1f},M,A     with the checksum of NMEA 0183
{"temperature": {temperature:.1f}}                 a JSON message; only names of values are filled in
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Literal

from drivers.contract import Outgoing
from telemetry import Instant, Value

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?::([^{}]{1,12}))?\}")
_LONGEST = 4096
"""Bytes remembered of a question that is not whole yet."""

Checksum = Literal["none", "nmea", "xor", "gill"]
Look = Callable[[], Mapping[str, Value | None]]


@dataclass(frozen=True, slots=True)
class Speech:
    """Something said.

    every: seconds between two times, None for an answer. to: of an answer, the question as it comes off
    the wire, or the topic of the message. when: words the message must have, in any case. sets: values that
    are so from then on. topic: of a message.
    checksum: the XOR of the characters in two hex digits; xor puts `*hh` behind, nmea the same without the
    first character, gill frames the text in STX and ETX and puts hh behind.
    """

    text: str
    every: float | None = None
    to: str = ""
    when: str = ""
    sets: tuple[tuple[str, Value], ...] = ()
    checksum: Checksum = "none"
    end: str = "\r\n"
    topic: str = ""


class Speaker:
    """Says its speeches each in its time, the first at once, and its answers when asked."""

    def __init__(self, speeches: Sequence[Speech], look: Look) -> None:
        self._look = look
        self._due = {speech: 0.0 for speech in speeches if speech.every}
        self._answers = [speech for speech in speeches if not speech.every]
        self._rest = b""
        self._kept: dict[str, Value] = {}

    @property
    def wake_at(self) -> float | None:
        """When the next speech is due."""
        return min(self._due.values(), default=None)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Answers to every question that is whole now; of a message the topic is the question."""
        if asked := [answer for answer in self._answers if origin and answer.to == origin]:
            payload = chunk.decode("utf-8", "replace").lower()
            return [self._said(answer) for answer in asked if answer.when.lower() in payload]
        self._rest = (self._rest + chunk)[-_LONGEST:]
        said: list[Outgoing] = []
        while found := [(at, one) for one in self._answers if (at := self._rest.find(one.to.encode())) >= 0]:
            at, answer = min(found, key=lambda each: each[0])
            self._rest = self._rest[at + len(answer.to.encode()) :]
            said.append(self._said(answer))
        return said

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """What is due."""
        said: list[Outgoing] = []
        for speech, due in self._due.items():
            if due <= now.monotonic and speech.every:
                self._due[speech] = max(due + speech.every, now.monotonic)
                said.append(self._said(speech))
        return said

    def _said(self, speech: Speech) -> Outgoing:
        self._kept |= dict(speech.sets)
        values = {**self._look(), **self._kept}
        text = _PLACE.sub(lambda match: _filled(match, values), speech.text)
        return Outgoing((_checked(text, speech.checksum) + speech.end).encode(), speech.topic)


def _checked(text: str, kind: Checksum) -> str:
    if kind == "none":
        return text
    digits = f"{reduce(xor, text.encode()[kind == 'nmea' :], 0):02X}"
    return f"\x02{text}\x03{digits}" if kind == "gill" else f"{text}*{digits}"


def _filled(match: re.Match[str], values: Mapping[str, Value | None]) -> str:
    """The value where its name stands; nothing for one not available; a name nobody knows stays as it is."""
    name, shape = match[1], match[2]
    if name not in values:
        return match[0]
    value = values[name]
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return format(value, shape or "")
    except ValueError:
        return str(value)
