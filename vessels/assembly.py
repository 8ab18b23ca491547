"""Puts the parts of a long message together, without ever mixing two messages or growing without bound."""

from collections import Counter
from typing import NamedTuple

from telemetry.times import NANOSECONDS
from vessels.rejects import Reason
from vessels.sentences import Heading, Sentence

MAX_PENDING = 64
"""Unfinished messages of one station."""
MAX_STATIONS = 1024
"""Stations whose unfinished messages are kept; the one known longest gives way to a new one."""
MAX_AGE = 3 * NANOSECONDS
"""From the observation of a message's first part to that of its last."""

_Key = tuple[str, int, str | int | None]


class Payload(NamedTuple):
    """The payload of a whole message; fill_bits are dropped at its end."""

    payload: bytes
    fill_bits: int


class _Unfinished(NamedTuple):
    started: int
    total: int
    parts: list[bytes]


class Assembly:
    """Unfinished messages by station, channel and sequence id.

    Where tag blocks say it, the station that heard the part or the group it belongs to must agree too.
    Parts must come in order. What is given up is counted in `rejects`.
    """

    def __init__(self, rejects: Counter[Reason]) -> None:
        self.rejects = rejects
        self._stations: dict[str, dict[_Key, _Unfinished]] = {}

    @property
    def pending(self) -> int:
        """How many messages are unfinished."""
        return sum(map(len, self._stations.values()))

    def add(self, station: str, sentence: Sentence, observed_at: int) -> Payload | None:
        """The whole payload when this part was the last one. observed_at: UTC nanoseconds."""
        heading, payload, fill_bits, block = sentence
        if heading.sequence is None:
            self.rejects[Reason.NO_SEQUENCE] += 1
            return None
        tie = None if block is None else block.group.id if block.group else block.station
        key = (heading.channel, heading.sequence, tie)
        unfinished = self._stations.get(station)
        if unfinished is None:
            unfinished = self._open(station)
        elif unfinished:
            self._forget_expired(unfinished, observed_at)
        if heading.number == 1:
            self._begin(unfinished, key, _Unfinished(observed_at, heading.total, [payload]))
        elif self._continue(unfinished, key, heading, payload):
            return Payload(b"".join(unfinished.pop(key).parts), fill_bits)
        return None

    def _begin(self, unfinished: dict[_Key, _Unfinished], key: _Key, message: _Unfinished) -> None:
        before = unfinished.pop(key, None)
        if before is not None and before.parts != message.parts:
            self.rejects[Reason.INCOMPLETE] += 1
        if len(unfinished) >= MAX_PENDING:
            del unfinished[next(iter(unfinished))]
            self.rejects[Reason.OVERFLOW] += 1
        unfinished[key] = message

    def _continue(
        self, unfinished: dict[_Key, _Unfinished], key: _Key, heading: Heading, payload: bytes
    ) -> bool:
        """Adds a later part. True when it was the last one."""
        message = unfinished.get(key)
        if message is None:
            self.rejects[Reason.ORPHAN] += 1
            return False
        _, total, parts = message
        if heading.number == len(parts) and payload == parts[-1]:
            return False  # heard twice
        if heading.total != total or heading.number != len(parts) + 1:
            del unfinished[key]
            self.rejects[Reason.OUT_OF_ORDER] += 1
            return False
        parts.append(payload)
        return len(parts) == total

    def _forget_expired(self, unfinished: dict[_Key, _Unfinished], observed_at: int) -> None:
        """The oldest stand first. A clock set back makes what came before it as useless as a late part."""
        while unfinished:
            oldest = next(iter(unfinished))
            if -MAX_AGE <= observed_at - unfinished[oldest].started <= MAX_AGE:
                return
            del unfinished[oldest]
            self.rejects[Reason.EXPIRED] += 1

    def _open(self, station: str) -> dict[_Key, _Unfinished]:
        if len(self._stations) >= MAX_STATIONS:
            first = next(iter(self._stations))
            self.rejects[Reason.OVERFLOW] += len(self._stations.pop(first))
        return self._stations.setdefault(station, {})
