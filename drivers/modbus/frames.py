"""Modbus frames, both sides of the wire: PDUs of functions 1–6, 15, 16, 22 and 23, in RTU and MBAP framing.

A client encodes requests, a server decodes them and encodes replies. Sources: Modbus Application
Protocol V1.1b3 (functions §6, exceptions §7), Modbus over Serial Line V1.02 (RTU §2.5.1, CRC §6.2.2),
Modbus Messaging on TCP/IP V1.0b (MBAP header §3.1.3). ASCII framing is in modbus_ascii.py, function 43
in modbus_identity.py.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from telemetry import HaidangError

READ_COILS, READ_DISCRETE_INPUTS, READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
MASK_WRITE, READ_WRITE_REGISTERS = 22, 23
DIAGNOSTICS = 8
MAX_BITS, MAX_REGISTERS = 2000, 125
MAX_BITS_WRITTEN, MAX_REGISTERS_WRITTEN = 1968, 123
MAX_REGISTERS_READ_WRITTEN = 121
MAX_PDU = 253
EXCEPTION = 0x80
"""The bit of the function code that marks an exception reply."""

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
"""Exception codes of V1.1b3 §7; 7 and 9 are not defined there."""

_LIMITS = {
    1: MAX_BITS,
    2: MAX_BITS,
    3: MAX_REGISTERS,
    4: MAX_REGISTERS,
    5: 1,
    6: 1,
    15: MAX_BITS_WRITTEN,
    16: MAX_REGISTERS_WRITTEN,
    22: 1,
    23: MAX_REGISTERS,
}
_HEAD = struct.Struct(">BHH")
_READ_WRITE = struct.Struct(">BHHHHB")
_MBAP = struct.Struct(">HHHB")
_READS = (1, 2, 3, 4, 23)


class RefusalError(HaidangError):
    """A request a server cannot carry out, or a reply that says so. `code` is the exception code."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"{exception_name(code)}: {detail}")
        self.code = code


def exception_name(code: int) -> str:
    """`exception 2, illegal data address`; a code outside the specification is named by its number."""
    return f"exception {code}, {EXCEPTIONS.get(code, 'not defined by the specification')}"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for.

    address: 0-based as on the wire. count: bits or registers.
    payload: what is written, as on the wire: register bytes big-endian, or bits packed from the least
    significant; for function 5 `FF00` is on and `0000` off; for function 22 the AND mask and the OR mask.
    write_address: of function 23, which writes there before it reads.
    """

    function: int
    address: int
    count: int = 1
    payload: bytes = b""
    write_address: int = 0

    @property
    def body_length(self) -> int:
        """Data bytes a read's reply carries."""
        return (self.count + 7) // 8 if self.function <= READ_DISCRETE_INPUTS else 2 * self.count


@dataclass(frozen=True, slots=True)
class Frame:
    """One PDU with the unit it is for or from; transaction is the MBAP identifier, 0 in RTU."""

    unit: int
    pdu: bytes
    transaction: int = 0


def encode_request(request: Request) -> bytes:
    """The PDU a client sends. Raises RefusalError where a server would have to refuse it."""
    if request.function in (WRITE_COIL, WRITE_REGISTER, MASK_WRITE):
        pdu = struct.pack(">BH", request.function, request.address) + request.payload
    elif request.function == READ_WRITE_REGISTERS:
        words, there = len(request.payload) // 2, request.write_address
        head = (request.function, request.address, request.count, there, words, len(request.payload) & 0xFF)
        pdu = _READ_WRITE.pack(*head) + request.payload
    else:
        pdu = _HEAD.pack(request.function, request.address, request.count)
        if request.function in (WRITE_COILS, WRITE_REGISTERS):
            pdu += bytes((len(request.payload),)) + request.payload
    decode_request(pdu)
    return pdu


def decode_request(pdu: bytes) -> Request:
    """What a client asks for. Raises RefusalError with the exception code a server has to answer."""
    function = pdu[0] if pdu else 0
    if function not in _LIMITS:
        raise RefusalError(ILLEGAL_FUNCTION, f"function {function} is not served")
    if len(pdu) < (_READ_WRITE.size if function == READ_WRITE_REGISTERS else _HEAD.size):
        raise RefusalError(ILLEGAL_VALUE, f"a request of {len(pdu)} bytes is too short")
    request = _read_request(pdu)
    if not _payload_fits(request, pdu) or not 1 <= request.count <= _LIMITS[function]:
        detail = f"count {request.count} or length {len(pdu)} does not fit the function"
        raise RefusalError(ILLEGAL_VALUE, detail)
    last = max(request.address + request.count, request.write_address + len(request.payload) // 2)
    if request.address + request.count > 0x10000 or (function == READ_WRITE_REGISTERS and last > 0x10000):
        raise RefusalError(ILLEGAL_ADDRESS, f"{last} passes the last address, 65535")
    return request


def _read_request(pdu: bytes) -> Request:
    function, address, count = _HEAD.unpack_from(pdu)
    if function in (WRITE_COIL, WRITE_REGISTER, MASK_WRITE):
        return Request(function, address, 1, pdu[3:])
    if function == READ_WRITE_REGISTERS:
        there = int.from_bytes(pdu[5:7])
        return Request(function, address, count, pdu[_READ_WRITE.size :], there)
    return Request(function, address, count, pdu[6:])


def _payload_fits(request: Request, pdu: bytes) -> bool:
    function, written = request.function, len(request.payload)
    if function in (WRITE_COIL, WRITE_REGISTER):
        return written == 2 and (function == WRITE_REGISTER or request.payload in (b"\0\0", b"\xff\0"))
    if function == MASK_WRITE:
        return written == 4
    if function == READ_WRITE_REGISTERS:
        words = int.from_bytes(pdu[7:9])
        return 1 <= words <= MAX_REGISTERS_READ_WRITTEN and written == pdu[9] == 2 * words
    if function <= READ_INPUT_REGISTERS:
        return len(pdu) == _HEAD.size
    bits = request.function == WRITE_COILS
    expected = (request.count + 7) // 8 if bits else 2 * request.count
    return len(pdu) == 6 + expected and pdu[5] == expected


def encode_reply(request: Request, body: bytes = b"") -> bytes:
    """The PDU a server answers with; `body` is what was read: register bytes or packed bits.

    Raises RefusalError (device failure) when the body is not as long as the request asks for.
    """
    if request.function in _READS:
        if len(body) != request.body_length:
            detail = f"{len(body)} bytes for a reply of {request.body_length}"
            raise RefusalError(DEVICE_FAILURE, detail)
        return bytes((request.function, len(body))) + body
    return _echo(request)


def _echo(request: Request) -> bytes:
    """What a server that carried out a write says back."""
    return encode_request(request)[: 7 if request.function == MASK_WRITE else 5]


def exception_reply(function: int, code: int) -> bytes:
    """The PDU a server refuses with."""
    return bytes((function & 0x7F | EXCEPTION, code))


def decode_reply(request: Request, pdu: bytes) -> bytes:
    """The data bytes of a reply to a read, b"" for a write.

    Raises RefusalError for an exception reply, and with the code 0 for one that is not an answer
    to this request.
    """
    if len(pdu) == 2 and pdu[0] == request.function | EXCEPTION:
        raise RefusalError(pdu[1], f"function {request.function} at {request.address}")
    if request.function not in _READS and pdu == _echo(request):
        return b""
    length = request.body_length
    if request.function not in _READS or pdu[:2] != bytes((request.function, length)):
        raise RefusalError(0, f"{pdu[:5].hex(' ')} does not answer function {request.function}")
    if len(pdu) != 2 + length:
        raise RefusalError(0, f"{len(pdu) - 2} data bytes where {length} were asked for")
    return pdu[2:]


def pack_bits(bits: Iterable[bool]) -> bytes:
    """Bits as coils travel: the first in the least significant bit of the first byte."""
    values = tuple(bits)
    number = sum(1 << index for index, bit in enumerate(values) if bit)
    return number.to_bytes((len(values) + 7) // 8, "little")


def unpack_bits(packed: bytes, count: int) -> tuple[bool, ...]:
    """The first `count` bits of packed coils."""
    number = int.from_bytes(packed, "little")
    return tuple(bool(number >> index & 1) for index in range(count))


def _crc_tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The next CRC after one byte, and after two of them taken as a little-endian word."""
    table: list[int] = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    wide = [one >> 8 ^ table[one & 0xFF ^ high] for high in range(256) for one in table]
    return tuple(table), tuple(wide)


_CRC, _CRC_OF_WORD = _crc_tables()


def crc16(raw: bytes) -> int:
    """CRC-16 of an RTU frame: polynomial 0xA001 reflected, start 0xFFFF; sent low byte first."""
    words = len(raw) >> 1
    crc = 0xFFFF
    for word in struct.unpack_from(f"<{words}H", raw):
        crc = _CRC_OF_WORD[crc ^ word]
    if len(raw) & 1:
        crc = crc >> 8 ^ _CRC[(crc ^ raw[-1]) & 0xFF]
    return crc


def wrap_rtu(unit: int, pdu: bytes) -> bytes:
    """Unit, PDU, CRC."""
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def wrap_mbap(transaction: int, unit: int, pdu: bytes) -> bytes:
    """MBAP header and PDU."""
    return _MBAP.pack(transaction, 0, len(pdu) + 1, unit) + pdu


def crc_holds(frame: bytes) -> bool:
    """Whether the last two bytes are the CRC of those before."""
    return crc16(frame) == 0


def _request_length(start: bytes) -> int | None:
    """Bytes of the RTU request that starts here; None while that cannot be told, 0 when never."""
    if len(start) < 2:
        return None
    if 1 <= start[1] <= WRITE_REGISTER or start[1] == DIAGNOSTICS:
        return 8
    if start[1] in (WRITE_COILS, WRITE_REGISTERS):
        return 9 + start[6] if len(start) > 6 else None
    if start[1] == READ_WRITE_REGISTERS:
        return 13 + start[10] if len(start) > 10 else None
    return 10 if start[1] == MASK_WRITE else 0


def reply_length(start: bytes) -> int | None:
    """Bytes of the RTU reply that starts here; None while that cannot be told, 0 when never."""
    if len(start) < 2:
        return None
    function = start[1]
    if function & EXCEPTION:
        return 5
    if function in _READS:
        return 5 + start[2] if len(start) > 2 else None
    if function == MASK_WRITE:
        return 10
    return 8 if function in _LIMITS or function == DIAGNOSTICS else 0


@dataclass(slots=True)
class RtuRequests:
    """A server's ear on a serial line: any chunking in, whole requests with a right CRC out.

    What is no request is skipped byte by byte; a chunk that is one frame with a right CRC counts
    whatever its function code, so that a server can refuse unknown functions.
    """

    length_of: Callable[[bytes], int | None] = _request_length
    _rest: bytes = field(default=b"", repr=False)

    def feed(self, chunk: bytes) -> list[Frame]:
        """The requests completed by `chunk`, in order."""
        self._rest += chunk
        frames: list[Frame] = []
        while self._rest:
            length = self.length_of(self._rest)
            if length == 0 and 4 <= len(self._rest) <= MAX_PDU + 3 and crc_holds(self._rest):
                length = len(self._rest)
            if length is None or length > len(self._rest):
                break
            whole = length > 0 and crc_holds(self._rest[:length])
            if whole:
                frames.append(Frame(self._rest[0], self._rest[1 : length - 2]))
            self._rest = self._rest[length if whole else 1 :]
        return frames


@dataclass(slots=True)
class MbapFrames:
    """Either side's ear on a TCP connection: any chunking in, whole frames out.

    Bytes that cannot be an MBAP header (protocol not 0, length not 2–254) are skipped one by one.
    """

    _rest: bytes = field(default=b"", repr=False)

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames completed by `chunk`, in order."""
        self._rest += chunk
        frames: list[Frame] = []
        start = 0
        while len(self._rest) - start >= _MBAP.size:
            transaction, protocol, length, unit = _MBAP.unpack_from(self._rest, start)
            if protocol or not 2 <= length <= MAX_PDU + 1:
                start += 1
                continue
            end = start + 6 + length
            if end > len(self._rest):
                break
            frames.append(Frame(unit, self._rest[start + 7 : end], transaction))
            start = end
        self._rest = self._rest[start:]
        return frames
