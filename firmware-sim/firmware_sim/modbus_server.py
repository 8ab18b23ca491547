"""Simulated Modbus units behind one ear: requests in RTU, MBAP or ASCII framing, and each unit's answers.

Sources: Modbus over Serial Line V1.02 §2.5, Modbus Messaging on TCP/IP V1.0b §3.1.3.
"""

import random
from collections import deque
from collections.abc import Sequence
from typing import Literal

from drivers.contract import Outgoing
from drivers.modbus.ascii import AsciiFrames, unwrap_ascii, wrap_ascii
from drivers.modbus.frames import (
    EXCEPTIONS,
    READ_INPUT_REGISTERS,
    Frame,
    MbapFrames,
    RtuRequests,
    crc_holds,
    exception_reply,
    wrap_mbap,
    wrap_rtu,
)
from firmware_sim.modbus_device import ModbusDevice
from telemetry import Instant

Framing = Literal["rtu", "tcp", "ascii"]
_EARS = 64
"""Partners whose half frames are remembered at a time."""
_KEPT_FRAMES = 1024


class ModbusServer:
    """Units on one port: a serial bus, a TCP device, a gateway with many units behind it.

    A request for a unit that is none of theirs goes unanswered. Whole frames that come again are
    answered from memory as long as the unit's values stay the same.
    """

    def __init__(self, *units: ModbusDevice, framing: Framing = "tcp") -> None:
        self.units = {unit.unit_id: unit for unit in units}
        self.framing: Framing = framing
        self._ears: dict[str, RtuRequests | MbapFrames | AsciiFrames] = {}
        self._known: dict[bytes, tuple[ModbusDevice, int, bytes]] = {}
        self._waiting: deque[tuple[float, Outgoing]] = deque()
        self._head = 2 if framing == "tcp" else 0

    @property
    def wake_at(self) -> float | None:
        """When the next slow answer is due."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def spoils(self) -> frozenset[str]:
        """The faults of our protocol."""
        kinds = {"wrong_unit", "wrong_function", "wrong_count", "exception"}
        return frozenset(kinds | ({"wrong_transaction"} if self.framing == "tcp" else set()))

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Requests in any chunking; each is answered in its turn, slow units later by `wake`."""
        known = self._known.get(chunk[self._head :])
        if known is not None and origin not in self._ears and known[0].version() == known[1]:
            return (Outgoing(chunk[: self._head] + known[2]),)
        ear = self._ear(origin)
        frames = ear.feed(chunk)
        whole = len(frames) == 1 and self._is_whole(chunk, frames[0])
        if whole:
            del self._ears[origin]
        said: list[Outgoing] = []
        for frame in frames:
            self._answer(frame, chunk if whole else b"", now, origin, said)
        return said

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """The slow answers that are due."""
        said: list[Outgoing] = []
        while self._waiting and self._waiting[0][0] <= now.monotonic:
            said.append(self._waiting.popleft()[1])
        return said

    def spoiled(self, kind: str, frame: bytes, dice: random.Random) -> bytes | None:
        """A reply with one thing wrong and everything else, checksums too, right."""
        reply = self._unwrap(frame)
        if reply is None:
            return None
        unit, pdu, transaction = reply.unit, reply.pdu, reply.transaction
        if kind == "wrong_unit":
            unit = (unit - 1 + dice.randint(1, 246)) % 247 + 1
        elif kind == "wrong_transaction":
            transaction = (transaction + dice.randint(1, 0xFFFF)) & 0xFFFF
        elif kind == "exception":
            pdu = exception_reply(pdu[0], dice.choice(list(EXCEPTIONS)))
        elif kind == "wrong_function":
            pdu = bytes((pdu[0] % 4 + 1,)) + pdu[1:]
        elif 1 <= pdu[0] <= READ_INPUT_REGISTERS and len(pdu) > 3:
            pdu = bytes((pdu[0], len(pdu) - 4)) + pdu[2:-2]
        else:
            return None
        return self._wrap(Frame(unit, pdu, transaction))

    def _answer(self, frame: Frame, whole: bytes, now: Instant, origin: str, said: list[Outgoing]) -> None:
        for unit in self.units.values() if frame.unit == 0 else (self.units.get(frame.unit),):
            reply = unit.reply(frame) if unit is not None else None
            if unit is None or reply is None:
                continue
            wrapped = self._wrap(Frame(frame.unit, reply, frame.transaction))
            if unit.turnaround:
                self._waiting.append((now.monotonic + unit.turnaround, Outgoing(wrapped, origin)))
                continue
            said.append(Outgoing(wrapped))
            if whole and frame.pdu[0] <= READ_INPUT_REGISTERS:
                self._remember(whole[self._head :], (unit, unit.version(), wrapped[self._head :]))

    def _remember(self, request: bytes, answer: tuple[ModbusDevice, int, bytes]) -> None:
        if len(self._known) >= _KEPT_FRAMES:
            self._known.clear()
        self._known[request] = answer

    def _is_whole(self, chunk: bytes, frame: Frame) -> bool:
        """Whether the chunk is this one frame and nothing else."""
        overhead = {"rtu": 3, "tcp": 7, "ascii": 0}[self.framing]
        if self.framing == "ascii":
            return chunk == wrap_ascii(frame.unit, frame.pdu)
        return len(chunk) == len(frame.pdu) + overhead

    def _ear(self, origin: str) -> RtuRequests | MbapFrames | AsciiFrames:
        ear = self._ears.get(origin)
        if ear is None:
            if len(self._ears) >= _EARS:
                self._ears.pop(next(iter(self._ears)))
            ear = {"rtu": RtuRequests, "tcp": MbapFrames, "ascii": AsciiFrames}[self.framing]()
            self._ears[origin] = ear
        return ear

    def _wrap(self, frame: Frame) -> bytes:
        if self.framing == "tcp":
            return wrap_mbap(frame.transaction, frame.unit, frame.pdu)
        return wrap_rtu(frame.unit, frame.pdu) if self.framing == "rtu" else wrap_ascii(frame.unit, frame.pdu)

    def _unwrap(self, reply: bytes) -> Frame | None:
        """A whole reply of ours; None for what no longer is one."""
        if self.framing == "tcp":
            whole = len(reply) > 7
            return Frame(reply[6], reply[7:], int.from_bytes(reply[:2])) if whole else None
        if self.framing == "rtu":
            whole = len(reply) > 3 and crc_holds(reply)
            return Frame(reply[0], reply[1:-2]) if whole else None
        raw = unwrap_ascii(reply)
        return Frame(raw[0], raw[1:]) if raw else None
