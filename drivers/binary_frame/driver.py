"""Instruments that send binary frames, described in their profile byte by byte.

A frame begins with the profile's start bytes, has a fixed length or says its own, and is believed when its
end and its checksum are right; all its values are one Reading. After damage the search goes on one byte
further, so no frame is lost but the damaged one. See `Settings` and `Read` in drivers/binary_frame/plan.py
for the words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivers.binary_frame.plan import LONGEST_FRAME, Length, Read, Settings, Spot, octets, spots_of
from drivers.contract import Event, Fault
from drivers.polling import Asker
from drivers.schemes import HEARD
from drivers.stamps import Stamps
from drivers.words import Vocabulary, settings_of
from telemetry import Device, Instant, Profile, Reading

VOCABULARY = Vocabulary(Settings, Read)
LINKS = HEARD
_EVIDENCE = 64


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no frame. reason: `framing` or `checksum`."""

    reason: str
    detail: str
    raw: bytes


class FrameFinder:
    """Cuts a byte stream into frames, with the memory of one frame, whatever comes and in any chunking."""

    def __init__(self, settings: Settings, unit_id: int) -> None:
        self._start, self._end = octets(settings.start, unit_id), octets(settings.end, unit_id)
        self._length, self._checksum = settings.length, settings.checksum
        self._rest = b""
        self._hushed = 0
        self._stray = bytearray()

    def clear(self) -> None:
        """Forgets what is unfinished."""
        self._rest, self._hushed = b"", 0
        self._stray.clear()

    def feed(self, chunk: bytes) -> Iterator[bytes | Damage]:
        """Each whole frame, and what is none; of one damaged frame's bytes only the first damage is told."""
        rest, place = self._rest + chunk, 0
        while place < len(rest):
            start = self._next_start(rest, place)
            yield from self._strayed(rest[max(place, min(self._hushed, start)) : start])
            place = start
            found = self._frame(rest, place)
            if found is None:
                break
            if isinstance(found, bytes) or place >= self._hushed:
                yield from self._garbage()
                yield found
            if isinstance(found, bytes):
                place = self._hushed = place + len(found)
            else:
                self._hushed = max(self._hushed, place + len(found.raw))
                place += 1
        self._rest, self._hushed = rest[place:], max(0, self._hushed - place)

    def _next_start(self, rest: bytes, place: int) -> int:
        """Where the next frame, or the beginning of its start bytes at the very end, may stand."""
        found = rest.find(self._start, place)
        if found >= 0:
            return found
        sizes = range(min(len(self._start) - 1, len(rest) - place), -1, -1)
        return len(rest) - next(size for size in sizes if rest.endswith(self._start[:size]))

    def _frame(self, rest: bytes, place: int) -> bytes | Damage | None:
        """The frame that begins here; None while it is not whole."""
        size = self._size(rest[place : place + LONGEST_FRAME])
        if size is None:
            return None
        if not len(self._start) + len(self._end) <= size <= LONGEST_FRAME:
            return Damage("framing", f"a frame of {size} bytes cannot be", self._start)
        frame = rest[place : place + size]
        if len(frame) < size:
            return None
        if not frame.endswith(self._end):
            detail = f"the frame ends with {frame[-len(self._end) :].hex(' ')}, not {self._end.hex(' ')}"
            return Damage("framing", detail, frame)
        if self._checksum is not None and not self._checksum.is_right(frame):
            return Damage("checksum", "the frame's checksum is not that of its bytes", frame)
        return frame

    def _size(self, rest: bytes) -> int | None:
        if isinstance(self._length, Length):
            width = 2 if self._length.type == "uint16" else 1
            told = rest[self._length.at : self._length.at + width]
            if len(told) < width or len(rest) < len(self._start):
                return None
            return int.from_bytes(told, self._length.order) + self._length.add
        return self._length if len(rest) >= len(self._start) else None

    def _strayed(self, skipped: bytes) -> Iterator[Damage]:
        """Bytes between frames are told when the next frame comes, or a thousand of them have come."""
        self._stray += skipped
        while len(self._stray) >= LONGEST_FRAME:
            yield self._told(LONGEST_FRAME)

    def _garbage(self) -> Iterator[Damage]:
        if self._stray:
            yield self._told(len(self._stray))

    def _told(self, count: int) -> Damage:
        raw = bytes(self._stray[:_EVIDENCE])
        del self._stray[:count]
        return Damage("framing", f"{count} bytes outside any frame", raw)


class FrameInstrument(Asker):
    """One instrument that sends frames.

    Faults, by reason: those of `Damage`, and `timeout` (no answer to a question).
    """

    def __init__(self, device: Device, profile: Profile, settings: Settings, spots: Sequence[Spot]) -> None:
        super().__init__(device, profile, octets(settings.ask, device.unit_id), settings.timeout)
        self._spots, self._trailer = spots, settings.trailer
        self._finder = FrameFinder(settings, device.unit_id)
        self._stamps = Stamps()
        self._joining = False

    def _forget(self, *, joining: bool) -> None:
        self._finder.clear()
        self._joining = joining

    def _read(self, chunk: bytes, now: Instant, *, whole: bool) -> Sequence[Event]:
        events: list[Event] = []
        for found in self._finder.feed(chunk):
            if not self._expects:
                break
            joining, self._joining = self._joining, False
            if isinstance(found, Damage):
                if not joining:
                    events.append(Fault(self._device, found.reason, found.detail, found.raw))
                continue
            body = found[: len(found) - self._trailer]
            values = {spot.metric: value for spot in self._spots if (value := spot.read(body)) is not None}
            if values:
                events.append(Reading(self._device, self._kind, self._stamps.next(now.utc), values))
            self._answered()
        if whole:
            self._finder.clear()
        return events


def open_driver(device: Device, profile: Profile) -> FrameInstrument:
    """A driver for one instrument. Raises ProfileError naming setting or metric, and the remedy."""
    settings = settings_of(profile, Settings)
    return FrameInstrument(device, profile, settings, spots_of(profile, settings))
