"""VISCA packets on the wire, for both sides: address, body, terminator; replies; the UDP header.

A packet is one address byte (0x80, sender in bits 4–6, receiver in bits 0–3), a body of 1 to 14 bytes
and 0xFF. The controller is 0, cameras are 1 to 7, 8 is everybody. Over IP an eight-byte header with a
sequence number goes before it. Sources: Sony EVI-D70 and SRG-300H technical manuals, command lists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

CONTROLLER, BROADCAST = 0, 8
END = 0xFF
LONGEST = 16
"""Bytes of a packet, at most."""

MESSAGE_LENGTH, SYNTAX, BUFFER_FULL, CANCELLED, NO_SOCKET, NOT_EXECUTABLE = 1, 2, 3, 4, 5, 0x41
ERRORS = {
    MESSAGE_LENGTH: "message length error",
    SYNTAX: "syntax error",
    BUFFER_FULL: "command buffer full",
    CANCELLED: "command cancelled",
    NO_SOCKET: "no such socket",
    NOT_EXECUTABLE: "not executable now",
}


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. source: who sent it, 0 to 7. destination: whom it is for, 0 to 8."""

    source: int
    destination: int
    body: bytes

    def encode(self) -> bytes:
        """Its bytes."""
        return bytes((0x80 | self.source << 4 | self.destination, *self.body, END))


def to_camera(address: int, body: bytes) -> bytes:
    """The controller's packet to this camera, or to all."""
    return Packet(CONTROLLER, address, body).encode()


def to_controller(address: int, body: bytes) -> bytes:
    """This camera's packet to the controller."""
    return Packet(address, CONTROLLER, body).encode()


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no packet. reason: `framing` or `overlong`."""

    reason: str
    detail: str
    frame: bytes


class PacketReader:
    """Cuts a stream into packets; keeps at most one packet's bytes."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[Packet | Damage]:
        """What these bytes complete, in order. A line of garbage is told once, with its first bytes."""
        for byte in chunk:
            if byte == END:
                yield from self._ended()
            elif not self._skipping:
                self._pending.append(byte)
                if len(self._pending) >= LONGEST:
                    self._skipping = True

    def clear(self) -> None:
        """Forgets half a packet."""
        self._pending.clear()
        self._skipping = False

    def _ended(self) -> Iterator[Packet | Damage]:
        frame, skipped = bytes(self._pending), self._skipping
        self.clear()
        if skipped:
            yield Damage("overlong", f"more than {LONGEST} bytes without an end", frame)
            return
        header = frame[0] if frame else 0
        if len(frame) < 2 or header < 0x80 or header & 0x0F > BROADCAST:
            yield Damage("framing", "not a VISCA packet", frame + bytes((END,)))
            return
        yield Packet(header >> 4 & 7, header & 0x0F, frame[1:])


@dataclass(frozen=True, slots=True)
class Ack:
    """The command was accepted and runs in this socket, 1 or 2."""

    socket: int


@dataclass(frozen=True, slots=True)
class Completion:
    """The command of this socket is done; socket 0 answers an inquiry, with its payload."""

    socket: int
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The command was not, or not fully, carried out. code: one of ERRORS."""

    socket: int
    code: int


@dataclass(frozen=True, slots=True)
class AddressReply:
    """AddressSet came back through the chain. next_address: one more than there are cameras."""

    next_address: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """The broadcast IF_Clear came back through the chain."""


@dataclass(frozen=True, slots=True)
class NetworkChange:
    """A camera was switched on or off: the chain is to be addressed anew."""


Answer = Ack | Completion | Refusal | AddressReply | Cleared | NetworkChange


def encode_answer(answer: Answer) -> bytes:
    """The body of this answer."""
    match answer:
        case Ack(socket):
            return bytes((0x40 | socket,))
        case Completion(socket, payload):
            return bytes((0x50 | socket, *payload))
        case Refusal(socket, code):
            return bytes((0x60 | socket, code))
        case AddressReply(next_address):
            return bytes((0x30, next_address))
        case Cleared():
            return b"\x01\x00\x01"
        case NetworkChange():
            return b"\x38"


def decode_answer(packet: Packet) -> Answer | None:
    """What a packet from the chain says to the controller; None for anything else."""
    body = packet.body
    if packet.destination == BROADCAST:
        if len(body) == 2 and body[0] == 0x30:
            return AddressReply(body[1])
        return Cleared() if body == b"\x01\x00\x01" else None
    return _decode_reply(body) if packet.destination == CONTROLLER else None


def _decode_reply(body: bytes) -> Answer | None:
    kind, socket = body[0] & 0xF0, body[0] & 0x0F
    if body == b"\x38":
        return NetworkChange()
    if kind == 0x40 and len(body) == 1:
        return Ack(socket)
    if kind == 0x60 and len(body) == 2:
        return Refusal(socket, body[1])
    return Completion(socket, body[1:]) if kind == 0x50 else None


# --- VISCA over IP


class Payload(IntEnum):
    """What a datagram carries."""

    COMMAND = 0x0100
    INQUIRY = 0x0110
    REPLY = 0x0111
    SETTING = 0x0120
    CONTROL = 0x0200
    CONTROL_REPLY = 0x0201


RESET = b"\x01"
"""Control payload that sets the sequence number to 0; the camera answers with the same."""
ControlFault = Literal["sequence", "message type"]
_CONTROL_FAULTS: dict[bytes, ControlFault] = {b"\x0f\x01": "sequence", b"\x0f\x02": "message type"}
_HEADER = 8


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram of VISCA over IP. sequence: 0 to 2^32 - 1, an answer has that of its command."""

    kind: Payload
    sequence: int
    payload: bytes

    def encode(self) -> bytes:
        """Its bytes."""
        head = (self.kind.to_bytes(2), len(self.payload).to_bytes(2), self.sequence.to_bytes(4))
        return b"".join((*head, self.payload))

    @property
    def control_fault(self) -> ControlFault | None:
        """What the camera holds against a datagram of ours, if this says so."""
        if self.kind not in (Payload.CONTROL, Payload.CONTROL_REPLY):
            return None
        return _CONTROL_FAULTS.get(self.payload)


def encode_control_fault(fault: ControlFault, sequence: int) -> bytes:
    """The camera's datagram that holds this against one of ours."""
    code = next(code for code, name in _CONTROL_FAULTS.items() if name == fault)
    return Datagram(Payload.CONTROL, sequence, code).encode()


def decode_datagrams(data: bytes) -> Sequence[Datagram | Damage]:
    """What came in one datagram: usually one, some cameras send several in a row."""
    found: list[Datagram | Damage] = []
    while data:
        kind, length = int.from_bytes(data[:2]), int.from_bytes(data[2:4])
        known = {payload.value: payload for payload in Payload}
        if len(data) < _HEADER or kind not in known or len(data) < _HEADER + length:
            found.append(Damage("framing", "not a datagram of VISCA over IP", data[:64]))
            break
        payload = data[_HEADER : _HEADER + length]
        found.append(Datagram(known[kind], int.from_bytes(data[4:8]), payload))
        data = data[_HEADER + length :]
    return found
