"""The devices of a gateway as its configuration changes, on real sockets."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.session import BrokerAddress
from broker.wire import PushedDevice
from drivers.catalogue import Catalogue
from drivers.contract import Driver
from gateways import clock
from gateways.fleet import Fleet
from gateways.settings import GatewaySettings
from telemetry import Command, Device, Profile, Reading, Reply
from telemetry.words import Title
from tests.gateways.instruments import instrument
from tests.gateways.polling import LineListener, Poller
from tests.waiting import until

LINE = Profile(id="line", title=Title(en="Line", vi="Dòng"), driver="test", kind="test", source="none")


class CountingCatalogue(Catalogue):
    """Opens the tests' drivers, and counts how often."""

    def __init__(self) -> None:
        super().__init__([LINE])
        self.opened: list[str] = []

    def open_driver(self, device: Device) -> Driver:
        self.opened.append(device.id)
        return Poller(device.id, 1000) if device.id.startswith("lamp") else LineListener(device.id)


@asynccontextmanager
async def fleet() -> AsyncGenerator[tuple[Fleet, list[Reading], CountingCatalogue]]:
    readings: list[Reading] = []
    catalogue = CountingCatalogue()
    settings = GatewaySettings("quay", "Dinh Vu", (), Path(), BrokerAddress("127.0.0.1", 1))
    stop = asyncio.Event()
    opened: asyncio.Future[Fleet] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with asyncio.TaskGroup() as pumps:
            opened.set_result(Fleet(settings, catalogue, readings.extend, pumps))
            await stop.wait()
            await pumps_end(await opened)

    async def pumps_end(one: Fleet) -> None:
        await one.apply([])

    serving = asyncio.create_task(serve())
    try:
        yield await opened, readings, catalogue
    finally:
        stop.set()
        await serving


def on(port: int, *names: str, name: str = "") -> Sequence[PushedDevice]:
    return [PushedDevice(one, "line", f"tcp://127.0.0.1:{port}", name=name) for one in names]


async def test_devices_come_and_go_on_an_open_link_without_opening_it_again() -> None:
    async with instrument() as device, fleet() as (one, readings, catalogue):
        await one.apply(on(device.port, "a"))
        await until(lambda: device.calls)
        device.say(b"1\n")
        await until(lambda: len(readings) == 1)
        await one.apply(on(device.port, "a", "b"))
        device.say(b"2\n")
        await until(lambda: len(readings) == 3)
        await one.apply(on(device.port, "b"))
        device.say(b"3\n")
        await until(lambda: len(readings) == 4)
        assert readings[-1].device == "b"
        assert device.calls == 1
        assert catalogue.opened == ["a", "b"]
        assert [(status.id, status.readings) for status in one.status()] == [("b", 2)]


async def test_a_device_that_changed_begins_anew_on_its_open_link() -> None:
    async with instrument() as device, fleet() as (one, readings, catalogue):
        await one.apply(on(device.port, "a", "b"))
        await until(lambda: device.calls)
        device.say(b"1\n")
        await until(lambda: len(readings) == 2)
        await one.apply([*on(device.port, "a", name="Mast"), *on(device.port, "b")])
        device.say(b"2\n")
        await until(lambda: len(readings) == 4)
        assert device.calls == 1
        assert catalogue.opened == ["a", "b", "a"]
        assert [(status.id, status.readings) for status in one.status()] == [("a", 1), ("b", 2)]


async def test_a_command_finds_its_device_and_ends_with_one_reply_also_when_the_device_goes() -> None:
    replies: list[Reply] = []

    def command(number: int, device: str) -> Command:
        return Command(f"c{number}", device, "set", {"value": number}, clock.now().utc + 10**11)

    async with instrument() as device, fleet() as (one, readings, _):
        await one.apply(on(device.port, "lamp"))
        await until(lambda: readings)
        one.command(command(1, "lamp"), replies.append)
        await until(lambda: replies)
        one.command(command(2, "stranger"), replies.append)
        device.dead.add("lamp")
        one.command(command(3, "lamp"), replies.append)
        await one.apply([])
        one.command(command(4, "lamp"), replies.append)
        assert [(reply.command, reply.reason) for reply in replies] == [
            ("c1", ""),
            ("c2", "refused"),
            ("c3", "timeout"),
            ("c4", "refused"),
        ]


async def test_after_it_was_closed_no_configuration_is_applied() -> None:
    async with instrument() as device, fleet() as (one, _, catalogue):
        one.close()
        await one.apply(on(device.port, "a"))
        assert catalogue.opened == []


async def test_what_stands_when_a_change_has_settled_is_left_out_of_garbage_collection_until_it_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateways.fleet.SETTLING", 0)
    async with instrument() as device, fleet() as (one, readings, _):
        await one.apply(on(device.port, "lamp"))
        await until(lambda: readings and gc.get_freeze_count())
        assert one not in gc.get_objects()
        await one.apply(())
        one.close()
        assert gc.get_freeze_count() == 0
