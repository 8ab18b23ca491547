"""The whole simulated port: devices for a gateway's own drivers, the sensor through a real broker."""

import asyncio
import json
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from broker.embedded import embedded_broker
from broker.session import connect
from drivers.catalogue import load_catalogue
from firmware_sim import yard_sensor
from firmware_sim.clock import WorldClock
from firmware_sim.port import SimulatedPort, as_toml
from firmware_sim.wires.connections import alongside
from firmware_sim.world import World
from telemetry import ConfigurationError, Device, Instant, LinkError, Reading
from tests.firmware_sim.worlds import NOON
from tests.waiting import until


async def test_the_yard_sensor_speaks_through_a_real_broker_and_its_profile_reads_it() -> None:
    catalogue = load_catalogue()
    async with embedded_broker() as broker, connect(broker, "test") as session:
        await session.subscribe(yard_sensor.TOPIC)
        async with SimulatedPort(1, broker, start=NOON) as port, asyncio.timeout(20):
            device = port.devices[-1]
            message = await anext(session.messages())
    assert device == Device(
        id="yard-sensor", profile="mqtt-json-weather", link=f"mqtt:{message.topic}", name=device.name
    )
    (reading,) = catalogue.open_driver(device).receive(message.payload, Instant(1, 0), message.topic)
    assert isinstance(reading, Reading)
    air = World(1).weather(NOON)
    assert reading.values["air_temperature"] == pytest.approx(air.temperature, abs=1)
    assert reading.values["air_pressure"] == pytest.approx(air.pressure, abs=0.2)
    assert "time" not in json.loads(message.payload)


async def test_a_sensor_in_real_time_says_its_own_time() -> None:
    said = yard_sensor.payload(World(1), NOON, timed=True)
    assert said["time"] == "2026-11-22T04:00:00Z"
    assert WorldClock().real
    assert not WorldClock(speed=2).real


async def test_the_port_has_its_devices_ready_for_a_gateway() -> None:
    async with SimulatedPort() as port:
        ids = [device.id for device in port.devices]
        catalogue = load_catalogue()
        for device in port.devices:
            assert catalogue.open_driver(device) is not None
    assert ids == ["ais-dinh-vu", "weather-mast", "quay-power", "level-radar", "berth-camera"]


async def test_the_toml_to_copy_says_the_same_devices() -> None:
    async with SimulatedPort() as port:
        text = f'[[gateway]]\nid = "dinh-vu"\n\n{as_toml(port.devices)}'
        said = tomllib.loads(text)["gateway"][0]["device"]
        assert tuple(Device.model_validate(one) for one in said) == port.devices


async def test_nothing_is_left_when_the_port_is_closed() -> None:
    async with SimulatedPort() as port:
        wires = [urlsplit(d.link).path for d in port.devices if d.link.startswith("serial:")]
        assert [exists(wire) for wire in wires] == [True, True]
        files_while_open = open_files()
    assert [exists(wire) for wire in wires] == [False, False]
    await until(lambda: open_files() < files_while_open)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def exists(path: str) -> bool:
    return Path(path).is_symlink()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_an_error_of_the_block_comes_out_as_itself() -> None:
    with pytest.raises(ConfigurationError, match="of the block"):
        async with SimulatedPort():
            raise ConfigurationError("of the block")


async def test_a_device_that_fails_ends_the_block() -> None:
    async def fail() -> None:
        raise LinkError("the device")

    with pytest.raises(LinkError, match="the device"):
        async with alongside(fail()):
            await asyncio.Event().wait()


def test_a_world_stands_still_or_backwards_for_nobody() -> None:
    with pytest.raises(ConfigurationError, match="speed"):
        SimulatedPort(speed=0)


def test_the_module_runs_by_itself_prints_its_configuration_and_ends_on_a_signal() -> None:
    command = [sys.executable, "-m", "firmware_sim", "--ais-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines: list[bytes] = []
        while len([line for line in lines if line == b"[[gateway.device]]\n"]) < 5:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == b""
    assert (
        len(tomllib.loads(b"".join([*lines, rest]).decode().replace("gateway.device", "device"))["device"])
        == 5
    )


def test_a_broker_that_is_no_url_is_refused_with_a_sentence() -> None:
    command = [sys.executable, "-m", "firmware_sim", "--broker", "127.0.0.1"]
    ended = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert b"mqtt://" in ended.stderr
    assert b"Traceback" not in ended.stderr
