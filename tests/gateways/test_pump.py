"""Pumps on real sockets: what comes in is passed on, what breaks is opened again."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from drivers.contract import Driver, Event
from gateways import clock
from gateways.background import background
from gateways.bus import Seat
from gateways.device_record import DeviceRecord
from gateways.links import parse_link
from gateways.links.contract import PIECE
from gateways.pump import Pump
from telemetry import Device, Instant, Quality, Reading
from tests.gateways.instruments import instrument, pumping
from tests.gateways.polling import LineListener, Poller
from tests.servers import free_port
from tests.waiting import until


async def test_pollers_share_a_line_and_a_dead_one_does_not_stop_the_other() -> None:
    async with instrument() as device:
        device.dead.add("dead")
        drivers = Poller("alive", 0.01), Poller("dead", 0.01, timeout=0.02)
        async with pumping(f"tcp://127.0.0.1:{device.port}", *drivers) as rig:
            await until(lambda: len(rig.of("alive")) >= 5 and rig.records["dead"].faults["timeout"] >= 5)
            assert rig.of("dead") == []
            assert (rig.state("alive"), rig.state("dead")) == ("ok", "faulty")
            assert rig.records["alive"].readings == len(rig.of("alive"))


async def test_a_broken_connection_is_opened_again_and_what_is_read_goes_on() -> None:
    async with instrument() as device:
        listener = LineListener("mast")
        async with pumping(f"tcp://127.0.0.1:{device.port}", listener) as rig:
            await until(lambda: device.calls == 1)
            device.say(b"before\nhalf a li")
            await until(lambda: rig.readings)
            device.hang_up()
            await until(lambda: device.calls == 2)
            device.say(b"after\n")
            await until(lambda: len(rig.readings) == 2)
            assert [reading.values["line"] for reading in rig.readings] == ["before", "after"]
            assert rig.records["mast"].faults["link"] == 1
            assert listener.connections == 2


async def test_a_device_that_appears_later_is_found() -> None:
    port = free_port()
    async with pumping(f"tcp://127.0.0.1:{port}", LineListener("mast")) as rig:
        await until(lambda: rig.records["mast"].faults["link"] >= 2)
        assert rig.state("mast") == "connecting"
        assert "cannot connect" in rig.records["mast"].status(clock.now()).detail
        async with instrument(port) as device:
            await until(lambda: device.calls)
            device.say(b"here\n")
            await until(lambda: rig.state("mast") == "ok")


async def test_faults_are_counted_by_reason_and_many_in_a_row_make_a_device_faulty() -> None:
    async with instrument() as device, pumping(f"tcp://127.0.0.1:{device.port}", LineListener("mast")) as rig:
        await until(lambda: device.calls)
        device.say(b"bad\ngood\n")
        await until(lambda: rig.state("mast") == "ok")
        device.say(b"bad\nbad\nbad\n")
        await until(lambda: rig.state("mast") == "faulty")
        status = rig.records["mast"].status(clock.now())
        assert (status.faults, status.detail, status.readings) == ({"checksum": 4}, "a bad line", 1)
        device.say(b"good\n")
        await until(lambda: rig.state("mast") == "ok")


async def test_a_driver_with_a_bug_takes_the_link_with_it_but_not_its_neighbours() -> None:
    class Careful(LineListener):
        """Takes what is a bug to the other."""

        def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Reading]:
            return [Reading(self.name, "test", now.utc, {"size": len(chunk)})]

    async with instrument() as device:
        drivers = LineListener("broken"), Careful("careful")
        async with pumping(f"tcp://127.0.0.1:{device.port}", *drivers) as rig:
            await until(lambda: device.calls == 1)
            device.say(b"bug\n")
            await until(lambda: device.calls == 2)
            assert rig.state("broken") == "faulty"
            assert "ZeroDivisionError" in rig.records["broken"].status(clock.now()).detail
            device.say(b"more\n")
            await until(lambda: len(rig.of("careful")) == 2)
            assert rig.of("broken") == []


async def test_a_clock_that_was_never_set_makes_readings_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "EARLIEST", 2**63)
    async with instrument() as device, pumping(f"tcp://127.0.0.1:{device.port}", LineListener("mast")) as rig:
        await until(lambda: device.calls)
        device.say(b"hello\n")
        await until(lambda: rig.readings)
        assert rig.readings[0].quality is Quality.UNCERTAIN


async def test_a_pump_stops_when_told_even_while_it_waits_to_reconnect() -> None:
    async with asyncio.timeout(5), pumping(f"tcp://127.0.0.1:{free_port()}", LineListener("mast")) as rig:
        await until(lambda: rig.records["mast"].faults["link"])


def test_a_device_is_silent_when_nothing_came_for_long() -> None:
    record = DeviceRecord(Device(id="mast", profile="p", link="tcp://h:1"), "file", silence=10)
    record.link_opened(Instant(0, 100))
    assert record.state(Instant(0, 101)) == "connecting"
    record.read(1, 5, Instant(0, 101))
    assert record.state(Instant(0, 111)) == "ok"
    assert record.state(Instant(0, 112)) == "silent"
    record.link_failed("gone", Instant(0, 113))
    assert record.state(Instant(0, 114)) == "connecting"


def test_a_driver_is_what_the_test_drivers_are() -> None:
    drivers: list[Driver] = [Poller("a", 1), LineListener("b")]
    assert [driver.busy for driver in drivers] == [False, False]


class Attentive(LineListener):
    """Notes how often the others had a turn before each piece of what it hears."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.turns = 0
        self.heard: list[tuple[int, int]] = []

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        self.heard.append((self.turns, len(chunk)))
        return super().receive(chunk, now, origin)

    async def take_turns(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)


async def test_a_wire_that_never_pauses_lets_the_others_have_their_turn_after_every_piece() -> None:
    async with instrument() as device:
        listener = Attentive("flood")
        async with (
            pumping(f"tcp://127.0.0.1:{device.port}", listener) as rig,
            background(listener.take_turns()),
        ):
            await until(lambda: device.calls == 1)
            device.say(b"bad\n" * 100_000)
            await until(lambda: rig.records["flood"].faults["checksum"] == 100_000)
        turns = [turn for turn, _ in listener.heard]
        assert all(later > earlier for earlier, later in pairwise(turns))
        assert max(size for _, size in listener.heard) <= PIECE


async def test_a_device_that_comes_or_goes_leaves_the_link_and_the_others_alone() -> None:
    async with instrument() as device:
        stays, comes = LineListener("stays"), LineListener("comes")
        async with pumping(f"tcp://127.0.0.1:{device.port}", stays) as rig:
            await until(lambda: device.calls)
            device.say(b"one\nhal")
            await until(lambda: rig.of("stays"))
            rig.add(comes)
            device.say(b"f\ntwo\n")
            await until(lambda: len(rig.of("stays")) == 3 and len(rig.of("comes")) == 2)
            rig.pump.remove("comes")
            device.say(b"three\n")
            await until(lambda: len(rig.of("stays")) == 4)
            assert [reading.values["line"] for reading in rig.of("stays")] == ["one", "half", "two", "three"]
            assert [reading.values["line"] for reading in rig.of("comes")] == ["f", "two"]
            assert (device.calls, stays.connections, comes.connections) == (1, 1, 1)


async def test_readings_that_cannot_be_taken_hold_the_wire_back_and_none_is_lost() -> None:
    async with instrument() as device:
        async with pumping(f"tcp://127.0.0.1:{device.port}", LineListener("flood")) as rig:
            await until(lambda: device.calls == 1)
            rig.full = True
            device.say(b"".join(b"%d\n" % number for number in range(20_000)))
            await until(lambda: rig.readings)
            assert len(rig.readings) < 20_000
            rig.full = False
            await until(lambda: len(rig.readings) == 20_000)
        assert [reading.values["line"] for reading in rig.readings] == [
            str(number) for number in range(20_000)
        ]


async def test_a_bug_of_the_gateway_itself_ends_the_pump_with_it() -> None:
    def sink(_: object) -> bool:
        raise KeyError("a bug in the sink")

    async with instrument() as device:
        url = f"tcp://127.0.0.1:{device.port}"
        pump = Pump(parse_link(url), sink)
        mast = LineListener("mast")
        record = DeviceRecord(Device(id="mast", profile="test", link=url), "file", silence=60)
        pump.add(Seat("mast", lambda: mast, mast), record)
        running = asyncio.create_task(pump.run())
        await until(lambda: device.calls)
        device.say(b"hello\n")
        with pytest.raises(KeyError, match="a bug in the sink"):
            await running
