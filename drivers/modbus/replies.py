"""Finds the reply to one Modbus request in whatever a line brings, for RTU, MBAP and ASCII alike.

What is looked for is known to the byte: unit, function, byte count or the echo of a write, in MBAP also
transaction and length, in RTU the CRC, in ASCII the LRC. Nothing else can become the answer, and noise
before it does no harm.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from drivers.modbus.ascii import LONGEST, unwrap_ascii, wrap_ascii
from drivers.modbus.frames import (
    EXCEPTION,
    READ_INPUT_REGISTERS,
    READ_WRITE_REGISTERS,
    Request,
    crc_holds,
    encode_reply,
    encode_request,
    exception_name,
    reply_length,
    wrap_mbap,
    wrap_rtu,
)

Framing = Literal["rtu", "tcp", "ascii"]
"""How PDUs travel; `tcp` is MBAP, on whatever link."""

_MEMORY = LONGEST
"""Bytes kept while no answer is found: one of the longest frames there are."""
_PIECE = 256
_MAX_STRAYS = 8
"""Foreign frames reported per request; a line full of them is not worth more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply: its data bytes, or the exception code the device refused with (0 for none)."""

    body: bytes
    code: int
    frame: bytes

    @property
    def refusal(self) -> str:
        """The exception in words."""
        return exception_name(self.code)


@dataclass(frozen=True, slots=True)
class Stray:
    """A frame that is not the reply. reason: `unexpected`, `framing` or `checksum`."""

    reason: str
    detail: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it travels to one unit and its reply as it comes back, laid out once.

    In MBAP `frame`, `answer` and `refusal` lack the transaction identifier they begin with.
    answer: how the reply begins, up to the data; all of it for a write.
    """

    request: Request
    unit: int
    framing: Framing
    frame: bytes
    answer: bytes
    answer_length: int
    refusal: bytes
    refusal_length: int

    def __str__(self) -> str:
        asked = self.request
        return f"unit {self.unit}, function {asked.function} at {asked.address}, count {asked.count}"

    def body(self, frame: bytes) -> bytes:
        """The data bytes of a reply whose frame is whole; MBAP with its transaction identifier."""
        if self.framing == "rtu":
            return frame[3:-2]
        return frame[9:] if self.framing == "tcp" else bytes.fromhex(frame[7:-4].decode())

    def whole(self, frame: bytes) -> bool:
        """Whether the check at the frame's end holds; MBAP has none."""
        if self.framing == "rtu":
            return crc_holds(frame)
        return self.framing == "tcp" or unwrap_ascii(frame) is not None


def lay_out(request: Request, unit: int, framing: Framing) -> Exchange:
    """The exchange of a request with a unit. Raises RefusalError for a request no server may carry out."""
    reads = request.function <= READ_INPUT_REGISTERS or request.function == READ_WRITE_REGISTERS
    length = request.body_length if reads else 0
    head = bytes((request.function, length)) if reads else encode_reply(request)
    frame = _wrap(framing, unit, encode_request(request), 0)
    answer = _wrap(framing, unit, head, length)
    refusal = _wrap(framing, unit, bytes((request.function | EXCEPTION, 0)), 0)
    digits = 2 if framing == "ascii" else 1
    tail = {"rtu": 2, "tcp": 0, "ascii": 4}[framing]
    start, refused = answer[: len(answer) - tail], refusal[: len(refusal) - tail - digits]
    lengths = len(answer) + length * digits, len(refusal)
    skip = 2 if framing == "tcp" else 0
    return Exchange(
        request, unit, framing, frame[skip:], start[skip:], lengths[0], refused[skip:], lengths[1]
    )


def _wrap(framing: Framing, unit: int, pdu: bytes, more: int) -> bytes:
    """A frame around this PDU; `more` data bytes are to follow it, which only MBAP says beforehand."""
    if framing == "rtu":
        return wrap_rtu(unit, pdu)
    if framing == "ascii":
        return wrap_ascii(unit, pdu)
    frame = wrap_mbap(0, unit, pdu)
    return frame[:4] + struct.pack(">H", len(pdu) + 1 + more) + frame[6:]


class ReplyFinder:
    """Any chunking in; strays and at most one answer per request out, with bounded memory.

    echoes: whether the line repeats what is sent, which is noticed at reads; from then on that is
    skipped, so that it does not pass for the answer to a write, which looks the same.
    """

    __slots__ = ("_answer", "_echo", "_exchange", "_refusal", "_rest", "_strays", "damage", "echoes")

    def __init__(self) -> None:
        self._rest = self._echo = b""
        self.echoes = False
        self.damage: Stray | None = None

    def expect(self, exchange: Exchange, transaction: bytes = b"") -> None:
        """Forgets what came before and looks for the reply to this exchange."""
        self._exchange = exchange
        self._answer = transaction + exchange.answer
        self._refusal = transaction + exchange.refusal
        self._rest = b""
        self._echo = exchange.frame if self.echoes else b""
        self._strays = 0
        self.damage = None

    @property
    def evidence(self) -> bytes:
        """Bytes that came and are no frame."""
        return self._rest

    def body_at_once(self, chunk: bytes) -> bytes | None:
        """The data bytes when `chunk` is the reply and nothing else, as it mostly is."""
        exchange = self._exchange
        if len(chunk) != exchange.answer_length or not chunk.startswith(self._answer):
            return None
        if self._rest or self._echo:
            return None
        if exchange.framing == "tcp":
            return chunk[9:]
        return exchange.body(chunk) if exchange.whole(chunk) else None

    def feed(self, chunk: bytes) -> Iterator[Answer | Stray]:
        """What `chunk` completes. Ends with the answer; what follows it is of no interest.

        A reply whose check fails is not yielded but kept as `damage`, since the right one may follow.
        """
        framing = self._exchange.framing
        if self._echo:
            chunk = self._after_echo(chunk)
        if framing == "tcp" and self._rest and _is_mbap_frame(chunk):
            yield from self._torn()
        for start in range(0, len(chunk), _PIECE):
            piece = chunk[start : start + _PIECE]
            self._rest += piece.upper() if framing == "ascii" else piece
            if framing != "tcp" and not self.echoes:
                self._notice_echo()
            if framing == "rtu":
                yield from self._foreign(len(self._rest))
            at, answer = self._find()
            if framing != "rtu":
                yield from self._foreign(at)
            if answer is not None:
                self._rest = b""
                yield answer
                return
            self._rest = self._rest[-_MEMORY:]

    def _after_echo(self, chunk: bytes) -> bytes:
        """What follows our own request in a chunk; all of it where it is not there."""
        length = min(len(chunk), len(self._echo))
        if chunk[:length] != self._echo[:length]:
            self._echo = b""
            return chunk
        self._echo = self._echo[length:]
        return chunk[length:]

    def _notice_echo(self) -> None:
        request = self._exchange.frame
        if self._rest.startswith(request) and not request.startswith(self._answer):
            self.echoes = True
            self._rest = self._rest[len(request) :]

    def _find(self) -> tuple[int, Answer | None]:
        """The reply and where it starts; without one, where it may have begun, at most the end."""
        exchange = self._exchange
        while (at := _first(self._rest, self._answer, self._refusal)) >= 0:
            refused = not self._rest.startswith(self._answer, at)
            end = at + (exchange.refusal_length if refused else exchange.answer_length)
            if end > len(self._rest):
                return at, None
            frame = self._rest[at:end]
            if exchange.whole(frame) and (exchange.framing != "tcp" or _may_follow(self._rest[end:])):
                return at, self._answer_of(frame, refused)
            self._damaged(frame)
            self._rest = self._rest[end if exchange.framing == "ascii" else at + 1 :]
        return len(self._rest), None

    def _answer_of(self, frame: bytes, refused: bool) -> Answer:
        exchange = self._exchange
        if not refused:
            return Answer(exchange.body(frame), 0, frame)
        if exchange.framing == "ascii":
            return Answer(b"", int(frame[5:7], 16), frame)
        return Answer(b"", frame[2] if exchange.framing == "rtu" else frame[8], frame)

    def _damaged(self, frame: bytes) -> None:
        exchange = self._exchange
        if exchange.framing == "tcp":
            damage = Stray("framing", "what follows the reply begins no Modbus TCP frame: it is torn", frame)
        else:
            check = "CRC" if exchange.framing == "rtu" else "LRC"
            detail = f"the {check} of a reply from unit {exchange.unit} does not hold"
            damage = Stray("checksum", detail, frame)
        self.damage = self.damage or damage

    def _torn(self) -> Iterator[Stray]:
        """A whole frame came in the middle of another: the rest of that one will not come any more."""
        yield Stray("framing", "a Modbus TCP frame that ends in its middle", self._rest)
        self._rest = b""

    def _foreign(self, end: int) -> Iterator[Stray]:
        """Whole frames before `end` that are not the reply are reported and dropped."""
        look = {"rtu": self._foreign_rtu, "tcp": self._foreign_mbap, "ascii": self._foreign_ascii}
        while stray := look[self._exchange.framing](end):
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

    def _foreign_ascii(self, end: int) -> Stray | None:
        line_end = self._rest.find(b"\n", 0, end) + 1
        if not line_end:
            return None
        line = self._rest[:line_end]
        raw = unwrap_ascii(line[max(0, line.rfind(b":")) :])
        if raw is not None:
            return Stray("unexpected", self._why(raw), line)
        return Stray("framing", "a line that is no Modbus ASCII frame", line)

    def _why(self, frame: bytes) -> str:
        """Why a frame (unit and PDU) is not the reply, in words."""
        unit, request = self._exchange.unit, self._exchange.request
        if frame[0] != unit:
            return f"a reply from unit {frame[0]} while unit {unit} was asked"
        if frame[1] & 0x7F != request.function:
            return f"a reply to function {frame[1] & 0x7F} while {request.function} was asked"
        wrong_count = frame[1] == request.function and frame[2:3] != bytes((request.body_length & 0xFF,))
        if wrong_count and request.function <= READ_INPUT_REGISTERS:
            return f"a reply of {frame[2:3].hex()}h data bytes where {request.body_length} were asked for"
        if request.function > READ_INPUT_REGISTERS:
            return "a reply that says something else was written"
        return "a reply to an earlier request"


def _is_mbap_frame(chunk: bytes) -> bool:
    return len(chunk) > 8 and chunk[2:4] == b"\0\0" and int.from_bytes(chunk[4:6]) == len(chunk) - 6


def _may_follow(rest: bytes) -> bool:
    """Whether these bytes can begin the next MBAP frame."""
    return rest[2:4] in (b"", b"\0", b"\0\0") and (len(rest) < 6 or 2 <= int.from_bytes(rest[4:6]) <= 254)


def _first(rest: bytes, answer: bytes, refusal: bytes) -> int:
    one, other = rest.find(answer), rest.find(refusal)
    return max(one, other) if min(one, other) < 0 else min(one, other)
