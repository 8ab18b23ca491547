r"""AIS receiver: forwards every sentence that carries AIS as it was heard, once its checksum is right.

Nothing is decoded here. The sentence with its tag block is the evidence; the centre assembles and
decodes (vessels/). Sentences of other kinds, such as a receiver's `$PGHP` or `$GPRMC`, pass silently.
Source: IEC 61162-1, clause 8.3, sentences VDM and VDO; ITU-R M.1371 for what they carry.
"""

import re
from collections.abc import Iterator, Sequence

from drivers.contract import Event
from drivers.line_listener import LineListener
from drivers.nmea.sentences import Reject, checksum, frames, tag_is_right
from drivers.schemes import HEARD
from drivers.words import Vocabulary, Words, settings_of
from telemetry import Device, Instant, Profile, ProfileError, Reading

SENTENCE = "sentence"
"""The one metric of an AIS receiver: a VDM or VDO sentence as text."""

_FIELDS = rb"[\x20\x22\x23\x25-\x29\x2b-\x5b\x5d-\x7e]*"
_SUM = rb"\*([0-9A-Fa-f]{2})"
_CLEAN = re.compile(
    rb"(?:\\([^\\]*)\\)?!([0-9A-Za-z-]{2}VD[MO]," + _FIELDS + rb")" + _SUM + rb"(?:," + _FIELDS + rb")?"
)
_OTHER = re.compile(rb"\$(" + _FIELDS + rb")" + _SUM)
_AIS = (b"VDM,", b"VDO,")


class Settings(Words):
    """An AIS receiver needs none."""


class Read(Words):
    """Nor any for its one metric: it is the sentence."""


VOCABULARY = Vocabulary(Settings, Read)
LINKS = HEARD


class AisReceiver(LineListener):
    """Listens to one receiver. Each sentence is one Reading with the single value `sentence`.

    Faults, by reason: `checksum`, `truncated`, `unprintable`, `not_nmea`, `tag_block`, `overlong`.
    """

    def _read_line(self, line: bytes, now: Instant) -> Sequence[Event] | Iterator[Event]:
        match = _CLEAN.fullmatch(line)
        if match and _is_right(match):
            return (self._forwarded(line, now),)
        return () if _is_other(line) else self._recover(line, now)

    def _recover(self, line: bytes, now: Instant) -> Iterator[Event]:
        for found in frames(line):
            if isinstance(found, Reject):
                yield from self._fault(found)
            elif found.start == b"!" and found.body[2:6] in _AIS:
                yield self._forwarded(found.raw, now)

    def _forwarded(self, raw: bytes, now: Instant) -> Reading:
        return self._reading({SENTENCE: raw.decode("ascii")}, now)


def open_driver(device: Device, profile: Profile) -> AisReceiver:
    """A driver for one AIS receiver. Raises ProfileError when the profile asks for more than that."""
    settings_of(profile, Settings)
    if [metric.name for metric in profile.metrics] != [SENTENCE]:
        raise ProfileError(
            f"profile {profile.id}: an AIS receiver has the one metric {SENTENCE!r}: list it and no other"
        )
    return AisReceiver(device, profile)


def _is_right(match: re.Match[bytes]) -> bool:
    tag, body, told = match.groups()
    return checksum(body) == int(told, 16) and (tag is None or tag_is_right(tag))


def _is_other(line: bytes) -> bool:
    """A clean sentence that is not AIS: half of what some receivers send."""
    match = _OTHER.fullmatch(line)
    return match is not None and checksum(match[1]) == int(match[2], 16)
