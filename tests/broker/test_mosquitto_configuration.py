"""What we write for Mosquitto, with the real Mosquitto: each gateway has its own topics and no others."""

import asyncio
import os
import stat
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from broker import topics
from broker.mosquitto import Listener, access, configuration, write_configuration
from broker.session import BrokerAddress, Session, Will, connect
from telemetry import LinkError
from tests.proxy import fault_proxy
from tests.servers import free_port, need, running


@dataclass(frozen=True)
class Site:
    """A Mosquitto that runs on our configuration, with two gateways."""

    port: int
    passwords: dict[str, str]

    def address(self, user: str | None, password: str | None = None) -> BrokerAddress:
        password = password if password is not None or user is None else self.passwords[user]
        return BrokerAddress("127.0.0.1", self.port, user, password)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    passwords = write_configuration(folder, Listener(port), ["quay", "tower"])
    if os.geteuid() == 0:
        with (folder / "mosquitto.conf").open("a") as file:
            file.write("user root\n")
    command = [need("mosquitto", "mosquitto"), "-c", str(folder / "mosquitto.conf")]
    with running(command, folder / "mosquitto.log", port):
        yield Site(port, dict(passwords))


async def next_payload(session: Session) -> bytes:
    """Of the next message that was not kept from an earlier test."""
    async with asyncio.timeout(10):
        while (message := await anext(session.messages())).retained:
            pass
    return message.payload


async def test_a_gateway_speaks_to_the_centre_and_the_centre_to_it(site: Site) -> None:
    async with (
        connect(site.address("centre"), "centre") as centre,
        connect(site.address("quay"), "quay", Will(topics.status("quay"), b"will")) as quay,
    ):
        await centre.subscribe(topics.ALL_BATCHES, topics.ALL_STATUSES, topics.ALL_REPLIES)
        await quay.subscribe(topics.receipts("quay"), topics.configuration("quay"), topics.commands("quay"))
        await quay.publish(topics.batches("quay"), b"batch")
        assert await next_payload(centre) == b"batch"
        await quay.publish(topics.status("quay"), b"status", retain=True)
        assert await next_payload(centre) == b"status"
        await centre.publish(topics.receipts("quay"), b"receipt")
        assert await next_payload(quay) == b"receipt"
        await centre.publish(topics.commands("quay"), b"command")
        assert await next_payload(quay) == b"command"
        await quay.publish(topics.replies("quay"), b"reply")
        assert await next_payload(centre) == b"reply"


@pytest.mark.parametrize(
    "topic",
    [
        topics.batches("tower"),
        topics.status("tower"),
        topics.replies("tower"),
        topics.commands("tower"),
        topics.commands("quay"),
        topics.receipts("quay"),
        topics.configuration("quay"),
        topics.LIVE_READINGS,
        "haidang/1/gw/quay",
        "elsewhere",
    ],
)
async def test_what_a_gateway_publishes_elsewhere_reaches_nobody(site: Site, topic: str) -> None:
    async with (
        connect(site.address("centre"), "centre") as centre,
        connect(site.address("quay"), "quay") as quay,
    ):
        await centre.subscribe("haidang/#")
        await quay.publish(topic, b"forged", retain=True)
        await quay.publish(topics.batches("quay"), b"ours")
        assert await next_payload(centre) == b"ours"


@pytest.mark.parametrize(
    "topic_filter",
    [
        topics.receipts("tower"),
        topics.configuration("tower"),
        topics.commands("tower"),
        topics.replies("tower"),
        topics.batches("tower"),
        topics.LIVE_READINGS,
    ],
)
async def test_a_gateway_hears_nothing_of_others(site: Site, topic_filter: str) -> None:
    async with (
        connect(site.address("centre"), "centre") as centre,
        connect(site.address("quay"), "quay") as quay,
    ):
        await quay.subscribe(topics.receipts("quay"))
        with suppress(LinkError):  # a broker may refuse, or grant and stay silent
            await quay.subscribe(topic_filter)
        await centre.publish(topic_filter, b"secret")
        await centre.publish(topics.receipts("quay"), b"ours")
        assert await next_payload(quay) == b"ours"


@pytest.mark.parametrize(
    "topic_filter",
    ["#", "haidang/#", "haidang/1/gw/+/config", "haidang/1/gw/+/command", "haidang/1/gw/+/receipt"],
)
async def test_a_wildcard_gives_a_gateway_its_own_and_no_more(site: Site, topic_filter: str) -> None:
    async with (
        connect(site.address("centre"), "centre") as centre,
        connect(site.address("quay"), "quay") as quay,
    ):
        await quay.subscribe(topics.receipts("quay"))
        with suppress(LinkError):  # a broker may refuse, or grant and stay silent
            await quay.subscribe(topic_filter)
        await centre.publish(topics.configuration("tower"), b"secret")
        await centre.publish(topics.receipts("tower"), b"secret")
        await centre.publish(topics.receipts("quay"), b"ours")
        assert await next_payload(quay) == b"ours"


async def test_a_will_on_anothers_topic_is_not_spoken(site: Site) -> None:
    async with fault_proxy(site.port) as proxy, connect(site.address("centre"), "centre") as centre:
        await centre.subscribe(topics.ALL_STATUSES)
        through = replace(site.address("quay"), port=proxy.port)
        async with connect(through, "quay", Will(topics.status("tower"), b"forged")) as quay:
            await quay.publish(topics.status("quay"), b"ours")
            proxy.cut()
            with pytest.raises(LinkError):
                await anext(quay.messages())
        assert await next_payload(centre) == b"ours"
        async with connect(site.address("tower"), "tower") as tower:
            await tower.publish(topics.status("tower"), b"its own")
            assert await next_payload(centre) == b"its own"


@pytest.mark.parametrize(
    ("user", "password"),
    [(None, None), ("quay", "wrong"), ("quay", ""), ("nobody", "x"), ("#", "x"), ("+", "x")],
)
async def test_strangers_are_refused(site: Site, user: str | None, password: str | None) -> None:
    with pytest.raises(LinkError, match="no session with the broker"):
        async with connect(site.address(user, password), "stranger"):
            pass


@pytest.mark.parametrize("gateway", ["#", "+", "a/b", "", "quay\ntopic readwrite #", "Quay", "a" * 64])
def test_an_id_that_would_widen_its_topics_is_refused(gateway: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        access([gateway])
    with pytest.raises(ValueError, match="is not an id"):
        write_configuration(tmp_path, Listener(1883), [gateway])
    assert list(tmp_path.iterdir()) == []


def test_secrets_are_their_owners_and_every_writing_makes_new_ones(tmp_path: Path) -> None:
    first = write_configuration(tmp_path, Listener(1883), ["quay"])
    second = write_configuration(tmp_path, Listener(1883), ["quay"])
    assert first.keys() == second.keys() == {"centre", "quay"}
    assert not set(first.values()) & set(second.values())
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert not any(password in (tmp_path / "passwords").read_text() for password in second.values())


def test_tls_is_asked_for_by_a_certificate(tmp_path: Path) -> None:
    listener = Listener(8883, "0.0.0.0", Path("/etc/c.pem"), Path("/etc/k.pem"))
    text = configuration(listener, tmp_path)
    assert "listener 8883 0.0.0.0\ncertfile /etc/c.pem\nkeyfile /etc/k.pem\nallow_anonymous false\n" in text
