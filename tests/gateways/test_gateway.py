"""A whole gateway on real sockets and both brokers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from broker.session import BrokerAddress
from broker.wire import Configuration, DeviceStatus, PushedDevice
from drivers.catalogue import Catalogue, load_catalogue
from gateways.daemon import Gateway, GatewaySettings
from gateways.delivery.outbox_file import OutboxFile
from telemetry import ConfigurationError, Device
from tests.gateways.brokers import BOTH, broker_named
from tests.gateways.centre import Centre, centre_at
from tests.gateways.outboxes import everything, numbered_pack, working
from tests.proxy import fault_proxy
from tests.servers import free_port
from tests.waiting import until

SENTENCE = "!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"


@pytest.fixture(params=BOTH)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[BrokerAddress]:
    async with broker_named(request.param, tmp_path) as address:
        yield address


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@dataclass
class Receivers:
    """AIS receivers on TCP; each says a numbered sentence when told."""

    writers: dict[int, list[asyncio.StreamWriter]] = field(
        default_factory=dict[int, list[asyncio.StreamWriter]]
    )
    servers: list[asyncio.Server] = field(default_factory=list[asyncio.Server])
    said: int = 0

    async def open(self) -> int:
        server = await asyncio.start_server(
            lambda _, writer: self.writers[port].append(writer), "127.0.0.1", 0
        )
        port: int = server.sockets[0].getsockname()[1]
        self.writers[port] = []
        self.servers.append(server)
        return port

    def say(self, port: int) -> None:
        self.said += 1
        self.writers[port][-1].write(f"{SENTENCE}\r\n".encode())


@pytest.fixture
async def receivers() -> AsyncGenerator[Receivers]:
    some = Receivers()
    yield some
    for server in some.servers:
        server.close()
    for writers in some.writers.values():
        for writer in writers:
            writer.transport.abort()
    await asyncio.sleep(0)


def receiver(name: str, port: int) -> Device:
    return Device(id=name, profile="ais-receiver", link=f"tcp://127.0.0.1:{port}")


def pushed(name: str, port: int) -> PushedDevice:
    return PushedDevice(name, "ais-receiver", f"tcp://127.0.0.1:{port}")


@asynccontextmanager
async def gateway_of(
    broker: BrokerAddress, folder: Path, catalogue: Catalogue, *devices: Device
) -> AsyncGenerator[Gateway]:
    """A gateway that runs while the block does; then it is stopped as a service is."""
    gateway = Gateway(GatewaySettings("quay", "Dinh Vu", devices, folder, broker, version="test"), catalogue)
    running = asyncio.create_task(gateway.run())
    try:
        await until(lambda: gateway.status().online or running.done())
        yield gateway
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert running.cancelled()


def device(gateway: Gateway, name: str) -> DeviceStatus:
    return next(one for one in gateway.status().devices if one.id == name)


def online(centre: Centre) -> Callable[[], bool]:
    return lambda: bool(centre.statuses) and centre.statuses[-1].online


async def test_readings_arrive_and_the_status_says_how_devices_fare(
    tmp_path: Path, broker: BrokerAddress, catalogue: Catalogue, receivers: Receivers
) -> None:
    port = await receivers.open()
    async with centre_at(broker) as centre:
        mute = receiver("mute", free_port())
        async with gateway_of(broker, tmp_path / "g", catalogue, receiver("ais", port), mute) as gateway:
            await until(lambda: receivers.writers[port])
            for _ in range(3):
                receivers.say(port)
            await until(lambda: len(centre.readings) == 3)
            await until(lambda: gateway.status().backlog == 0)
            assert {reading.device for reading in centre.readings} == {"ais"}
            assert centre.readings[0].values == {"sentence": SENTENCE}
            assert centre.sites == {"Dinh Vu"}
            await until(lambda: [one.state for one in centre.statuses[-1].devices] == ["ok", "connecting"])
            status = centre.statuses[-1]
            assert (status.online, status.site, status.version) == (True, "Dinh Vu", "test")
            assert "cannot connect" in status.devices[1].detail
            labels = {"gateway": "quay"}
            assert REGISTRY.get_sample_value("haidang_gateway_accepted_total", labels) == 3
            assert REGISTRY.get_sample_value("haidang_gateway_backlog_batches", labels) == 0
        await until(lambda: not centre.statuses[-1].online)
        assert [one.id for one in centre.statuses[-1].devices] == ["ais", "mute"]
        assert REGISTRY.get_sample_value("haidang_gateway_accepted_total", labels) is None


async def test_a_gateway_that_vanishes_is_said_to_be_offline_by_the_broker(
    tmp_path: Path, broker: BrokerAddress, catalogue: Catalogue
) -> None:
    async with fault_proxy(broker.port) as proxy, centre_at(broker) as centre:
        through = BrokerAddress("127.0.0.1", proxy.port)
        async with gateway_of(through, tmp_path / "g", catalogue):
            await until(online(centre))
            proxy.refusing = True
            proxy.cut()
            await until(lambda: not centre.statuses[-1].online)
            proxy.refusing = False
            await until(online(centre))


async def test_a_pushed_device_is_read_without_a_restart_and_others_are_not_disturbed(
    tmp_path: Path, broker: BrokerAddress, catalogue: Catalogue, receivers: Receivers
) -> None:
    own, new, changed = [await receivers.open() for _ in range(3)]
    async with (
        centre_at(broker) as centre,
        gateway_of(broker, tmp_path / "g", catalogue, receiver("own", own)) as gateway,
    ):
        await until(lambda: receivers.writers[own] and centre.session)
        await centre.push(Configuration(1, [pushed("new", new), pushed("own", new), pushed("odd", 0)]))
        await until(lambda: receivers.writers[new])
        receivers.say(new)
        receivers.say(own)
        await until(lambda: {reading.device for reading in centre.readings} == {"own", "new"})
        await until(lambda: centre.statuses[-1].configuration == 1)
        refused = [one for one in centre.statuses[-1].devices if one.state == "refused"]
        assert [(one.id, one.declared) for one in refused] == [("own", "api"), ("odd", "api")]
        assert "own file has a device own already" in refused[0].detail

        await centre.push(Configuration(2, [pushed("new", changed)]))
        await until(lambda: receivers.writers[changed])
        assert device(gateway, "new").readings == 0
        assert device(gateway, "own").readings == 1
        assert len(receivers.writers[own]) == 1

        await centre.push(Configuration(3, []))
        await until(lambda: [one.id for one in gateway.status().devices] == ["own"])
        receivers.say(own)
        await until(lambda: device(gateway, "own").readings == 2)
        assert len(receivers.writers[own]) == 1


async def test_an_older_or_unreadable_configuration_changes_nothing_and_version_nought_begins_again(
    tmp_path: Path, broker: BrokerAddress, catalogue: Catalogue
) -> None:
    async with centre_at(broker) as centre, gateway_of(broker, tmp_path / "g", catalogue) as gateway:
        await until(online(centre))
        await centre.push(Configuration(5, [pushed("five", 1)]))
        await until(lambda: gateway.status().configuration == 5)
        await centre.push(Configuration(4, [pushed("four", 1)]))
        await centre.push(b"")
        await centre.push(b'{"version": 6}')
        await centre.push(b"\xff\x00")
        await centre.push(Configuration(7, [pushed("five", 1), pushed("seven", 1)]))
        await until(lambda: gateway.status().configuration == 7)
        assert [one.id for one in gateway.status().devices] == ["five", "seven"]
        await centre.push(Configuration(0, []))
        await until(lambda: gateway.status().devices == [])
        await centre.push(Configuration(1, [pushed("one", 1)]))
        await until(lambda: [one.id for one in gateway.status().devices] == ["one"])


async def test_a_gateway_starts_with_its_last_configuration_without_the_broker(
    tmp_path: Path, catalogue: Catalogue, receivers: Receivers
) -> None:
    port = await receivers.open()
    async with (
        broker_named("embedded", tmp_path) as broker,
        centre_at(broker) as centre,
        gateway_of(broker, tmp_path / "g", catalogue),
    ):
        await until(online(centre))
        await centre.push(Configuration(3, [pushed("new", port)]))
        await until(lambda: receivers.writers[port])
    nowhere = BrokerAddress("127.0.0.1", free_port())
    async with gateway_of(nowhere, tmp_path / "g", catalogue) as gateway:
        assert gateway.status().configuration == 3
        await until(lambda: len(receivers.writers[port]) == 2)
        receivers.say(port)
        await until(lambda: gateway.status().accepted == 1)


async def test_a_backlog_stays_when_the_configuration_changes_and_its_device_goes(
    tmp_path: Path, broker: BrokerAddress, catalogue: Catalogue, receivers: Receivers
) -> None:
    port = await receivers.open()
    async with centre_at(broker) as centre, gateway_of(broker, tmp_path / "g", catalogue) as gateway:
        await until(online(centre))
        centre.deaf = True
        await centre.push(Configuration(1, [pushed("gone", port)]))
        await until(lambda: receivers.writers[port])
        for _ in range(20):
            receivers.say(port)
        await until(lambda: gateway.status().accepted == 20)
        await centre.push(Configuration(2, []))
        await until(lambda: gateway.status().configuration == 2)
        assert gateway.status().backlog > 0
        centre.deaf = False
        await until(lambda: len(centre.readings) == 20)
        await until(lambda: gateway.status().backlog == 0)


async def test_a_stop_keeps_what_was_read_and_a_start_sends_it(
    tmp_path: Path, catalogue: Catalogue, receivers: Receivers
) -> None:
    port = await receivers.open()
    nowhere = BrokerAddress("127.0.0.1", free_port())
    async with gateway_of(nowhere, tmp_path / "g", catalogue, receiver("ais", port)) as gateway:
        await until(lambda: receivers.writers[port])
        for _ in range(50):
            receivers.say(port)
        await until(lambda: device(gateway, "ais").readings == 50)
    async with working(tmp_path / "g") as outbox:
        assert sum(row.readings for row in await everything(outbox)) == 50
    async with (
        broker_named("embedded", tmp_path) as broker,
        centre_at(broker) as centre,
        gateway_of(broker, tmp_path / "g", catalogue),
    ):
        await until(lambda: len(centre.readings) == 50)


async def test_a_stop_goes_on_sending_for_a_moment_and_no_longer(
    tmp_path: Path, broker: BrokerAddress, catalogue: Catalogue, receivers: Receivers
) -> None:
    port = await receivers.open()
    async with centre_at(broker) as centre:
        async with gateway_of(broker, tmp_path / "g", catalogue, receiver("ais", port)) as gateway:
            await until(online(centre))
            await until(lambda: receivers.writers[port])
            for _ in range(200):
                receivers.say(port)
            await until(lambda: device(gateway, "ais").readings == 200)
        await until(lambda: not centre.statuses[-1].online)
        assert len(centre.readings) == 200
        assert centre.statuses[-1].backlog == 0


async def test_a_second_gateway_in_the_same_folder_is_refused(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.delivery.outbox_file.OPEN_TIME", 0.1)
    other = OutboxFile(tmp_path / "outbox.db")
    nowhere = BrokerAddress("127.0.0.1", free_port())
    gateway = Gateway(GatewaySettings("quay", "Dinh Vu", (), tmp_path, nowhere), catalogue)
    with pytest.raises(ConfigurationError, match="another process uses this gateway's folder"):
        await gateway.run()
    other.close()


async def test_a_backlog_of_thousands_of_batches_arrives_whole(
    tmp_path: Path, broker: BrokerAddress, catalogue: Catalogue
) -> None:
    file = OutboxFile(tmp_path / "outbox.db")
    file.commit([numbered_pack(number) for number in range(2_000)], 0)
    file.close()
    async with centre_at(broker) as centre, gateway_of(broker, tmp_path, catalogue) as gateway:
        await until(lambda: gateway.status().backlog == 0)
        assert centre.numbers == list(range(2_000))
