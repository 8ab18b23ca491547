"""Commands through a pump on a real socket: one reply each, whatever happens."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from gateways import clock
from gateways.commands.under_way import MOST_UNDER_WAY
from telemetry import Command, Reply, Value
from tests.gateways.instruments import Instrument, Rig, instrument, pumping
from tests.gateways.polling import LineListener, Poller
from tests.servers import free_port
from tests.waiting import until

RARELY = 1000.0


class Orders:
    """Gives commands and keeps their replies."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.replies: list[Reply] = []
        self.given = 0

    def give(
        self, value: Value = 1, *, device: str = "lamp", action: str = "set", seconds: float = 20
    ) -> None:
        self.given += 1
        expires_at = clock.now().utc + round(seconds * 1e9)
        command = Command(f"c{self.given}", device, action, {"value": value}, expires_at)
        self.rig.pump.command(command, self.replies.append)

    @property
    def ends(self) -> list[tuple[str, str]]:
        return [(reply.command, reply.reason) for reply in self.replies]


@asynccontextmanager
async def lamp(*others: Poller | LineListener) -> AsyncGenerator[tuple[Instrument, Orders]]:
    """A lamp on a link that is open and at rest."""
    poller = Poller("lamp", RARELY, 20)
    async with instrument() as device, pumping(f"tcp://127.0.0.1:{device.port}", poller, *others) as rig:
        await until(lambda: rig.of("lamp"))
        yield device, Orders(rig)


async def test_a_command_interrupts_the_waiting_and_its_answer_is_the_reply() -> None:
    async with lamp() as (device, orders):
        orders.give(7)
        await until(lambda: orders.replies)
        assert device.asked == ["lamp", "lamp!7"]
        assert orders.replies == [Reply("c1", "lamp", values={"value": "2"})]


async def test_commands_come_before_polls_that_are_due() -> None:
    async with lamp(Poller("busy", 0)) as (device, orders):
        for number in range(5):
            orders.give(number)
        await until(lambda: len(orders.replies) == 5)
        first = device.asked.index("lamp!0")
        assert device.asked[first : first + 5] == [f"lamp!{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("action", "value", "words"),
    [
        ("sett", 1, "there is no action 'sett'; did you mean set?"),
        ("set", -1, "value is a number from 0"),
        ("set", "much", "value is a number from 0"),
    ],
)
async def test_what_the_device_cannot_be_told_is_refused_with_a_sentence(
    action: str, value: Value, words: str
) -> None:
    async with lamp() as (device, orders):
        orders.give(value, action=action)
        (reply,) = orders.replies
        assert reply.reason == "refused"
        assert words in reply.detail
        assert device.asked == ["lamp"]


async def test_a_device_that_takes_none_and_one_that_is_not_read_refuse() -> None:
    async with lamp(LineListener("mast")) as (_, orders):
        orders.give(device="mast")
        orders.give(device="stranger")
        assert orders.ends == [("c1", "refused"), ("c2", "refused")]
        assert "takes no commands" in orders.replies[0].detail


async def test_one_that_came_too_late_is_expired_and_never_sent() -> None:
    async with lamp() as (device, orders):
        orders.give(seconds=-1)
        assert orders.ends == [("c1", "expired")]
        orders.give(2)
        await until(lambda: len(orders.replies) == 2)
        assert device.asked == ["lamp", "lamp!2"]


async def test_without_an_answer_it_times_out_and_a_late_answer_is_no_second_reply() -> None:
    async with lamp() as (device, orders):
        device.dead.add("lamp")
        orders.give(seconds=0.05)
        await until(lambda: orders.replies)
        assert orders.ends == [("c1", "timeout")]
        device.dead.clear()
        device.say(b"lamp=late\n")
        orders.give(2)
        await until(lambda: len(orders.replies) == 2)
        assert orders.ends == [("c1", "timeout"), ("c2", "")]


async def test_while_the_link_is_down_it_is_unsent_and_the_reply_says_why() -> None:
    async with pumping(f"tcp://127.0.0.1:{free_port()}", Poller("lamp", RARELY)) as rig:
        await until(lambda: rig.records["lamp"].faults["link"])
        orders = Orders(rig)
        orders.give()
        (reply,) = orders.replies
        assert reply.reason == "unsent"
        assert "the link is down: cannot connect" in reply.detail


async def test_when_the_link_breaks_what_was_sent_may_have_been_done_and_the_rest_was_not() -> None:
    async with lamp(Poller("other", RARELY, 20)) as (device, orders):
        await until(lambda: orders.rig.of("other"))
        device.dead.add("lamp")
        orders.give(1)
        orders.give(2, device="other")
        await until(lambda: "lamp!1" in device.asked)
        device.dead.clear()
        device.hang_up()
        await until(lambda: len(orders.replies) == 2)
        assert orders.ends == [("c1", "timeout"), ("c2", "unsent")]
        await until(lambda: device.calls == 2 and len(orders.rig.of("other")) == 2)
        assert [line for line in device.asked if "!" in line] == ["lamp!1"]


async def test_a_bug_of_the_driver_refuses_its_commands_and_ends_the_others() -> None:
    async with lamp(Poller("other", RARELY, 20)) as (device, orders):
        await until(lambda: orders.rig.of("other"))
        device.dead.add("other")
        orders.give(2, device="other")
        orders.give(13)
        assert orders.ends == [("c2", "refused"), ("c1", "timeout")]
        assert "ZeroDivisionError" in orders.replies[0].detail
        orders.give(1)
        assert orders.ends[2:] == [("c3", "refused")]


async def test_more_than_a_link_can_hold_are_refused_as_busy() -> None:
    async with lamp() as (device, orders):
        device.dead.add("lamp")
        for _ in range(MOST_UNDER_WAY + 1):
            orders.give()
        (reply,) = orders.replies
        assert (reply.command, reply.reason) == (f"c{MOST_UNDER_WAY + 1}", "refused")
        assert "busy" in reply.detail


async def test_removing_the_device_ends_its_commands() -> None:
    async with lamp() as (device, orders):
        device.dead.add("lamp")
        orders.give(1)
        await until(lambda: "lamp!1" in device.asked)
        orders.rig.pump.remove("lamp")
        assert orders.ends == [("c1", "timeout")]
        assert "the device was removed" in orders.replies[0].detail


async def test_stopping_the_gateway_ends_every_command() -> None:
    async with lamp() as (device, orders):
        device.dead.add("lamp")
        orders.give(1)
        orders.give(2)
        await until(lambda: "lamp!1" in device.asked)
    assert [command for command, _ in orders.ends] == ["c1", "c2"]
    await asyncio.sleep(0)
    assert len(orders.replies) == 2
