"""A simulated instrument that sends binary frames, as its profile describes them. No I/O here.

The other side of drivers/binary_frame/driver.py: it says what its values are, by itself or when it is asked.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from struct import pack

from drivers.binary_frame.plan import Length, Read, Settings, octets
from drivers.checksums import ALGORITHMS, width
from drivers.contract import Outgoing
from drivers.words import read_of, settings_of
from telemetry import Instant, Profile, Value

Look = Callable[[], Mapping[str, Value | None]]
EVERY = 1.0
"""Seconds between two frames of an instrument that speaks by itself."""


class FrameInstrument:
    """Sends a frame every so many seconds, the first at once, or one for each question."""

    def __init__(self, profile: Profile, look: Look, unit_id: int = 1, every: float = EVERY) -> None:
        self._profile, self._look, self._unit_id, self._every = profile, look, unit_id, every
        self._settings = settings_of(profile, Settings)
        self._ask = octets(self._settings.ask, unit_id)
        self._rest = b""
        self.wake_at: float | None = None if self._ask else 0.0

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """A frame for each whole question."""
        if not self._ask:
            return ()
        *asked, rest = (self._rest + chunk).split(self._ask)
        self._rest = rest[-len(self._ask) :]
        return [self._said() for _ in asked]

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """The frame that is due."""
        if self.wake_at is None or now.monotonic < self.wake_at:
            return ()
        self.wake_at = max(self.wake_at + self._every, now.monotonic)
        return (self._said(),)

    def _said(self) -> Outgoing:
        return Outgoing(encode_frame(self._profile, self._settings, self._look(), self._unit_id))


def encode_frame(
    profile: Profile, settings: Settings, values: Mapping[str, Value | None], unit_id: int = 1
) -> bytes:
    """The frame that says these values; one that is None or left out is its first null, else 0.

    Raises OverflowError or struct.error for a number that its bytes cannot hold.
    """
    reads = {metric.name: read_of(profile, metric, Read) for metric in profile.metrics}
    frame = _blank(settings, reads.values(), unit_id)
    for name, read in reads.items():
        old = int.from_bytes(frame[read.at : read.at + read.size], read.order or settings.order)
        frame[read.at : read.at + read.size] = _raw(read, values.get(name), old, settings)
    if settings.checksum is not None:
        place, size = len(frame) + settings.checksum.at, width(settings.checksum.kind)
        check = ALGORITHMS[settings.checksum.kind](bytes(frame[settings.checksum.first : place]))
        frame[place : place + size] = check.to_bytes(size, settings.checksum.order)
    return bytes(frame)


def _blank(settings: Settings, reads: Collection[Read], unit_id: int) -> bytearray:
    start, end = octets(settings.start, unit_id), octets(settings.end, unit_id)
    length = settings.length
    size = (
        length if isinstance(length, int) else max(read.at + read.size for read in reads) + settings.trailer
    )
    frame = bytearray(size)
    frame[: len(start)] = start
    if isinstance(length, Length):
        wide = 2 if length.type == "uint16" else 1
        frame[length.at : length.at + wide] = (size - length.add).to_bytes(wide, length.order)
    if end:
        frame[-len(end) :] = end
    return frame


def _raw(read: Read, value: Value | None, old: int, settings: Settings) -> bytes:
    """The bytes of one number; a bit or a mask leaves the others as they were."""
    order = read.order or settings.order
    number = _number(read, value)
    if read.type.startswith("float"):
        return pack((">" if order == "big" else "<") + ("f" if read.size == 4 else "d"), number)
    whole = round(number)
    mask = 1 << read.bit if read.bit is not None else read.mask
    if mask is not None:
        whole = old & ~mask | whole * (mask & -mask) & mask
        return whole.to_bytes(read.size, order)
    return whole.to_bytes(read.size, order, signed=read.type.startswith("int"))


def _number(read: Read, value: Value | None) -> float:
    if value is None:
        return next((null for null in read.nulls if not isinstance(null, str)), 0)
    if isinstance(value, str):
        return next((int(raw) for raw, text in read.enum.items() if text == value), 0)
    a, b, c = read.line()
    return value if (a, b, c) == (1, 0, 1) else (value * c - b) / a
