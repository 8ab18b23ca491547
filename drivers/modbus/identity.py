"""Modbus function 43/14, Read Device Identification, both sides: who made a device and what it is called.

Source: Modbus Application Protocol V1.1b3 §6.21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.modbus.frames import (
    EXCEPTION,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    MAX_PDU,
    RefusalError,
)

FUNCTION, MEI_TYPE = 43, 14
BASIC, REGULAR, EXTENDED, SPECIFIC = 1, 2, 3, 4
OBJECTS = {
    0: "vendor",
    1: "product_code",
    2: "revision",
    3: "vendor_url",
    4: "product_name",
    5: "model_name",
    6: "application",
}
"""What the objects with fixed numbers say; 0 to 2 are the basic ones that every device has."""
_LAST = {BASIC: 2, REGULAR: 0x7F, EXTENDED: 0xFF}
_HEAD = 7


@dataclass(frozen=True, slots=True)
class IdentityRequest:
    """level: BASIC, REGULAR or EXTENDED for a stream of objects from `first` on; SPECIFIC for that one."""

    level: int = BASIC
    first: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """What one reply says. objects: number → text. more_from: where to go on asking, None at the end."""

    objects: Mapping[int, str] = field(default_factory=dict[int, str])
    more_from: int | None = None


def encode_identity_request(request: IdentityRequest) -> bytes:
    """The PDU a client sends."""
    return bytes((FUNCTION, MEI_TYPE, request.level, request.first))


def decode_identity_request(pdu: bytes) -> IdentityRequest:
    """What a client asks for. Raises RefusalError with the exception code a server has to answer."""
    if len(pdu) < 2 or pdu[0] != FUNCTION or pdu[1] != MEI_TYPE:
        raise RefusalError(ILLEGAL_FUNCTION, "only device identification is served of function 43")
    if len(pdu) != 4 or pdu[2] not in (*_LAST, SPECIFIC):
        raise RefusalError(ILLEGAL_VALUE, "no such way to ask for an identification")
    return IdentityRequest(pdu[2], pdu[3])


def encode_identity(request: IdentityRequest, objects: Mapping[int, str]) -> bytes:
    """The PDU a server answers with: as many objects as one frame holds.

    Raises RefusalError (illegal data address) for a specific object it does not have.
    """
    highest = max((number for number in objects if number < 0x80), default=2)
    conformity = 0x80 | (EXTENDED if max(objects, default=0) >= 0x80 else REGULAR if highest > 2 else BASIC)
    wanted = _wanted(request, objects)
    body, more_from = b"", None
    given = 0
    for number in wanted:
        text = objects[number].encode()[:244]
        if _HEAD + len(body) + 2 + len(text) > MAX_PDU:
            more_from = number
            break
        body += bytes((number, len(text))) + text
        given += 1
    more = (0, 0) if more_from is None else (0xFF, more_from)
    return bytes((FUNCTION, MEI_TYPE, request.level, conformity, *more, given)) + body


def decode_identity(pdu: bytes) -> Identity:
    """What a reply says. Raises RefusalError for an exception, with the code 0 for what is none."""
    if len(pdu) == 2 and pdu[0] == FUNCTION | EXCEPTION:
        raise RefusalError(pdu[1], "device identification")
    if len(pdu) < _HEAD or pdu[0] != FUNCTION or pdu[1] != MEI_TYPE:
        raise RefusalError(0, f"{pdu[:5].hex(' ')} is no device identification")
    objects: dict[int, str] = {}
    at = _HEAD
    for _ in range(pdu[6]):
        text = pdu[at + 2 : at + 2 + pdu[at + 1]] if at + 1 < len(pdu) else b""
        if at + 1 >= len(pdu) or len(text) != pdu[at + 1]:
            raise RefusalError(0, "a device identification that ends in the middle of an object")
        objects[pdu[at]] = "".join(c for c in text.decode("utf-8", "replace") if c.isprintable()).strip()
        at += 2 + len(text)
    return Identity(objects, pdu[5] if pdu[4] == 0xFF else None)


def identity_length(start: bytes) -> int | None:
    """Bytes of unit and PDU of the identification that starts here; None while that cannot be told."""
    if len(start) < _HEAD + 1:
        return None
    at = _HEAD + 1
    for _ in range(start[_HEAD]):
        if at + 1 >= len(start):
            return None
        at += 2 + start[at + 1]
    return at


def _wanted(request: IdentityRequest, objects: Mapping[int, str]) -> list[int]:
    if request.level == SPECIFIC:
        if request.first not in objects:
            raise RefusalError(ILLEGAL_ADDRESS, f"there is no object {request.first}")
        return [request.first]
    last = _LAST[request.level]
    first = request.first if request.first in objects and request.first <= last else 0
    return [number for number in sorted(objects) if first <= number <= last]
