"""How VISCA packets travel: bare on a serial line or a TCP connection, or numbered in datagrams."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.visca.frames import (
    RESET,
    Answer,
    ControlFault,
    Damage,
    Datagram,
    Packet,
    PacketReader,
    Payload,
    decode_answer,
    decode_datagrams,
    to_camera,
)

_LAST_SEQUENCE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of our camera. token: which of our packets it answers, None where nothing says so."""

    answer: Answer
    token: int | None
    frame: bytes


@dataclass(frozen=True, slots=True)
class ResetDone:
    """The camera counts from 0 again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The camera holds something against the header of our packet with this token."""

    fault: ControlFault
    token: int


Received = Heard | ResetDone | Trouble | Damage


class Session(Protocol):
    """One way to carry packets.

    counts: whether our packets are numbered, and the camera is told to count anew when the link is new.
    numbered: whether its answers say what they answer.
    """

    counts: bool
    numbered: bool

    def open(self) -> None:
        """The link is new: forgets half packets."""
        ...

    def reset(self) -> bytes:
        """The bytes that make the camera count anew; empty where nothing is counted."""
        ...

    def send(self, body: bytes, to: int | None = None) -> tuple[bytes, int]:
        """The bytes of a packet to our camera, or to another address, and its token."""
        ...

    def receive(self, chunk: bytes) -> Sequence[Received]:
        """What came from our camera, or for all."""
        ...


class PlainSession:
    """Packets one after another, in any chunking.

    address: our camera's. any_address: whether answers in another's name count as ours.
    """

    counts = False
    numbered = False

    def __init__(self, address: int, *, any_address: bool) -> None:
        self._address, self._any_address = address, any_address
        self._reader = PacketReader()
        self._token = 0

    def open(self) -> None:
        """Forgets half a packet."""
        self._reader.clear()

    def reset(self) -> bytes:
        """Nothing is counted here."""
        return b""

    def send(self, body: bytes, to: int | None = None) -> tuple[bytes, int]:
        """The packet's bytes; the token only counts."""
        self._token += 1
        return to_camera(self._address if to is None else to, body), self._token

    def receive(self, chunk: bytes) -> Sequence[Received]:
        """Answers of our camera and what goes round to all; what others say is passed over."""
        heard = (_heard(found, None, self._address, self._any_address) for found in self._reader.feed(chunk))
        return [one for one in heard if one is not None]


class NumberedSession:
    """VISCA over IP: one packet a datagram, with a sequence number that its answers repeat.

    loose: the camera's numbers are wrong and not looked at.
    """

    counts = True

    def __init__(self, address: int, *, any_address: bool, loose: bool) -> None:
        self.numbered = not loose
        self._address, self._any_address, self._loose = address, any_address, loose
        self._sequence = 0

    def open(self) -> None:
        """A datagram is whole or not there: nothing to forget."""

    def reset(self) -> bytes:
        """RESET; the next packet is number 1."""
        self._sequence = 0
        return Datagram(Payload.CONTROL, 0, RESET).encode()

    def send(self, body: bytes, to: int | None = None) -> tuple[bytes, int]:
        """The datagram and its number."""
        self._sequence = self._sequence + 1 if self._sequence < _LAST_SEQUENCE else 0
        kind = Payload.INQUIRY if body[0] == 0x09 else Payload.COMMAND
        packet = to_camera(self._address if to is None else to, body)
        return Datagram(kind, self._sequence, packet).encode(), self._sequence

    def receive(self, chunk: bytes) -> Sequence[Received]:
        """Everything in one datagram."""
        received: list[Received] = []
        for found in decode_datagrams(chunk):
            if isinstance(found, Damage):
                received.append(found)
            elif found.control_fault is not None:
                received.append(Trouble(found.control_fault, found.sequence))
            elif found.kind is Payload.CONTROL_REPLY:
                received.append(ResetDone())
            elif found.kind is Payload.REPLY:
                received += self._packets(found)
            else:
                received.append(Damage("framing", f"a {found.kind.name} is no answer", chunk[:64]))
        return received

    def _packets(self, datagram: Datagram) -> Sequence[Received]:
        token = None if self._loose else datagram.sequence
        reader = PacketReader()
        found = (
            _heard(one, token, self._address, self._any_address) for one in reader.feed(datagram.payload)
        )
        return [one for one in found if one is not None]


def _heard(found: Packet | Damage, token: int | None, address: int, any_address: bool) -> Received | None:
    if isinstance(found, Damage):
        return found
    answer = decode_answer(found)
    if answer is None:
        text = "an answer that VISCA does not have"
        return None if found.source else Damage("unexpected", text, found.encode())
    ours = any_address or found.source in (address, 0) or found.destination == 8
    return Heard(answer, token, found.encode()) if ours else None
