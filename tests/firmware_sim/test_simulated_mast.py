"""The simulated weather mast: sentences of the standard, on a pty, no faster than 4800 baud."""

import asyncio
import os
import select
from io import FileIO
from pathlib import Path

import pytest

from drivers.catalogue import load_catalogue
from firmware_sim import weather_mast
from firmware_sim.clock import WorldClock
from firmware_sim.weather_mast import WeatherMast
from firmware_sim.wires import on_pty
from firmware_sim.world import World
from telemetry import Device, Instant, Reading
from tests.firmware_sim.echoing import Ticker
from tests.firmware_sim.worlds import NOON
from tests.waiting import until


def said(seconds: int) -> bytes:
    """What the mast says in so many seconds."""
    world = World(1)
    parts = [b"".join(weather_mast.said_in(world, s, NOON + s)) for s in range(seconds)]
    return b"".join(parts)


def test_what_the_mast_says_in_a_second_fits_its_line() -> None:
    for second in range(60):
        assert len(b"".join(weather_mast.said_in(World(1), second, NOON))) <= 480


def test_every_sentence_has_its_checksum_and_at_most_82_characters() -> None:
    for line in said(20).split(b"\r\n")[:-1]:
        assert len(line) + 2 <= 82
        body, _, told = line[1:].partition(b"*")
        sum_ = 0
        for byte in body:
            sum_ ^= byte
        assert int(told, 16) == sum_


def test_a_gateways_driver_reads_the_worlds_weather() -> None:
    catalogue = load_catalogue()
    device = Device(id="weather-mast", profile="nmea-weather", link="serial:///dev/null")
    driver = catalogue.open_driver(device)
    values: dict[str, object] = {}
    for event in driver.receive(said(1), Instant(int(NOON * 1e9), 0.0)):
        assert isinstance(event, Reading)
        values |= event.values
    air = World(1).weather(NOON)
    expected = {
        "wind_direction": air.wind_direction,
        "wind_speed": air.wind_speed,
        "wind_angle_relative": (air.wind_direction - weather_mast.ZERO) % 360,
        "air_temperature": air.temperature,
        "air_pressure": air.pressure,
        "humidity": air.humidity,
        "water_temperature": air.water_temperature,
    }
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, abs=0.11), name
    assert values["clock_offset"] == pytest.approx(0, abs=0.011)


async def test_the_mast_is_read_over_its_pty(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    mast = WeatherMast(World(1), WorldClock(NOON))
    async with on_pty(tmp_path / "mast", mast, baudrate=weather_mast.BAUDRATE) as wire:
        assert wire.url == f"serial://{tmp_path}/mast?baudrate=4800"
        far = os.open(wire.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        reader = asyncio.StreamReader()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(far, "rb", buffering=0)
        )
        async with asyncio.timeout(20):
            heard = [(await reader.readline())[3:6] for _ in range(7)]
        pipe.close()
    assert heard[:6] == [b"MWV", b"MWD", b"XDR", b"MTW", b"HDT", b"ZDA"]
    assert heard[6] == b"MWV"


async def test_a_line_nobody_read_holds_little_and_still_carries_what_comes_next(tmp_path: Path) -> None:
    speaker = Ticker(0.0, b"x" * 999 + b"\n")
    async with on_pty(tmp_path / "mast", speaker) as wire:
        await until(lambda: wire.counts["unheard"] >= 3)
        speaker.line, speaker.every = b"newest\r\n", 30.0
        said = wire.counts["said"]
        await until(lambda: wire.counts["said"] > said)
        with wire.path.open("rb", buffering=0) as far:
            old = read_all(far)
    assert old.endswith(b"newest\r\n")
    assert len(old) < said * 1000 / 2


def read_all(far: FileIO) -> bytes:
    """Everything that waits on the line."""
    found = b""
    while select.select([far], [], [], 0.2)[0]:
        found += far.read(65_536)
    return found


async def test_the_path_of_the_line_is_gone_after_its_block(tmp_path: Path) -> None:
    async with on_pty(tmp_path / "mast", Ticker(30)) as wire:
        assert wire.path.is_symlink()
    assert not wire.path.is_symlink()
