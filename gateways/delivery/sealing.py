"""Cuts readings into packs that fit one message, and sets aside what cannot travel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broker.wire import encode_pack
from telemetry import Reading, WireError

MOST_READINGS = 1_000
LARGEST_PACK = 256 << 10  # bytes


@dataclass(frozen=True, slots=True)
class Pack:
    """Readings sealed as SenML, ready to be stored and sent."""

    content: bytes
    readings: int


@dataclass(frozen=True, slots=True)
class Unsendable:
    """A reading that cannot be written as SenML or is larger than a message may be."""

    reason: str
    reading: Reading


def seal_readings(readings: Sequence[Reading]) -> Iterator[Pack | Unsendable]:
    """The readings in order, in as few packs as fit; what cannot be sent comes out alone."""
    for start in range(0, len(readings), MOST_READINGS):
        yield from _seal(readings[start : start + MOST_READINGS])


def _seal(readings: Sequence[Reading]) -> Iterator[Pack | Unsendable]:
    try:
        content = encode_pack(readings)
    except WireError as error:
        content, reason = b"", str(error)
    else:
        if len(content) <= LARGEST_PACK:
            yield Pack(content, len(readings))
            return
        reason = f"it takes {len(content)} bytes, and a message holds {LARGEST_PACK}"
    if len(readings) == 1:
        yield Unsendable(reason, readings[0])
        return
    middle = len(readings) // 2
    yield from _seal(readings[:middle])
    yield from _seal(readings[middle:])
