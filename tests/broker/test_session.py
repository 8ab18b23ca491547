"""Sessions: what is published is acknowledged, what breaks is connected again, nothing is left behind."""

import asyncio
import socket
from pathlib import Path

import pytest

from broker import session as session_module
from broker.backoff import FIRST_DELAY, LONGEST_DELAY, Backoff
from broker.session import BrokerAddress, Session, Will, connect, stay_connected
from telemetry import ConfigurationError, LinkError
from tests.proxy import fault_proxy
from tests.servers import free_port
from tests.waiting import until


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://localhost", BrokerAddress("localhost", 1883)),
        ("mqtts://centre.example", BrokerAddress("centre.example", 8883, tls=True)),
        ("mqtt://quay:p%40ss@10.0.0.1:2883/", BrokerAddress("10.0.0.1", 2883, "quay", "p@ss")),
    ],
)
def test_an_address_is_read_from_its_url(url: str, address: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h",
        "mqtt://",
        "mqtt://h:port",
        "mqtt://h:99999",
        "mqtt://h/topic",
        "localhost:1883",
        "mqtt://[::1",
    ],
)
def test_a_wrong_address_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="broker's URL"):
        BrokerAddress.parse(url)


def test_a_password_never_shows() -> None:
    assert "sesame" not in repr(BrokerAddress.parse("mqtt://quay:sesame@h"))


def test_waits_double_with_jitter_and_begin_again_after_one_that_held() -> None:
    backoff = Backoff()
    waits = [backoff.after(0) for _ in range(20)]
    for number, wait in enumerate(waits):
        middle = min(FIRST_DELAY * 2**number, LONGEST_DELAY)
        assert 0.5 * middle <= wait <= 1.5 * middle
    assert backoff.after(60) <= 1.5 * FIRST_DELAY


async def test_messages_come_in_order_with_what_was_retained_marked(mosquitto_port: int) -> None:
    address = BrokerAddress("127.0.0.1", mosquitto_port)
    async with connect(address, "one") as one, connect(address, "two") as two:
        await one.publish("a/kept", b"kept", retain=True)
        await two.subscribe("a/+")
        for number in range(50):
            await one.publish("a/b", b"%d" % number)
        messages = two.messages()
        first = await anext(messages)
        assert (first.payload, first.retained) == (b"kept", True)
        assert [(await anext(messages)).payload for _ in range(50)] == [
            b"%d" % number for number in range(50)
        ]


async def test_publications_that_overlap_keep_their_order(mosquitto_port: int) -> None:
    address = BrokerAddress("127.0.0.1", mosquitto_port)
    async with connect(address, "one") as one, connect(address, "two") as two:
        await two.subscribe("a")
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(one.publish("a", b"%d" % number))
        messages = two.messages()
        assert [(await anext(messages)).payload for _ in range(200)] == [b"%d" % n for n in range(200)]


async def test_what_waits_for_a_slow_reader_is_bounded_in_bytes_too(
    mosquitto_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "QUEUED_BYTES", 3_000)
    address = BrokerAddress("127.0.0.1", mosquitto_port)
    async with connect(address, "flood") as flood, connect(address, "slow") as slow:
        await slow.subscribe("flood", "end")
        for number in range(20):
            await flood.publish("flood", b"%04d" % number * 250)
        await slow.subscribe("after")  # whose answer comes behind all of them
        heard = slow.messages()
        assert [(await anext(heard)).payload[:4] for _ in range(3)] == [b"0000", b"0001", b"0002"]
        await flood.publish("end", b"")
        assert (await anext(heard)).topic == "end"


async def test_an_answer_nobody_waits_for_any_more_is_no_line_in_the_log(
    mosquitto_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(BrokerAddress("127.0.0.1", mosquitto_port), "hasty") as hasty:
        asking = asyncio.create_task(hasty.subscribe("given/up"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        await hasty.subscribe("wanted")
    assert asking.cancelled()
    assert [record.message for record in caplog.records if record.name == "mqtt"] == []


async def test_nobody_there_is_a_link_error() -> None:
    with pytest.raises(LinkError, match="no session with the broker"):
        async with connect(BrokerAddress("127.0.0.1", free_port()), "one"):
            pass


async def test_a_host_that_cannot_be_one_is_a_link_error() -> None:
    with pytest.raises(LinkError, match=r"no session with the broker mqtt://a\.\.b:1883"):
        async with connect(BrokerAddress("a..b", 1883), "quay"):
            pytest.fail("no such broker")


async def test_missing_authorities_are_a_link_error(tmp_path: Path) -> None:
    address = BrokerAddress("127.0.0.1", free_port(), tls=True, ca_file=tmp_path / "none.pem")
    with pytest.raises(LinkError, match="the authorities of mqtts"):
        async with connect(address, "one"):
            pass


async def test_a_session_that_breaks_is_a_link_error_for_whoever_uses_it(mosquitto_port: int) -> None:
    async with (
        fault_proxy(mosquitto_port) as proxy,
        connect(BrokerAddress("127.0.0.1", proxy.port), "one") as one,
    ):
        await one.subscribe("a")
        proxy.refusing = True
        proxy.cut()
        with pytest.raises(LinkError, match="went away"):
            await anext(one.messages())
        with pytest.raises(LinkError, match="cannot publish"):
            await one.publish("a", b"")
        with pytest.raises(LinkError, match="cannot subscribe"):
            await one.subscribe("b")


async def test_a_broker_that_accepts_and_never_answers_is_left_with_nothing_behind(
    mosquitto_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "ANSWER_TIME", 0.2)
    async with fault_proxy(mosquitto_port) as proxy:
        proxy.silent = True
        with pytest.raises(LinkError, match="no session with the broker"):
            async with connect(BrokerAddress("127.0.0.1", proxy.port), "one"):
                pass
        proxy.silent = False
        await until(lambda: proxy.open_connections == 0)
        assert not [task for task in asyncio.all_tasks() if "_misc_loop" in repr(task.get_coro())]


async def test_a_cancelled_connection_attempt_leaves_nothing_behind(mosquitto_port: int) -> None:
    async with fault_proxy(mosquitto_port) as proxy:
        proxy.silent = True

        async def attempt() -> None:
            async with connect(BrokerAddress("127.0.0.1", proxy.port), "one"):
                pass

        trying = asyncio.create_task(attempt())
        await until(lambda: proxy.open_connections)
        trying.cancel()
        await asyncio.wait({trying}, timeout=5)
        assert trying.cancelled()
        proxy.silent = False
        await until(lambda: proxy.open_connections == 0)


async def test_a_cancellation_is_not_lost_when_the_broker_does_not_answer_the_goodbye(
    mosquitto_port: int,
) -> None:
    async with fault_proxy(mosquitto_port) as proxy:
        ready = asyncio.Event()

        async def converse(session: Session) -> None:
            await session.subscribe("a")
            ready.set()
            await asyncio.get_running_loop().create_future()

        staying = asyncio.create_task(stay_connected(BrokerAddress("127.0.0.1", proxy.port), "one", converse))
        await ready.wait()
        proxy.silent = True
        staying.cancel()
        await asyncio.wait({staying}, timeout=5)
        assert staying.cancelled()
        proxy.silent = False


async def test_it_connects_again_and_again_and_the_will_speaks_for_who_vanished(mosquitto_port: int) -> None:
    direct = BrokerAddress("127.0.0.1", mosquitto_port)
    greetings: list[Session] = []

    async def converse(session: Session) -> None:
        greetings.append(session)
        async for _ in session.messages():
            pass

    async with fault_proxy(mosquitto_port) as proxy, connect(direct, "watch") as watch:
        await watch.subscribe("will")
        through = BrokerAddress("127.0.0.1", proxy.port)
        staying = asyncio.create_task(stay_connected(through, "one", converse, Will("will", b"vanished")))
        for _ in range(3):
            await until(lambda: greetings)
            greetings.clear()
            proxy.cut()
            assert (await anext(watch.messages())).payload == b"vanished"
        staying.cancel()
        await asyncio.wait({staying})
        assert staying.cancelled()


async def test_a_goodbye_leaves_the_will_unspoken(mosquitto_port: int) -> None:
    address = BrokerAddress("127.0.0.1", mosquitto_port)
    async with connect(address, "watch") as watch:
        await watch.subscribe("#")
        async with connect(address, "one", Will("will", b"vanished")):
            pass
        await watch.publish("after", b"")
        assert (await anext(watch.messages())).topic == "after"


async def test_a_server_that_is_no_broker_is_a_link_error() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port: int = listener.getsockname()[1]

        async def talk_nonsense() -> None:
            loop = asyncio.get_running_loop()
            listener.setblocking(False)
            connection, _ = await loop.sock_accept(listener)
            await loop.sock_sendall(connection, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        talking = asyncio.create_task(talk_nonsense())
        with pytest.raises(LinkError):
            async with connect(BrokerAddress("127.0.0.1", port), "one"):
                pass
        await talking
