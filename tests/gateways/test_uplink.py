"""Every accepted reading arrives, once and in order, whatever brokers, networks and receipts do."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker import topics
from broker.session import BrokerAddress, Session, stay_connected, together
from broker.wire import Receipt
from gateways.background import background
from gateways.delivery.outbox import Outbox
from gateways.delivery.uplink import Uplink
from gateways.delivery.window import WIDTH
from gateways.errors import OutboxUnwritableError
from tests.gateways.brokers import BOTH, broker_named
from tests.gateways.centre import Centre, centre_at
from tests.gateways.outbox_process import numbered
from tests.gateways.outboxes import append, working
from tests.proxy import fault_proxy
from tests.servers import free_port
from tests.waiting import until


@pytest.fixture(params=BOTH)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[BrokerAddress]:
    async with broker_named(request.param, tmp_path) as address:
        yield address


@asynccontextmanager
async def uplink_of(outbox: Outbox, broker: BrokerAddress) -> AsyncGenerator[Uplink]:
    """An uplink that stays connected while the block runs."""
    uplink = Uplink("quay", "Dinh Vu", outbox)

    async def hear(session: Session) -> None:
        async for message in session.messages():
            uplink.receive(message.payload)

    async def converse(session: Session) -> None:
        await session.subscribe(topics.receipts("quay"))
        await together(hear(session), uplink.send(session))

    async with background(stay_connected(broker, "gateway-quay", converse)):
        yield uplink


async def drained(outbox: Outbox, centre: Centre, accepted: int, seconds: float = 60) -> None:
    """Returns once the centre has every reading and the outbox is empty."""
    await until(lambda: centre.numbers[-1:] == [accepted - 1] and outbox.backlog == (0, 0), seconds)
    assert centre.numbers == list(range(accepted))


async def test_what_is_accepted_arrives_and_leaves_the_outbox(tmp_path: Path, broker: BrokerAddress) -> None:
    async with working(tmp_path) as outbox, centre_at(broker) as centre, uplink_of(outbox, broker) as uplink:
        await append(outbox, 0, 500, size=5)
        await drained(outbox, centre, 500)
        await uplink.caught_up()
        assert centre.sites == {"Dinh Vu"}
        assert [seq for _, seq, _ in centre.batches] == list(range(1, 101))


async def test_a_backlog_is_sent_with_no_more_than_the_window_under_way(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    async with working(tmp_path) as outbox, centre_at(broker) as centre:
        await append(outbox, 0, 100)
        centre.lose = 1.0
        async with uplink_of(outbox, broker):
            await until(lambda: len(centre.batches) == WIDTH)
            centre.lose = 0.0
            await drained(outbox, centre, 100)


async def test_receipts_may_be_lost_doubled_late_or_for_a_part(tmp_path: Path, broker: BrokerAddress) -> None:
    async with working(tmp_path) as outbox, centre_at(broker) as centre, uplink_of(outbox, broker):
        centre.lose, centre.twice, centre.late, centre.partly = 0.2, 0.3, 0.3, 0.3
        await append(outbox, 0, 300)
        centre.lose = centre.late = centre.partly = 0.0
        await append(outbox, 300, 1)
        await drained(outbox, centre, 301)


async def test_a_lost_last_receipt_is_asked_for_by_sending_again(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    async with working(tmp_path) as outbox, centre_at(broker) as centre, uplink_of(outbox, broker) as uplink:
        centre.lose = 1.0
        await append(outbox, 0, 3)
        await until(lambda: len(centre.readings) == 3)
        centre.lose = 0.0
        await drained(outbox, centre, 3)
        assert uplink.resent >= 3


async def test_receipts_of_nonsense_change_nothing(tmp_path: Path, broker: BrokerAddress) -> None:
    async with working(tmp_path) as outbox, centre_at(broker) as centre, uplink_of(outbox, broker):
        epoch = outbox.epoch
        centre.lose = 1.0
        centre.lies = [Receipt("another", 2), Receipt(epoch, 0), Receipt(epoch, -5)]
        await append(outbox, 0, 3)
        await until(lambda: len(centre.readings) == 3)
        assert centre.session is not None
        for payload in (b"", b"\xff", b"[]", b'{"epoch":1,"seq":2}', b'{"epoch":"e","seq":1e99}'):
            await centre.session.publish(topics.receipts("quay"), payload)
        assert outbox.floor == 0
        centre.lose = 0.0
        await drained(outbox, centre, 3)


async def test_a_centre_that_knows_our_numbers_from_another_life_gets_a_new_epoch(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    async with working(tmp_path) as outbox, centre_at(broker) as centre, uplink_of(outbox, broker):
        before = outbox.epoch
        centre.stored[before] = 1_000
        await append(outbox, 0, 20)
        await drained(outbox, centre, 20)
        assert outbox.epoch != before
        await append(outbox, 20, 1)
        await drained(outbox, centre, 21)


async def test_a_full_disk_delays_a_new_epoch_and_does_not_end_the_gateway(
    tmp_path: Path, broker: BrokerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.delivery.uplink.RENEW_EVERY", 0.1)
    async with working(tmp_path) as outbox, centre_at(broker) as centre:
        renew, full = outbox.renew, True

        async def renew_reluctantly() -> None:
            nonlocal full
            if full:
                full = False  # from the next try on; the wait until then doubles
                raise OutboxUnwritableError("disk-full", "the disk is full")
            await renew()

        monkeypatch.setattr(outbox, "renew", renew_reluctantly)
        centre.stored[outbox.epoch] = 1_000
        async with uplink_of(outbox, broker):
            await append(outbox, 0, 20)
            await drained(outbox, centre, 20)


async def test_a_restarted_gateway_sends_what_had_no_receipt_and_believes_late_receipts(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    async with centre_at(broker) as centre:
        centre.lose = 1.0
        async with working(tmp_path) as outbox, uplink_of(outbox, broker):
            await append(outbox, 0, 10)
            await until(lambda: len(centre.readings) == 10)
        centre.lose = 0.0
        async with working(tmp_path) as outbox, uplink_of(outbox, broker):
            await append(outbox, 10, 1)
            await drained(outbox, centre, 11)


async def test_every_reading_arrives_over_a_connection_that_is_cut_again_and_again(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    async with fault_proxy(broker.port) as proxy, centre_at(broker) as centre, working(tmp_path) as outbox:
        through = BrokerAddress("127.0.0.1", proxy.port)
        cutting = proxy.cut_at_random(random.Random(3), longest=0.5)
        async with uplink_of(outbox, through), background(cutting):
            for number in range(80):
                await append(outbox, number, 1)
                await asyncio.sleep(0.02)
            await until(lambda: proxy.connections > 5)
        async with uplink_of(outbox, through):
            await drained(outbox, centre, 80)


async def test_a_broker_that_accepts_and_never_answers_is_left_and_tried_again(
    tmp_path: Path, broker: BrokerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.session.ANSWER_TIME", 0.5)
    async with fault_proxy(broker.port) as proxy, centre_at(broker) as centre, working(tmp_path) as outbox:
        proxy.silent = True
        async with uplink_of(outbox, BrokerAddress("127.0.0.1", proxy.port)):
            await append(outbox, 0, 5)
            await until(lambda: proxy.connections >= 2)
            proxy.silent = False
            proxy.cut()
            await drained(outbox, centre, 5)


async def test_a_half_open_connection_is_noticed_and_replaced(
    tmp_path: Path, broker: BrokerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.session.ANSWER_TIME", 0.5)
    async with (
        fault_proxy(broker.port) as proxy,
        centre_at(broker) as centre,
        working(tmp_path) as outbox,
        uplink_of(outbox, BrokerAddress("127.0.0.1", proxy.port)),
    ):
        await append(outbox, 0, 5)
        await drained(outbox, centre, 5)
        proxy.silent = True
        await append(outbox, 5, 5)
        await until(lambda: proxy.connections >= 2)
        proxy.silent = False
        await drained(outbox, centre, 10)


@pytest.mark.parametrize("name", BOTH)
async def test_a_broker_that_comes_back_gets_everything_that_waited(tmp_path: Path, name: str) -> None:
    port = free_port()
    async with (
        working(tmp_path / "gateway") as outbox,
        uplink_of(outbox, BrokerAddress("127.0.0.1", port)),
    ):
        await append(outbox, 0, 200, size=2)
        async with broker_named(name, tmp_path, port) as broker, centre_at(broker) as centre:
            await drained(outbox, centre, 200)
            outbox.append([numbered(200)])
            await drained(outbox, centre, 201)


async def test_a_centre_that_is_away_costs_nothing_but_time(tmp_path: Path, broker: BrokerAddress) -> None:
    async with working(tmp_path) as outbox, uplink_of(outbox, broker):
        await append(outbox, 0, 100)
        async with centre_at(broker) as centre:
            await drained(outbox, centre, 100)
