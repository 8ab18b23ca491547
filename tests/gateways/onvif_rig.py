"""One ONVIF camera read by the gateway's own pump, and what came of it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from drivers.catalogue import load_catalogue
from firmware_sim.onvif.camera import OnvifCamera
from firmware_sim.onvif.events_service import EventService
from firmware_sim.onvif.ptz_service import PtzService
from firmware_sim.onvif.server import OnvifServer, serve_onvif
from firmware_sim.ptz_head import PtzHead
from gateways import clock
from gateways.background import background
from gateways.bus import Seat
from gateways.device_record import DeviceRecord
from gateways.links import parse_link
from gateways.pump import Pump
from telemetry import Command, Device, Reading, Reply, Value

CATALOGUE = load_catalogue()
DEGREES = {"pan_degrees": [-170, 170], "tilt_degrees": [-30, 90]}


@dataclass
class CameraRig:
    """A pump with one camera on it."""

    device: Device
    record: DeviceRecord
    pump: Pump
    readings: list[Reading] = field(default_factory=list[Reading])
    commands: int = 0

    @property
    def values(self) -> dict[str, Value]:
        """The latest value of each metric."""
        return {name: value for reading in self.readings for name, value in reading.values.items()}

    @property
    def state(self) -> str:
        return self.record.state(clock.now())

    @property
    def detail(self) -> str:
        return self.record.status(clock.now()).detail

    def add(self) -> None:
        """The pump reads the device from now on."""
        open_driver = partial(CATALOGUE.open_driver, self.device)
        self.pump.add(Seat(self.device.id, open_driver, open_driver()), self.record)

    async def tell(self, action: str, **arguments: Value) -> Reply:
        """Gives a command and waits for its reply."""
        return await self.begin(action, **arguments)

    def begin(self, action: str, **arguments: Value) -> "asyncio.Future[Reply]":
        """Gives a command; its reply comes later, and once."""
        self.commands += 1
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        expires_at = clock.now().utc + 60 * 10**9
        command = Command(f"c{self.commands}", self.device.id, action, arguments, expires_at)
        self.pump.command(command, replied.set_result)
        return replied


def a_camera(*, ptz: bool = True, events: bool = True) -> OnvifCamera:
    return OnvifCamera(PtzService(PtzHead()) if ptz else None, EventService("") if events else None)


def link_to(camera: OnvifCamera, *, user: str = "", password: str = "") -> str:
    host = camera.root.removeprefix("http://")
    return f"onvif://{user or camera.user}:{password or camera.password}@{host}"


@asynccontextmanager
async def reading(link: str, every: float = 0.1, profile: str = "onvif-camera") -> AsyncGenerator[CameraRig]:
    """The camera behind this link is read while the block runs."""
    device = Device(id="quay-camera", profile=profile, link=link, every=every)
    readings: list[Reading] = []

    def take(some: Sequence[Reading]) -> bool:
        readings.extend(some)
        return True

    pump = Pump(parse_link(link), take)
    rig = CameraRig(device, DeviceRecord(device, "file", silence=60), pump, readings)
    rig.add()
    async with background(pump.run()):
        yield rig


@asynccontextmanager
async def camera_read(
    camera: OnvifCamera, every: float = 0.1
) -> AsyncGenerator[tuple[OnvifServer, CameraRig]]:
    """A simulated camera on a port of its own, and a gateway that reads it."""
    async with serve_onvif(camera, clock.now) as server, reading(link_to(camera), every) as rig:
        yield server, rig
