"""Sparkplug with a peer that is not ours, on Mosquitto: npm's sparkplug-payload and sparkplug-client."""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from broker import topics
from broker.commands import encode_command
from broker.session import BrokerAddress
from drivers.catalogue import load_catalogue
from drivers.sparkplug.payload import SparkplugPayload, decode_payload, encode_payload
from drivers.sparkplug.values import Datatype, metric_of, value_of
from gateways import clock
from gateways.daemon import Gateway, GatewaySettings
from telemetry import Command, Device, Quality, Value
from tests.gateways.centre import Centre, centre_at
from tests.servers import mosquitto, need
from tests.waiting import until

PEER = Path(__file__).with_name("sparkplug_peer.cjs")
PACKAGES = ("sparkplug-client@3.2.4", "sparkplug-payload@1.0.3")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The peer's packages, in a folder of their own."""
    need("node", "nodejs")
    npm, folder = need("npm", "npm"), tmp_path_factory.mktemp("npm")
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefix", str(folder)]
    try:
        done = subprocess.run(
            [npm, "install", *options, *PACKAGES], capture_output=True, timeout=100, check=False
        )
        wrong = done.stderr.decode()[-500:] if done.returncode else ""
    except subprocess.TimeoutExpired:
        wrong = "npm install took too long"
    if wrong and os.environ.get("CI"):
        pytest.fail(wrong)
    if wrong:
        pytest.skip(f"the peer's packages cannot be had: {wrong}")
    return folder / "node_modules"


def peer(modules: Path, *arguments: str) -> str:
    """What the peer prints."""
    command = [need("node", "nodejs"), str(PEER), *arguments]
    done = subprocess.run(
        command, env=os.environ | {"NODE_PATH": str(modules)}, capture_output=True, timeout=60, check=True
    )
    return done.stdout.decode()


def test_what_the_peer_encodes_is_understood(modules: Path) -> None:
    payload = decode_payload(bytes.fromhex(peer(modules, "encode").strip()))
    told = {metric.name: value_of(metric, metric.datatype or 0) for metric in payload.metrics}
    assert payload.seq == 7
    assert told == {
        "a/Int8": -5,
        "a/Int16": -500,
        "a/Int32": -70000,
        "a/Int64": -5000000000,
        "a/UInt8": 250,
        "a/UInt16": 65000,
        "a/UInt32": 4000000000,
        "a/UInt64": 5000000000,
        "a/Float": 20.1,
        "a/Double": 20.1,
        "a/Boolean": True,
        "a/String": "cảng",
        "a/DateTime": "2026-11-22T01:02:00.62Z",
        "a/Text": "đêm",
        "a/UUID": "6f1c2a",
    }


def test_what_we_encode_is_understood_by_the_peer(modules: Path) -> None:
    """UInt32 is left out: the peer looks for it in the field of 64 bits only."""
    values: list[tuple[Datatype, Value, str]] = [
        (Datatype.INT8, -5, "Int8|-5"),
        (Datatype.INT32, -70000, "Int32|-70000"),
        (Datatype.INT64, -5000000000, "Int64|-5000000000"),
        (Datatype.UINT64, 5000000000, "UInt64|5000000000"),
        (Datatype.DOUBLE, 20.1, "Double|20.1"),
        (Datatype.BOOLEAN, True, "Boolean|true"),
        (Datatype.STRING, "cảng", "String|cảng"),
        (Datatype.DATETIME, 1795309320620, "DateTime|"),
    ]
    metrics = [metric_of(f"m{n}", kind, value, 1795309320620) for n, (kind, value, _) in enumerate(values)]
    first, *told = peer(
        modules, "decode", encode_payload(SparkplugPayload(metrics, 1795309320620, 9)).hex()
    ).splitlines()
    assert first == "seq 9"
    assert [
        line.startswith(f"m{n}|{said}")
        for n, (line, (_, _, said)) in enumerate(zip(told, values, strict=True))
    ] == [True] * len(values)


def device(name: str, port: int, **settings: object) -> Device:
    link = f"mqtt://127.0.0.1:{port}/spBv1.0/port/+/peer/#"
    wanted = {"node": "peer", "rebirth": "1s", "reorder": "300ms"} | settings
    return Device(id=name, profile="sparkplug-node", link=link, settings=wanted)


@asynccontextmanager
async def gateway_at(port: int, folder: Path) -> AsyncGenerator[Centre]:
    """A gateway that reads the peer as a node and as a device behind it, and a centre."""
    broker = BrokerAddress("127.0.0.1", port)
    devices = (device("node", port), device("pump", port, device="pump"))
    gateway = Gateway(GatewaySettings("quay", "Dinh Vu", devices, folder, broker), load_catalogue())
    async with centre_at(broker) as centre:
        running = asyncio.create_task(gateway.run())
        try:
            await until(lambda: running.done() or gateway.status().devices)
            yield centre
        finally:
            running.cancel()
            await asyncio.wait({running})


@asynccontextmanager
async def edge_node(modules: Path, port: int) -> AsyncGenerator[asyncio.subprocess.Process]:
    """The peer as an edge node."""
    process = await asyncio.create_subprocess_exec(
        need("node", "nodejs"),
        str(PEER),
        "run",
        f"tcp://127.0.0.1:{port}",
        env=os.environ | {"NODE_PATH": str(modules)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert (await process.stdout.readline()).strip() == b"born"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def tell(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()


def in_a_minute() -> int:
    return clock.now().utc + 60 * 10**9


def has(centre: Centre, name: str, values: dict[str, Value], quality: Quality = Quality.GOOD) -> bool:
    """Whether the centre got such a reading of this device."""
    return any(
        one.device == name and dict(one.values) == values and one.quality is quality
        for one in centre.readings
    )


async def test_an_edge_node_that_is_not_ours_is_born_reports_is_told_and_dies(
    modules: Path, tmp_path: Path
) -> None:
    with mosquitto(tmp_path / "mosquitto") as port:
        async with (
            edge_node(modules, port) as process,
            gateway_at(port, tmp_path / "gateway") as centre,
        ):

            async def until_seen(value: int) -> None:
                """Says a level until the gateway has asked for births and heard it."""
                seen = False
                async with asyncio.timeout(40):
                    while not seen:
                        await tell(process, f"data {value}")
                        with suppress(TimeoutError):
                            await until(lambda: has(centre, "node", {"level": value}), 0.5)
                            seen = True

            await until_seen(421)
            assert has(centre, "pump", {"run": True})
            await tell(process, "gap")
            await tell(process, "data 430")
            await until(lambda: has(centre, "node", {"level": 430}))
            assert centre.session is not None
            run = Command("c1", "pump", "write_metric", {"metric": "Run", "value": "false"}, in_a_minute())
            await centre.session.publish(topics.commands("quay"), encode_command(run, clock.now().utc))
            await until(lambda: has(centre, "pump", {"run": False}))
            process.kill()
            await until(lambda: has(centre, "node", {"online": False}))
            await until(lambda: has(centre, "node", {"level": 430}, Quality.BAD))
            await until(lambda: has(centre, "pump", {"online": False}))
