"""A soak in simulated time: more than 100,000 Modbus transactions on bad lines, and not one wrong value.

Every register says which unit and address it is and which request it answers, so that a value that
belongs to another register, another unit or an earlier request is told at once.
"""

import heapq
import random
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

import pytest

from drivers.contract import Event, Fault
from drivers.modbus.ascii import AsciiFrames, wrap_ascii
from drivers.modbus.driver import ModbusDriver
from drivers.modbus.frames import (
    DIAGNOSTICS,
    Frame,
    MbapFrames,
    RtuRequests,
    decode_request,
    encode_reply,
    exception_reply,
    wrap_mbap,
    wrap_rtu,
)
from drivers.modbus.replies import Framing
from telemetry import Reading
from tests.drivers.modbus_wire import driver, instant, profile

EACH = 34_000
"""Transactions in each framing."""
TIMEOUT = 0.2
LATEST = 6.0
"""Time-outs after which a late answer arrives at last."""
UNITS = (1, 2, 3)
MUTE = 3
"""Does not know function 8 and says nothing to it; unit 2 refuses it."""
ADDRESSES = (100, 200, 300)
LINKS: dict[Framing, str] = {
    "rtu": "serial:///dev/ttyUSB0?baudrate=115200",
    "ascii": "serial:///dev/ttyUSB0?baudrate=115200&framing=ascii",
    "tcp": "tcp://127.0.0.1:502",
}
MISHAPS = (
    "drop", "late", "garble", "truncate", "glue", "wrong unit", "wrong function", "exception",
    "disconnect", "duplicate", "noise", "byte by byte",
)  # fmt: skip
MODEL = profile(
    {f"r{address}": {"address": address, "type": "uint48"} for address in ADDRESSES},
    timeout=TIMEOUT,
    retries=1,
)


@dataclass
class BadLine:
    """Three units on one line whose answers go wrong in three of ten cases."""

    framing: Framing
    chance: random.Random
    now: float = 0.0
    sent: int = 0
    echoes: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list[str])
    mishaps: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    asked: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    arrivals: list[tuple[float, int, bytes]] = field(default_factory=list[tuple[float, int, bytes]])
    last: dict[int, float] = field(default_factory=dict[int, float])
    order: Iterable[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        link = LINKS[self.framing]
        self.drivers = {
            f"meter-{unit}": driver(MODEL, link, id=f"meter-{unit}", unit_id=unit, every=0.05)
            for unit in UNITS
        }
        self.reconnect()

    def run(self, transactions: int) -> None:
        while self.sent < transactions:
            waking = self.next_driver()
            wake_at = waking.wake_at if waking.wake_at is not None else float("inf")
            if self.arrivals and self.arrivals[0][0] <= wake_at:
                self.now, _, chunk = heapq.heappop(self.arrivals)
                for one in self.drivers.values():
                    self.take(one.receive(chunk, instant(self.now)))
                continue
            self.now = max(self.now, wake_at)
            self.take(waking.wake(instant(self.now)))
            for outgoing in waking.outgoing():
                self.request(outgoing.payload)

    def next_driver(self) -> ModbusDriver:
        """Whose turn it is: a busy one keeps the line."""
        waiting = [one for one in self.drivers.values() if one.busy] or list(self.drivers.values())
        return min(waiting, key=lambda one: one.wake_at if one.wake_at is not None else float("inf"))

    def reconnect(self) -> None:
        for one in self.drivers.values():
            self.take(one.connected(instant(self.now)))

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Fault):
                self.faults[event.reason] += 1
            elif isinstance(event, Reading):
                self.check(event)

    def check(self, reading: Reading) -> None:
        unit = int(reading.device.removeprefix("meter-"))
        for name, value in reading.values.items():
            address = int(name.removeprefix("r"))
            said = struct.unpack(">HHH", int(value).to_bytes(6))
            serial = self.asked[unit, address] & 0xFFFF
            if said == (unit, address, serial):
                self.right += 1
            else:
                self.wrong.append(f"{self.now:.3f} s: {(unit, address, serial)} was read as {said}")

    def request(self, payload: bytes) -> None:
        ears = {"rtu": RtuRequests, "ascii": AsciiFrames, "tcp": MbapFrames}
        (frame,) = ears[self.framing]().feed(payload)
        self.sent += 1
        reply = self.reply(frame)
        mishap = self.chance.choice(MISHAPS) if self.chance.random() < 0.3 else ""
        if frame.pdu[0] == DIAGNOSTICS and frame.unit == MUTE:
            mishap = "drop"
        if mishap:
            self.mishaps[mishap] += 1
        for delay, chunk in self.answers(frame, reply, mishap):
            at = self.now + delay
            if self.framing != "tcp":  # a serial unit answers in order, however late
                at = self.last[frame.unit] = max(at, self.last.get(frame.unit, 0.0))
            heapq.heappush(self.arrivals, (at, next(iter(self.order)), chunk))
        if mishap == "disconnect":
            self.now += self.chance.uniform(0, 0.05)
            if self.chance.random() < 0.5:
                self.arrivals.clear()
            self.reconnect()

    def reply(self, frame: Frame) -> bytes:
        if frame.pdu[0] == DIAGNOSTICS:
            self.echoes += 1
            return frame.pdu if frame.unit == 1 else exception_reply(DIAGNOSTICS, 1)
        request = decode_request(frame.pdu)
        self.asked[frame.unit, request.address] = self.sent
        return encode_reply(request, struct.pack(">HHH", frame.unit, request.address, self.sent & 0xFFFF))

    def wrap(self, frame: Frame, pdu: bytes, unit: int = 0) -> bytes:
        if self.framing == "tcp":
            return wrap_mbap(frame.transaction, unit or frame.unit, pdu)
        return (wrap_rtu if self.framing == "rtu" else wrap_ascii)(unit or frame.unit, pdu)

    def answers(self, frame: Frame, pdu: bytes, mishap: str) -> Iterable[tuple[float, bytes]]:
        """When and what arrives. Late is up to six time-outs."""
        chance, whole, prompt = self.chance, self.wrap(frame, pdu), self.chance.uniform(0.001, 0.05)
        other = chance.choice([unit for unit in UNITS if unit != frame.unit])
        foreign = self.wrap(frame, pdu[:2] + bytes(6), other)
        refusal = self.wrap(frame, exception_reply(3, chance.choice([1, 2, 3, 4, 6])))
        again = chance.uniform(0, 2 * TIMEOUT) if self.framing == "tcp" else 0.0
        noise = chance.randbytes(chance.randrange(1, 20))
        arriving: dict[str, list[tuple[float, bytes]]] = {
            "drop": [],
            "late": [(chance.uniform(1.001, LATEST) * TIMEOUT, whole)],
            "garble": [(prompt, self.garbled(whole))],
            "truncate": [(prompt, whole[: chance.randrange(len(whole))])],
            "glue": [(prompt, foreign + whole + whole)],
            "wrong unit": [(prompt, foreign)],
            "wrong function": [(prompt, self.wrap(frame, bytes((4, 6)) + pdu[2:])), (prompt + 0.01, whole)],
            "exception": [(prompt, refusal)],
            "duplicate": [(prompt, whole), (prompt + again, whole)],
            "noise": [(prompt / 2, noise), (prompt, whole)],
            "byte by byte": [(prompt + at * 0.0005, whole[at : at + 1]) for at in range(len(whole))],
        }
        return arriving.get(mishap, [(prompt, whole)])

    def garbled(self, whole: bytes) -> bytes:
        """One bit turned over. MBAP trusts TCP to keep its data whole, so there it hits the header."""
        at = self.chance.randrange(8 if self.framing == "tcp" else len(whole))
        return whole[:at] + bytes((whole[at] ^ 1 << self.chance.randrange(8),)) + whole[at + 1 :]


@pytest.mark.parametrize("framing", LINKS)
def test_a_soak_on_a_bad_line_gives_no_wrong_value(
    framing: Framing, capsys: pytest.CaptureFixture[str]
) -> None:
    line = BadLine(framing, random.Random(f"soak {framing}"))
    line.run(EACH)
    with capsys.disabled():
        print(
            f"\n{framing}: {line.sent} transactions, {line.right} values right, {len(line.wrong)} wrong; "
            f"{line.echoes} echoes; mishaps {sum(line.mishaps.values())} {dict(line.mishaps)}; "
            f"faults told {dict(line.faults)}"
        )
    assert line.wrong == []
    assert line.sent >= EACH
    assert line.right > EACH * 0.6
    assert set(line.mishaps) == set(MISHAPS)
    assert {"timeout", "refused", "unexpected", "late"} <= set(line.faults)
