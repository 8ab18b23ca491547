"""Commands at the gateway: each carried out once, in time or not at all, and answered."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from broker import topics
from broker.commands import ReplyMessage, decode_reply, encode_command
from broker.session import BrokerAddress, Session, connect
from gateways import clock
from gateways.commands import intake
from gateways.commands.intake import Commands
from gateways.daemon import Gateway, GatewaySettings
from telemetry import Command, Device, Instant, Reply
from tests.gateways.brokers import BOTH, broker_named
from tests.gateways.relay import RelayCatalogue, relay_running
from tests.proxy import fault_proxy
from tests.waiting import until

SECOND = 10**9


def command(name: str = "one", life: float = 5, device: str = "relay", value: float = 1) -> Command:
    return Command(name, device, "set", {"value": value}, clock.now().utc + int(life * SECOND))


def payload(wanted: Command, age: float = 0, *, repeated: bool = False) -> bytes:
    """As the centre sends it, `age` seconds after it was asked."""
    return encode_command(wanted, clock.now().utc - int(age * SECOND), repeated=repeated)


class Desk:
    """A gateway's intake with a fleet that notes what it gets, and answers when told."""

    def __init__(self) -> None:
        self.commands = Commands("desk", self.carry_out)
        self.carried_out: list[Command] = []
        self.callbacks: list[Callable[[Reply], None]] = []

    def carry_out(self, wanted: Command, reply: Callable[[Reply], None]) -> None:
        self.carried_out.append(wanted)
        self.callbacks.append(reply)

    async def said(self) -> Sequence[Reply]:
        replies: list[Reply] = []
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0):
                    replies.append(await self.commands._unsaid.next())
        return replies


async def test_a_command_that_comes_twice_is_carried_out_once_and_answered_again() -> None:
    desk, wanted = Desk(), command()
    for repeated in (False, False, True):
        desk.commands.receive(payload(wanted, repeated=repeated))
    assert desk.carried_out == [wanted]
    assert await desk.said() == []
    reply = Reply("one", "relay", values={"value": 1})
    desk.callbacks[0](reply)
    assert await desk.said() == [reply]
    desk.commands.receive(payload(wanted, repeated=True))
    assert await desk.said() == [reply]
    assert len(desk.carried_out) == 1


async def test_a_command_that_was_never_heard_is_not_carried_out_when_only_its_reply_is_asked_for() -> None:
    desk = Desk()
    desk.commands.receive(payload(command(), repeated=True))
    assert (desk.carried_out, await desk.said()) == ([], [])


async def test_a_command_that_expired_on_its_way_is_not_carried_out_and_both_times_are_named() -> None:
    desk, wanted = Desk(), command(life=-1)
    desk.commands.receive(payload(wanted, age=6))
    desk.commands.receive(payload(wanted, age=6))
    (reply,) = await desk.said()
    assert (desk.carried_out, reply.reason) == ([], "expired")
    assert reply.detail.count("Z") >= 2
    assert "by this gateway's clock it is" in reply.detail


async def test_a_gateway_whose_clock_is_behind_by_more_than_a_commands_life_refuses_it() -> None:
    desk = Desk()
    desk.commands.receive(payload(command("late", life=14), age=-9))  # asked in 9 s, to expire 5 s later
    desk.commands.receive(payload(command("fine", life=7), age=-3))
    (reply,) = await desk.said()
    assert (reply.command, reply.reason) == ("late", "refused")
    assert "set this gateway's clock" in reply.detail
    assert reply.detail.count("Z") >= 2
    assert [one.id for one in desk.carried_out] == ["fine"]


async def test_what_cannot_be_read_is_counted_and_answered_where_its_id_can_be_read() -> None:
    desk, labels = Desk(), {"gateway": "desk"}
    before = REGISTRY.get_sample_value("haidang_gateway_unreadable_commands_total", labels) or 0
    for wrong in (b"", b"\xff", b"{}", b'{"id": "../x"}', b'{"id": "w1", "device": "relay"}'):
        desk.commands.receive(wrong)
    assert REGISTRY.get_sample_value("haidang_gateway_unreadable_commands_total", labels) == before + 5
    (reply,) = await desk.said()
    assert (reply.command, reply.device, reply.reason) == ("w1", "relay", "refused")
    assert "action" in reply.detail


async def test_memory_is_bounded_and_never_forgets_a_command_that_could_still_be_carried_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "MOST_REMEMBERED", 3)
    desk, moment = Desk(), clock.now()
    for number in range(5):
        desk.commands.receive(payload(command(f"c-{number}")))
    assert [one.id for one in desk.carried_out] == ["c-0", "c-1", "c-2"]
    assert [(one.command, one.reason) for one in await desk.said()] == [
        ("c-3", "refused"),
        ("c-4", "refused"),
    ]
    later = Instant(moment.utc + 70 * SECOND, moment.monotonic + 70)
    monkeypatch.setattr(clock, "now", lambda: later)
    desk.commands.receive(payload(command("c-5")))
    assert [one.id for one in desk.carried_out][3:] == ["c-5"]


async def test_a_clock_that_was_never_set_leaves_no_memory_that_outlasts_its_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "MOST_REMEMBERED", 3)
    desk, moment = Desk(), clock.now()
    wanted = [payload(command(f"c-{number}")) for number in range(4)]
    monkeypatch.setattr(clock, "now", lambda: Instant(0, moment.monotonic))
    for one in wanted[:3]:
        desk.commands.receive(one)
    monkeypatch.setattr(clock, "now", lambda: Instant(moment.utc, moment.monotonic + 181))
    desk.commands.receive(wanted[3])
    assert [one.id for one in desk.carried_out] == ["c-3"]
    assert [one.reason for one in await desk.said()] == ["refused"] * 3


@pytest.fixture(autouse=True)
def _stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes readings here, so nobody need wait until they are taken."""
    monkeypatch.setattr("gateways.daemon.DRAIN_TIME", 0.0)


@pytest.fixture(params=BOTH)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[BrokerAddress]:
    async with broker_named(request.param, tmp_path) as address:
        yield address


@asynccontextmanager
async def gateway_at(broker: BrokerAddress, folder: Path, *devices: Device) -> AsyncGenerator[Gateway]:
    gateway = Gateway(GatewaySettings("quay", "Dinh Vu", devices, folder, broker), RelayCatalogue())
    running = asyncio.create_task(gateway.run())
    try:
        await until(lambda: running.done() or [one.state for one in gateway.status().devices] == ["ok"])
        yield gateway
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()


@asynccontextmanager
async def asking(broker: BrokerAddress) -> AsyncGenerator[tuple[Session, AsyncIterator[ReplyMessage]]]:
    """A centre's session, and the replies it hears. Waits until the gateway's session is there."""
    async with connect(broker, "centre") as centre:
        await centre.subscribe(topics.ALL_REPLIES)
        replies = (decode_reply(message.payload) async for message in centre.messages())
        probe = b'{"id": "probe"}'
        async with asyncio.timeout(20):
            while True:
                await centre.publish(topics.commands("quay"), probe)
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await anext(replies)
                        break
        yield centre, replies


async def next_reply(replies: AsyncIterator[ReplyMessage], name: str) -> ReplyMessage:
    async with asyncio.timeout(20):
        while (reply := await anext(replies)).id != name:
            pass
    return reply


async def test_a_command_reaches_the_device_and_its_answer_the_centre(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    async with (
        relay_running() as relay,
        gateway_at(broker, tmp_path / "g", relay.device()),
        asking(broker) as (centre, replies),
    ):
        sent = payload(command("one", value=7))
        for _ in range(2):
            await centre.publish(topics.commands("quay"), sent)
            reply = await next_reply(replies, "one")
            assert (reply.device, reply.reason, reply.values) == ("relay", "", {"value": "7"})
        assert relay.done == ["7"]
        await centre.publish(topics.commands("quay"), payload(command("two", device="other")))
        assert (await next_reply(replies, "two")).reason == "refused"
        await centre.publish(topics.commands("quay"), payload(command("three", value=-1)))
        refused = await next_reply(replies, "three")
        assert (refused.reason, "value is a number from 0" in refused.detail) == ("refused", True)
        assert relay.done == ["7"]


async def test_a_command_that_somebody_made_the_broker_keep_is_not_carried_out(
    broker: BrokerAddress, tmp_path: Path
) -> None:
    async with relay_running() as relay, connect(broker, "careless") as careless:
        await careless.publish(topics.commands("quay"), payload(command("kept", life=60)), retain=True)
        async with (
            gateway_at(broker, tmp_path, relay.device()),
            asking(broker) as (centre, replies),
        ):
            await centre.publish(topics.commands("quay"), payload(command("live", life=60, value=2)))
            assert (await next_reply(replies, "live")).reason == ""
        assert relay.done == ["2"]


async def test_a_reply_that_ends_while_the_broker_is_out_of_reach_is_said_once_it_is_back(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    async with relay_running() as relay, fault_proxy(broker.port) as proxy:
        through = BrokerAddress("127.0.0.1", proxy.port)
        async with gateway_at(through, tmp_path / "g", relay.device()), asking(broker) as (centre, replies):
            relay.hold()
            await centre.publish(topics.commands("quay"), payload(command("one", life=60, value=3)))
            await until(lambda: relay.done == ["3"])
            proxy.refusing = True
            proxy.cut()
            relay.release()
            await until(lambda: _ended("quay", "done") > 0)
            proxy.refusing = False
            assert (await next_reply(replies, "one")).reason == ""
            assert relay.done == ["3"]


def _ended(gateway: str, end: str) -> float:
    labels = {"gateway": gateway, "end": end}
    return REGISTRY.get_sample_value("haidang_gateway_commands_total", labels) or 0
