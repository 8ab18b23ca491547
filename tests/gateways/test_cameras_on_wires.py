"""Cameras through a whole gateway on real ptys and sockets: told, moved, let go of, and read."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.session import BrokerAddress
from broker.wire import PushedDevice
from drivers.catalogue import load_catalogue
from firmware_sim.pelco_camera import PelcoCamera
from firmware_sim.ptz_head import PtzHead
from firmware_sim.visca_camera import ViscaCamera, ViscaChain, ViscaIpCamera
from firmware_sim.wires import on_pty, on_tcp, on_udp
from firmware_sim.wires.faults import FaultRule, Spoiler
from firmware_sim.wires.wire import Wire
from gateways import clock
from gateways.fleet import Fleet
from gateways.settings import GatewaySettings
from telemetry import Command, Device, Reading, Reply, Value
from telemetry.commands import find_action
from tests.waiting import until

CATALOGUE = load_catalogue()


class Operator:
    """Tells cameras things, and keeps what came of it."""

    def __init__(self, settings: GatewaySettings, pumps: asyncio.TaskGroup) -> None:
        self.fleet = Fleet(settings, CATALOGUE, self.take, pumps)
        self.readings: list[Reading] = []
        self.replies: dict[str, Reply] = {}
        self._given = 0

    def take(self, readings: Sequence[Reading]) -> None:
        """The outbox's place."""
        self.readings += readings

    def latest(self, device: str) -> Reading | None:
        """The last reading of a camera."""
        return next((one for one in reversed(self.readings) if one.device == device), None)

    def tell(self, device: Device, action: str, **given: Value) -> str:
        """Has a camera told; gives the command's id."""
        driver = CATALOGUE.open_driver(device)
        arguments = find_action(driver.actions, action).check(given)
        self._given += 1
        order = Command(f"c{self._given}", device.id, action, arguments, clock.now().utc + 30 * 10**9)
        self.fleet.command(order, lambda reply: self.replies.update({reply.command: reply}))
        return order.id

    async def done(self, device: Device, action: str, **given: Value) -> Reply:
        """Tells a camera, and waits for the reply."""
        order = self.tell(device, action, **given)
        await until(lambda: order in self.replies)
        return self.replies[order]


@asynccontextmanager
async def gateway(folder: Path, *devices: Device) -> AsyncGenerator[Operator]:
    """A gateway that reads these devices while the block runs."""
    settings = GatewaySettings("quay", "test", devices, folder, BrokerAddress.parse("mqtt://127.0.0.1:1"))
    async with asyncio.TaskGroup() as pumps:
        operator = Operator(settings, pumps)
        await operator.fleet.apply(())
        try:
            yield operator
        finally:
            for task in [running.task for running in operator.fleet._running.values()]:
                task.cancel()


def camera(profile: str, wire: Wire, name: str = "cam", unit_id: int = 1, every: float = 0.2) -> Device:
    """A device on this wire, polled often."""
    return Device(id=name, profile=profile, link=wire.url, unit_id=unit_id, every=every)


@asynccontextmanager
async def visca_wire(kind: str, head: PtzHead, folder: Path) -> AsyncGenerator[Wire]:
    """A VISCA camera with this head: on a pty at 9600 baud, behind a TCP port, or over IP."""
    one = ViscaCamera(head=head)
    if kind == "pty":
        async with on_pty(folder / "cam", ViscaChain(one), baudrate=9600) as pty:
            yield pty
    elif kind == "tcp":
        async with on_tcp(ViscaChain(one, addressed=True)) as tcp:
            yield tcp
    else:
        async with on_udp(ViscaIpCamera(one)) as udp:
            yield udp


@pytest.mark.parametrize("kind", ["pty", "tcp", "udp"])
async def test_a_visca_camera_moves_when_told_stands_when_the_operator_vanishes_and_says_where(
    kind: str, tmp_path: Path
) -> None:
    head = PtzHead()
    async with visca_wire(kind, head, tmp_path) as wire:
        cam = camera("visca-camera", wire)
        async with gateway(tmp_path, cam) as operator:
            await until(lambda: operator.latest("cam"))
            assert (await operator.done(cam, "move", pan=0.5, hold=0.5)).done
            await until(lambda: head.travelled > 0)
            await until(lambda: not head.moving)  # nobody said stop
            await until(lambda: _tells(operator, head))
            assert head.travelled > 1
            position = await operator.done(cam, "position")
            assert position.values["pan"] == pytest.approx(head.pan.position, abs=0.1)
            assert {status.state for status in operator.fleet.status()} == {"ok"}


def _tells(operator: Operator, head: PtzHead) -> bool:
    reading = operator.latest("cam")
    return reading is not None and abs(float(reading.values["pan"]) - head.pan.position) < 0.1


async def test_a_stop_ends_a_long_move_and_presets_are_found_again(tmp_path: Path) -> None:
    head = PtzHead()
    async with on_pty(tmp_path / "cam", ViscaChain(ViscaCamera(head=head)), baudrate=38400) as wire:
        cam = camera("visca-camera", wire)
        async with gateway(tmp_path, cam) as operator:
            await until(lambda: operator.latest("cam"))
            operator.tell(cam, "move", pan=0.2, hold=10)
            await until(lambda: head.travelled > 1)
            assert (await operator.done(cam, "stop")).done
            assert not head.moving
            where = head.position
            assert (await operator.done(cam, "preset_store", preset=4)).done
            assert (await operator.done(cam, "home")).done
            assert head.position[:2] == (0, 0)
            assert (await operator.done(cam, "preset_recall", preset=4)).done
            assert head.position == where


async def test_three_visca_cameras_on_one_pty_are_moved_at_once_and_each_tells_its_own_place(
    tmp_path: Path,
) -> None:
    cameras = [ViscaCamera() for _ in range(3)]
    async with on_pty(tmp_path / "chain", ViscaChain(*cameras), baudrate=9600) as wire:
        cams = [camera("visca-camera", wire, f"cam{n}", n, every=1.0) for n in (1, 2, 3)]
        async with gateway(tmp_path, *cams) as operator:
            await until(lambda: all(operator.latest(cam.id) for cam in cams))
            told = [operator.tell(cam, "move_to", pan=cam.unit_id * 10.0, tilt=5) for cam in cams]
            await until(lambda: all(one in operator.replies for one in told))
            assert all(operator.replies[one].done for one in told)
            assert [one.head.pan.position for one in cameras] == [10, 20, 30]
            await until(lambda: _pans(operator, cams) == [10, 20, 30])


def _pans(operator: Operator, cams: Sequence[Device]) -> list[Value | None]:
    latest = [operator.latest(cam.id) for cam in cams]
    return [None if one is None else one.values.get("pan") for one in latest]


@pytest.mark.parametrize("profile", ["pelco-d", "pelco-p"])
async def test_a_pelco_camera_on_a_pty_moves_when_told_and_stands_when_the_operator_vanishes(
    profile: str, tmp_path: Path
) -> None:
    simulated = PelcoCamera(CATALOGUE.profiles[profile], 9)
    async with on_pty(tmp_path / "cam", simulated, baudrate=2400) as wire:
        cam = camera(profile, wire, unit_id=9)
        async with gateway(tmp_path, cam) as operator:
            await until(lambda: operator.latest("cam"))
            assert (await operator.done(cam, "move", pan=-0.5, hold=0.3)).done
            await until(lambda: simulated.head.pan.drive < 0)
            await until(lambda: not simulated.head.pan.drive)
            simulated.pass_time(clock.now())
            assert simulated.head.travelled > 1
            assert {status.state for status in operator.fleet.status()} == {"ok"}


async def test_a_pelco_camera_that_tells_its_position_is_read_on_a_pty(tmp_path: Path) -> None:
    simulated = PelcoCamera(CATALOGUE.profiles["pelco-d-position"], 2)
    async with on_pty(tmp_path / "cam", simulated, baudrate=9600) as wire:
        cam = camera("pelco-d-position", wire, unit_id=2)
        async with gateway(tmp_path, cam) as operator:
            await until(lambda: operator.latest("cam"))
            assert (await operator.done(cam, "move_to", pan=-33, tilt=12)).done
            await until(lambda: _pans(operator, [cam]) == [-33])


async def test_a_camera_over_ip_on_a_net_that_loses_frames_does_everything_once_and_ends_still(
    tmp_path: Path,
) -> None:
    one = ViscaCamera()
    spoiler = Spoiler([FaultRule("drop", rate=0.2), FaultRule("duplicate", rate=0.1)], seed=7)
    async with on_udp(ViscaIpCamera(one), spoiler=spoiler) as wire:
        cam = camera("visca-camera", wire)
        async with gateway(tmp_path, cam) as operator:
            await until(lambda: operator.latest("cam"))
            for number in range(4):
                await operator.done(cam, "preset_store", preset=number)
            operator.tell(cam, "move", tilt=0.3, hold=0.3)
            await until(lambda: one.head.travelled > 0)
            await until(lambda: not one.head.moving)
            stored = Counter(str(command) for command in one.heard if "STORE" in str(command))
            assert set(stored.values()) == {1}
            assert len(stored) == 4


async def test_a_port_that_is_pulled_out_in_the_middle_of_a_move_stops_the_camera_when_it_is_back(
    tmp_path: Path,
) -> None:
    head = PtzHead()
    async with on_pty(tmp_path / "cam", ViscaChain(ViscaCamera(head=head))) as wire:
        cam = camera("visca-camera", wire)
        async with gateway(tmp_path, cam) as operator:
            await until(lambda: operator.latest("cam"))
            operator.tell(cam, "move", pan=0.01, hold=10)
            await until(lambda: head.pan.drive > 0)
            wire.suffer("unplug", 0.3)
            await until(lambda: head.pan.drive == 0)


@pytest.mark.parametrize("kind", ["pty", "tcp", "udp"])
async def test_a_gateway_that_is_stopped_in_the_middle_of_a_move_stops_the_camera_first(
    kind: str, tmp_path: Path
) -> None:
    head = PtzHead()
    async with visca_wire(kind, head, tmp_path) as wire:
        cam = camera("visca-camera", wire)
        async with gateway(tmp_path, cam) as operator:
            await until(lambda: operator.latest("cam"))
            operator.tell(cam, "move", pan=0.01, hold=10)
            await until(lambda: head.pan.drive > 0)
        await until(lambda: head.pan.drive == 0)


@pytest.mark.parametrize("profile", ["visca-camera", "pelco-d"])
async def test_a_camera_that_is_removed_in_the_middle_of_a_move_is_stopped_first(
    profile: str, tmp_path: Path
) -> None:
    head = PtzHead()
    pelco = PelcoCamera(CATALOGUE.profiles["pelco-d"], head=head)
    simulated = pelco if profile == "pelco-d" else ViscaChain(ViscaCamera(head=head))
    async with on_pty(tmp_path / "cam", simulated, baudrate=9600) as wire:
        cam = camera(profile, wire)
        pushed = PushedDevice(id=cam.id, profile=cam.profile, link=cam.link, every=cam.every)
        async with gateway(tmp_path) as operator:
            await operator.fleet.apply([pushed])
            await until(lambda: operator.latest("cam"))
            operator.tell(cam, "move", pan=0.01, hold=10)
            await until(lambda: head.pan.drive > 0)
            await operator.fleet.apply([])
            await until(lambda: head.pan.drive == 0)
