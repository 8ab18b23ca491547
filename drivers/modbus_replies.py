"""Finds the reply to one Modbus request in whatever a line brings, for RTU and MBAP alike.

What is looked for is known to the byte: unit, function, byte count, in MBAP also transaction and
length, in RTU the CRC. Nothing else can become the answer, and noise before it does no harm.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.modbus_frames import EXCEPTION, crc_holds, reply_length, wrap_mbap, wrap_rtu
from drivers.modbus_plan import PlannedRead

_MEMORY = 512
"""Bytes kept while no answer is found: twice the longest frame."""
_PIECE = 256
_MAX_STRAYS = 8
"""Foreign frames reported per request; a line full of them is not worth more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply: its data bytes, or the exception code the device refused with (0 for none)."""

    body: bytes
    code: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Stray:
    """A frame that is not the reply. reason: `unexpected`, `framing` or `checksum`."""

    reason: str
    detail: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """One planned read as it travels to and from one unit, laid out once.

    In MBAP `frame`, `answer` and `refusal` lack the transaction identifier they begin with.
    """

    read: PlannedRead
    unit: int
    rtu: bool
    frame: bytes
    answer: bytes
    answer_length: int
    refusal: bytes
    refusal_length: int


def lay_out(read: PlannedRead, unit: int, pdu: bytes, rtu: bool) -> Exchange:
    """The exchange of a planned read with a unit; `pdu` is its encoded request."""
    function, length = read.request.function, read.request.body_length
    answer, refusal = bytes((unit, function, length)), bytes((unit, function | EXCEPTION))
    if rtu:
        return Exchange(read, unit, rtu, wrap_rtu(unit, pdu), answer, length + 5, refusal, 5)
    answer, refusal = struct.pack(">HH", 0, length + 3) + answer, struct.pack(">HH", 0, 3) + refusal
    return Exchange(read, unit, rtu, wrap_mbap(0, unit, pdu)[2:], answer, length + 9, refusal, 9)


class ReplyFinder:
    """Any chunking in; strays and at most one answer per request out, with bounded memory."""

    __slots__ = ("_answer", "_exchange", "_refusal", "_rest", "_strays", "damage")

    def __init__(self, exchange: Exchange) -> None:
        self.expect(exchange, b"")

    def expect(self, exchange: Exchange, transaction: bytes) -> None:
        """Forgets what came before and looks for the reply to this exchange."""
        self._exchange = exchange
        self._answer = transaction + exchange.answer
        self._refusal = transaction + exchange.refusal
        self._rest = b""
        self._strays = 0
        self.damage: Stray | None = None

    @property
    def evidence(self) -> bytes:
        """Bytes that came and are no frame."""
        return self._rest

    def feed(self, chunk: bytes) -> Iterator[Answer | Stray]:
        """What `chunk` completes. Ends with the answer; what follows it is of no interest.

        A reply with a wrong CRC is not yielded but kept as `damage`, since the right one may follow.
        """
        for start in range(0, len(chunk), _PIECE):
            self._rest += chunk[start : start + _PIECE]
            if self._exchange.rtu:
                yield from self._foreign(len(self._rest))
            at, answer = self._find()
            if not self._exchange.rtu:
                yield from self._foreign(at)
            if answer is not None:
                self._rest = b""
                yield answer
                return
            self._rest = self._rest[-_MEMORY:]

    def _find(self) -> tuple[int, Answer | None]:
        """The reply and where it starts; without one, where it may have begun, at most the end."""
        exchange = self._exchange
        while (at := _first(self._rest, self._answer, self._refusal)) >= 0:
            refused = not self._rest.startswith(self._answer, at)
            end = at + (exchange.refusal_length if refused else exchange.answer_length)
            if end > len(self._rest):
                return at, None
            frame = self._rest[at:end]
            if not exchange.rtu or crc_holds(frame):
                return at, _read_answer(frame, exchange.rtu, refused)
            self._damaged(frame)
            self._rest = self._rest[at + 1 :]
        return len(self._rest), None

    def _damaged(self, frame: bytes) -> None:
        unit = self._exchange.unit
        damage = Stray("checksum", f"the CRC of a reply from unit {unit} does not hold", frame)
        self.damage = self.damage or damage

    def _foreign(self, end: int) -> Iterator[Stray]:
        """Whole frames before `end` that are not the reply are reported and dropped."""
        while stray := self._foreign_rtu(end) if self._exchange.rtu else self._foreign_mbap(end):
            self._rest, end = self._rest[len(stray.frame) :], end - len(stray.frame)
            self._strays += 1
            if self._strays <= _MAX_STRAYS:
                yield stray

    def _foreign_rtu(self, end: int) -> Stray | None:
        if self._rest.startswith((self._answer, self._refusal)):
            return None
        length = reply_length(self._rest)
        if not length or length > end or not crc_holds(self._rest[:length]):
            return None
        return Stray("unexpected", self._why(self._rest[: length - 2]), self._rest[:length])

    def _foreign_mbap(self, end: int) -> Stray | None:
        if end <= 8:
            return None
        protocol, length = struct.unpack_from(">HH", self._rest, 2)
        if protocol or not 2 <= length <= 254:
            garbage = self._rest[: end - 8]
            return Stray("framing", "bytes that begin no Modbus TCP frame", garbage)
        if 6 + length > end:
            return None
        return Stray("unexpected", self._why(self._rest[6 : 6 + length]), self._rest[: 6 + length])

    def _why(self, frame: bytes) -> str:
        """Why a frame (unit and PDU) is not the reply, in words."""
        unit, request = self._exchange.unit, self._exchange.read.request
        if frame[0] != unit:
            return f"a reply from unit {frame[0]} while unit {unit} was asked"
        if frame[1] & 0x7F != request.function:
            return f"a reply to function {frame[1] & 0x7F} while {request.function} was asked"
        if frame[2:3] != bytes((request.body_length,)) and frame[1] == request.function:
            return f"a reply of {frame[2:3].hex()}h data bytes where {request.body_length} were asked for"
        return "a reply to an earlier request"


def _first(rest: bytes, answer: bytes, refusal: bytes) -> int:
    one, other = rest.find(answer), rest.find(refusal)
    return max(one, other) if min(one, other) < 0 else min(one, other)


def _read_answer(frame: bytes, rtu: bool, refused: bool) -> Answer:
    pdu = frame[1:-2] if rtu else frame[7:]
    return Answer(b"" if refused else pdu[2:], pdu[1] if refused else 0, frame)
