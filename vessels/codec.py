"""AIS payloads into messages, and messages into sentences: the way in and out of vessels/layouts.py."""

from vessels.layouts import DEFINED_TYPES, LAYOUTS, Layout, Reader
from vessels.messages import Message, StaticPartA, StaticPartB
from vessels.rejects import MessageError, Reason, Reject
from vessels.sentences import format_sentences
from vessels.sixbit import ARMOUR, pack_payload, unpack_payload

_PART_SHIFT = 40
"""Bits of a type 24 message that stand before the end of its part number."""
_LAYOUT_OF = {(layout.message, number): layout for layout in LAYOUTS for number in layout.types}


_PART_A, _PART_B = _LAYOUT_OF[StaticPartA, 24], _LAYOUT_OF[StaticPartB, 24]


def _read_static(bits: int, size: int) -> Message | Reject:
    """Type 24, whose two bits behind the MMSI say which of its two tables it is."""
    part = bits >> (size - _PART_SHIFT) & 3
    if part > 1:
        return Reject(Reason.UNDEFINED_TYPE)
    layout: Layout = _PART_B if part else _PART_A
    if not layout.shortest <= size <= layout.longest:
        return Reject(Reason.BAD_LENGTH)
    return layout.read(bits, size)


def _readers(number: int) -> dict[int, Reader]:
    if number == 24:
        return dict.fromkeys(range(160, 169), _read_static)
    return {
        size: layout.read
        for layout in LAYOUTS
        if number in layout.types
        for size in range(layout.shortest, layout.longest + 1)
    }


_READERS = [_readers(number) for number in range(64)]
"""By message type and number of bits: what reads it."""
_BY_CHARACTER = dict(zip(ARMOUR, _READERS, strict=True))
"""The same by a payload's first character, which is the message type."""
_SUPPORTED = frozenset(number for layout in LAYOUTS for number in layout.types)


def decode_payload(payload: bytes, fill_bits: int) -> Message | Reject:
    """The message of a whole payload (all parts joined), or why there is none."""
    size = 6 * len(payload) - fill_bits
    try:
        read = _BY_CHARACTER[payload[0]][size]
        bits = unpack_payload(payload, fill_bits)
    except (LookupError, ValueError):
        if not payload or payload.translate(None, ARMOUR):
            return Reject(Reason.BAD_PAYLOAD)
        return Reject(_why_not(ARMOUR.index(payload[0])))
    return read(bits, size)


def decode_bits(bits: int, size: int) -> Message | Reject:
    """The message of so many bits, or why there is none. size: at least 6."""
    number = bits >> (size - 6)
    read = _READERS[number].get(size)
    return read(bits, size) if read is not None else Reject(_why_not(number))


def _why_not(number: int) -> Reason:
    if number in _SUPPORTED:
        return Reason.BAD_LENGTH
    return Reason.UNSUPPORTED_TYPE if number in DEFINED_TYPES else Reason.UNDEFINED_TYPE


def encode(
    message: Message, *, talker: str = "AI", channel: str = "A", sequence: int = 0, own_ship: bool = False
) -> list[str]:
    """The sentences of a message, in order, without line ends.

    sequence: 0–9, ties the parts of a long message together; count it up from message to message.
    own_ship: write VDO instead of VDM. Raises MessageError, naming the field, for what cannot be sent.
    """
    layout = _LAYOUT_OF.get((type(message), message.type))
    if layout is None:
        raise MessageError(
            f"{type(message).__name__} cannot be of type {message.type}: see vessels/layouts.py"
        )
    payload, fill_bits = pack_payload(*layout.write(message))
    return format_sentences(
        payload, fill_bits, talker=talker, channel=channel, sequence=sequence, own_ship=own_ship
    )
