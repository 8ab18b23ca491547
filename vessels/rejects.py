"""Why a line did not become a message; every reason is counted, none is an error."""

from enum import StrEnum
from typing import NamedTuple

from telemetry import HaidangError


class Reason(StrEnum):
    """Reasons for a reject, in the order in which a line meets them."""

    NOT_AIS = "not_ais"
    """Another sentence ($GPGGA, $PGHP …), a comment or an empty line."""
    TOO_LONG = "too_long"
    """A line or an assembled payload longer than AIS can be."""
    GLUED = "glued"
    """More than one sentence, or another sentence's beginning, on one line."""
    MALFORMED = "malformed"
    """Not the shape of a VDM/VDO sentence: truncated, field missing or surplus."""
    BAD_CHECKSUM = "bad_checksum"
    """No checksum, a checksum that is not two hexadecimal digits, or one that differs."""
    BAD_FIELD = "bad_field"
    """A field outside its range (sentence 3 of 2, fill bits 7, channel XY)."""
    BAD_PAYLOAD = "bad_payload"
    """A character outside the six-bit armour, or a payload of nothing."""
    BAD_TAG_BLOCK = "bad_tag_block"
    """The tag block is damaged. Counted, but the sentence behind it is kept without the block."""
    NO_SEQUENCE = "no_sequence"
    """A part of a message without the sequence id that would tell which message."""
    ORPHAN = "orphan"
    """A later part whose earlier part was never heard."""
    OUT_OF_ORDER = "out_of_order"
    """A part that does not follow the one before it; what was gathered is dropped with it."""
    INCOMPLETE = "incomplete"
    """A message whose next part had not come when its sequence id began anew."""
    EXPIRED = "expired"
    """A message whose next part did not come in time."""
    OVERFLOW = "overflow"
    """The oldest unfinished message, dropped because its station has too many."""
    UNDEFINED_TYPE = "undefined_type"
    """A message type that ITU-R M.1371-5 does not define (0, 28–63; type 24 of part 2 or 3)."""
    UNSUPPORTED_TYPE = "unsupported_type"
    """A message type that is defined, but that no table describes yet."""
    BAD_LENGTH = "bad_length"
    """More or fewer bits than the message type has."""


class Reject(NamedTuple):
    """In place of a result: the line or message was refused for this reason."""

    reason: Reason


class MessageError(HaidangError):
    """A message that cannot be encoded: a value is outside what its field can carry."""
