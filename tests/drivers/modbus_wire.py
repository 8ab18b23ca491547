"""A wire in simulated time between Modbus drivers and what answers them, and a device that answers right."""

import heapq
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from drivers.contract import Driver, Event, Fault
from drivers.modbus.ascii import AsciiFrames, wrap_ascii
from drivers.modbus.driver import ModbusDriver, open_driver
from drivers.modbus.frames import (
    ILLEGAL_ADDRESS,
    MASK_WRITE,
    READ_INPUT_REGISTERS,
    WRITE_COIL,
    WRITE_COILS,
    Frame,
    MbapFrames,
    RefusalError,
    Request,
    RtuRequests,
    decode_request,
    encode_reply,
    exception_reply,
    unpack_bits,
    wrap_mbap,
    wrap_rtu,
)
from drivers.modbus.plan import Plan, Tables, body_of
from drivers.modbus.replies import Framing
from drivers.modbus.values import Table
from telemetry import Action, Command, Device, Instant, Metric, Profile, Reading, Reply, Title, Value
from telemetry.commands import find_action

EPOCH = 1_795_309_323_000_000_000
SERIAL = "serial:///dev/ttyUSB0?baudrate=9600"
LINKS = pytest.mark.parametrize("link", ["tcp://127.0.0.1:502", SERIAL])
Replies = Iterable[tuple[float, bytes]]
"""Seconds after the request, and the bytes that arrive then."""
Respond = Callable[[bytes], Replies]


def sent_by(one: Driver) -> bytes:
    """What the driver wants on the line, as the bytes that travel."""
    return b"".join(outgoing.payload for outgoing in one.outgoing())


def instant(seconds: float) -> Instant:
    """A moment of simulated time; the wall clock runs beside the monotonic one."""
    return Instant(EPOCH + round(seconds * 1e9), seconds)


def profile(
    metrics: Mapping[str, Mapping[str, Any]],
    actions: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: object,
) -> Profile:
    """A profile with these metrics, polled every second.

    actions: name → its write words; `argument`, where there, is the kind of the one argument, `to`.
    """
    made = tuple(Metric(name=n, title=Title(en=n, vi=n), read=dict(read)) for n, read in metrics.items())
    title = Title(en="Test", vi="Thử")
    told = tuple(_action(name, dict(words)) for name, words in (actions or {}).items())
    return Profile(
        id="test",
        title=title,
        driver="modbus",
        kind="test",
        every=1.0,
        settings=settings,
        metrics=made,
        actions=told,
    )


def _action(name: str, words: dict[str, Any]) -> Action:
    argument = words.pop("argument", None)
    choices = words.pop("choices", ())
    arguments = [] if argument is None else [{"name": "to", "kind": argument, "choices": choices}]
    title = {"en": name, "vi": name}
    return Action.model_validate(
        {
            "name": name,
            "title": title,
            "arguments": [one | {"title": title} for one in arguments],
            "write": words,
        }
    )


def device(link: str = "tcp://127.0.0.1:502", **changes: Any) -> Device:
    """A device on this link."""
    return Device.model_validate({"id": "quay-power", "profile": "test", "link": link} | changes)


def driver(what: Profile, link: str = "tcp://127.0.0.1:502", **changes: Any) -> ModbusDriver:
    """A driver of this profile."""
    return open_driver(device(link, **changes), what)


@dataclass
class Unit:
    """A device that answers what its tables hold, and refuses the rest."""

    tables: Tables
    unit: int = 1
    framing: Framing = "tcp"
    requests: list[Frame] = field(default_factory=list[Frame])

    def answer(self, data: bytes) -> bytes:
        """The bytes it sends back for these whole requests."""
        ears = {"rtu": RtuRequests, "tcp": MbapFrames, "ascii": AsciiFrames}
        frames = ears[self.framing]().feed(data)
        return b"".join(self._answer(frame) for frame in frames if frame.unit in (self.unit, 0))

    def __call__(self, data: bytes) -> Replies:
        """Answers 10 ms later, as a `Respond`."""
        reply = self.answer(data)
        return [(0.01, reply)] if reply else []

    def _answer(self, frame: Frame) -> bytes:
        self.requests.append(frame)
        try:
            request = decode_request(frame.pdu)
            write_into(request, self.tables)
            reads = request.function <= READ_INPUT_REGISTERS
            reply = encode_reply(request, body_of(request, self.tables) if reads else b"")
        except RefusalError as error:
            reply = exception_reply(frame.pdu[0], error.code)
        if frame.unit == 0 and self.framing != "tcp":
            return b""
        if self.framing == "tcp":
            return wrap_mbap(frame.transaction, frame.unit, reply)
        return (wrap_rtu if self.framing == "rtu" else wrap_ascii)(frame.unit, reply)


def write_into(request: Request, tables: Tables) -> None:
    """Does what a write asks for. Raises RefusalError (illegal data address) for what the device lacks."""
    table: Table = "coil" if request.function in (WRITE_COIL, WRITE_COILS) else "holding"
    payload = request.payload
    if request.function == WRITE_COIL:
        cells = [int(payload[0] == 0xFF)]
    elif request.function == WRITE_COILS:
        cells = [int(bit) for bit in unpack_bits(payload, request.count)]
    elif request.function == MASK_WRITE:
        keep, new = struct.unpack(">HH", payload)
        cells = [tables[table].get(request.address, 0) & keep | new & ~keep]
    else:
        cells = list(struct.unpack(f">{len(payload) // 2}H", payload))
    for index, cell in enumerate(cells, request.address):
        if index not in tables.get(table, {}):
            raise RefusalError(ILLEGAL_ADDRESS, f"there is no {table} {index}")
        tables[table][index] = cell


class Wire:
    """Runs drivers that share a line as a link's owner does: one at a time, until a given second."""

    def __init__(self, respond: Respond, *drivers: Driver) -> None:
        self.drivers: Sequence[Driver] = drivers
        self.sent: list[tuple[float, bytes]] = []
        self.events: list[tuple[float, Event]] = []
        self.now = 0.0
        self._respond = respond
        self._arrivals: list[tuple[float, int, bytes]] = []
        self._order = count()
        for one in drivers:
            one.connected(instant(0))

    @property
    def readings(self) -> list[Reading]:
        return [event for _, event in self.events if isinstance(event, Reading)]

    @property
    def replies(self) -> list[Reply]:
        return [event for _, event in self.events if isinstance(event, Reply)]

    @property
    def faults(self) -> list[Fault]:
        return [event for _, event in self.events if isinstance(event, Fault)]

    def command(self, action: str, *, number: int = 0, **arguments: Value) -> None:
        """Gives a command to one of the drivers, checked as the gateway does."""
        one = self.drivers[number]
        checked = find_action(one.actions, action).check(arguments)
        expires_at = instant(self.now + 10).utc
        given = Command(f"{action}-{len(self.events)}", "quay-power", action, checked, expires_at)
        self._take(one.command(given, instant(self.now)))

    def inject(self, at: float, data: bytes) -> None:
        """Bytes that arrive at this second whatever was asked."""
        heapq.heappush(self._arrivals, (at, next(self._order), data))

    def run(self, until: float) -> None:
        """Lets everything happen up to this second."""
        while (moment := self._next_moment()) <= until:
            self.now = max(self.now, moment)
            while self._arrivals and self._arrivals[0][0] <= self.now:
                data = heapq.heappop(self._arrivals)[2]
                for one in self.drivers:
                    self._take(one.receive(data, instant(self.now)))
                    self._collect(one)
            self._wake()
        self.now = until

    def _wake(self) -> None:
        busy = [one for one in self.drivers if one.busy]
        due = [one for one in busy or self.drivers if one.wake_at is not None and one.wake_at <= self.now]
        waiting = sorted(due, key=lambda one: (not one.urgent, one.wake_at))
        if waiting:
            self._take(waiting[0].wake(instant(self.now)))
            self._collect(waiting[0])

    def _next_moment(self) -> float:
        busy = [one for one in self.drivers if one.busy]
        moments = [one.wake_at for one in busy or self.drivers if one.wake_at is not None]
        return min([*moments, *(arrival[0] for arrival in self._arrivals[:1])], default=float("inf"))

    def _take(self, events: Iterable[Event]) -> None:
        self.events.extend((self.now, event) for event in events)

    def _collect(self, one: Driver) -> None:
        if data := sent_by(one):
            self.sent.append((self.now, data))
            for delay, reply in self._respond(data):
                self.inject(self.now + delay, reply)


def one(**words: Any) -> Profile:
    """One register, 100."""
    return profile({"a": {"address": 100}}, **words)


def two(**words: Any) -> Profile:
    """Registers 100 and 200, in a request each, whose replies look alike."""
    return profile({"a": {"address": 100}, "b": {"address": 200}}, **words)


def unit(what: Profile, rtu: bool = False, number: int = 1, framing: Framing = "tcp", **values: Any) -> Unit:
    """A device of this profile that says these values."""
    return Unit(Plan(what).fill(values), unit=number, framing="rtu" if rtu else framing)


def silent(_: bytes) -> Replies:
    """What a dead device answers."""
    return ()


def after_first(poller: ModbusDriver) -> tuple[bytes, float]:
    """Connects and wakes the driver: its first request and the second it was sent."""
    poller.connected(instant(0))
    assert poller.wake_at is not None
    when = poller.wake_at
    assert poller.wake(instant(when)) == ()
    return sent_by(poller), when
