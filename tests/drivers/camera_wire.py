"""A line in simulated time between camera drivers, arbitrated as a gateway does it, and simulated cameras."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from drivers.catalogue import load_catalogue
from drivers.contract import Driver, Event, Fault, Outgoing
from firmware_sim.simulated import SimulatedDevice
from gateways.bus import Bus, Seat
from telemetry import Command, Device, Instant, Reading, Reply, Value
from telemetry.commands import find_action

EPOCH = 1_795_309_323_000_000_000
CATALOGUE = load_catalogue()
LATENCY = 0.01
"""Seconds each way."""

Spoil = Callable[[bytes, float], Sequence[bytes]]
"""What becomes of a frame sent at this second: nothing, itself, or several."""


def instant(seconds: float) -> Instant:
    """A moment of simulated time; the wall clock runs beside the monotonic one."""
    return Instant(EPOCH + round(seconds * 1e9), seconds)


def as_it_is(frame: bytes, _: float) -> Sequence[bytes]:
    """A wire that harms nothing."""
    return (frame,)


def camera_driver(profile: str, link: str, **changes: Any) -> Driver:
    """A driver of a shipped profile, for a device called `dut` unless `id` says otherwise."""
    device = {"id": "dut", "profile": profile, "link": link} | changes
    return CATALOGUE.open_driver(Device.model_validate(device))


class SharedLine:
    """Several simulated devices on one line, none of which speaks by itself."""

    wake_at: float | None = None

    def __init__(self, *devices: SimulatedDevice) -> None:
        self._devices = devices

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """All of them hear everything."""
        return [frame for device in self._devices for frame in device.receive(chunk, now, origin)]

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Nothing."""
        return ()


class CameraWire:
    """One line. to_camera, to_gateway: what the line does to each frame, which tests may change."""

    def __init__(self, camera: SimulatedDevice, drivers: Mapping[str, Driver]) -> None:
        self.camera = camera
        self.to_camera: Spoil = as_it_is
        self.to_gateway: Spoil = as_it_is
        self.now = 0.0
        self.sent: list[tuple[float, bytes]] = []
        self.events: list[tuple[float, Event]] = []
        self.bus = Bus([Seat(name, partial(drivers.__getitem__, name), one) for name, one in drivers.items()])
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._ids = count(1)
        self.reopen()

    @property
    def replies(self) -> list[Reply]:
        """In the order in which they came."""
        return [event for _, event in self.events if isinstance(event, Reply)]

    @property
    def readings(self) -> list[Reading]:
        """In the order in which they came."""
        return [event for _, event in self.events if isinstance(event, Reading)]

    @property
    def faults(self) -> list[Fault]:
        """In the order in which they came."""
        return [event for _, event in self.events if isinstance(event, Fault)]

    def reopen(self) -> None:
        """The link broke and is open again; what was on the line is lost."""
        self._due.clear()
        self.bus.connected(instant(self.now))
        self._collect()

    def command(self, action: str, device: str = "dut", expires: float = 60.0, **given: Value) -> str:
        """Tells a device; gives the id of its reply."""
        return self.tell(action, given, device, expires)

    def tell(
        self, action: str, given: Mapping[str, Value], device: str = "dut", expires: float = 60.0
    ) -> str:
        """The same with the arguments in a mapping."""
        seat = self.bus.seat(device)
        assert seat is not None
        values = find_action(seat.driver.actions, action).check(given)
        order = Command(f"c{next(self._ids)}", device, action, values, instant(self.now + expires).utc)
        self.bus.command(seat, order, instant(self.now))
        self._collect()
        return order.id

    def reply(self, command: str) -> Reply:
        """The one reply to this command."""
        (one,) = [reply for reply in self.replies if reply.command == command]
        return one

    def run(self, seconds: float) -> None:
        """Lets everything happen that happens in so many seconds."""
        until = self.now + seconds
        while (moment := self._next()) <= until:
            self.now = max(self.now, moment)
            while self._due and self._due[0][0] <= self.now:
                heapq.heappop(self._due)[2]()
            if self.camera.wake_at is not None and self.camera.wake_at <= self.now:
                self._say(self.camera.wake(instant(self.now)))
            self.bus.advance(instant(self.now))
            self._collect()
        self.now = until

    def inject(self, frame: bytes) -> None:
        """Bytes that come to the gateway out of nowhere."""
        self.bus.receive(frame, instant(self.now))
        self._collect()

    def _next(self) -> float:
        moments = [self.bus.wake_at, self.camera.wake_at, self._due[0][0] if self._due else None]
        return min((moment for moment in moments if moment is not None), default=float("inf"))

    def _at(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), what))

    def _say(self, frames: Sequence[Outgoing]) -> None:
        for frame in frames:
            for payload in self.to_gateway(frame.payload, self.now):
                self._at(LATENCY, partial(self.inject, payload))

    def _hear(self, payload: bytes) -> None:
        self._say(self.camera.receive(payload, instant(self.now), "peer"))

    def _collect(self) -> None:
        for _, events in self.bus.take_events():
            self.events += [(self.now, event) for event in events]
        bugs = self.bus.take_bugs()
        assert not bugs, bugs[0].error
        for frame in self.bus.take_outgoing():
            self.sent.append((self.now, frame.payload))
            for payload in self.to_camera(frame.payload, self.now):
                self._at(LATENCY, partial(self._hear, payload))
