"""Simulated instruments that speak lines, frames or NMEA, heard by the drivers of their profiles."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.binary_frame.plan import Settings
from drivers.catalogue import load_catalogue, open_driver, parse_profile
from drivers.contract import Driver
from drivers.words import settings_of
from firmware_sim.frame_instrument import FrameInstrument, encode_frame
from firmware_sim.nmea_instrument import NmeaInstrument, degrees_and_minutes
from firmware_sim.simulated import SimulatedDevice
from firmware_sim.speaker import Speaker, Speech
from firmware_sim.wires import on_tcp
from telemetry import Device, Value
from tests.drivers.listening import faults, listener, listener_of, readings
from tests.drivers.modbus_wire import instant

CATALOGUE = load_catalogue()
AIR: Mapping[str, Value | None] = {"direction": 118, "speed": 5.25, "temperature": 28.4, "pressure": 1009.6}
FRAMES: Mapping[str, Mapping[str, Value | None]] = {
    "plantower-pms5003": {"pm1": 5, "pm2_5": 7, "pm10": 10},
    "plantower-pms7003": {"pm1": 0, "pm2_5": 999, "pm10": 65535},
    "nova-sds011": {"pm2_5": 12.4, "pm10": 30.1},
    "winsen-mh-z19": {"co2": 608},
    "benewake-tf-luna": {"distance": 1.23, "signal": 1000, "temperature": 40.0},
    "dfrobot-a02yyuw": {"distance": 1.953},
}
SPEECHES: Mapping[str, Speech] = {
    "vaisala-wxt520": Speech(
        "1R0,Dm={direction:03d}D,Sm={speed:.2f}M,Ta={temperature:.1f}C,Pa={pressure:.1f}H", to="1R0\r\n"
    ),
    "gill-windsonic": Speech("Q,{direction:03d},{speed:06.2f},M,00,", every=1.0, checksum="gill"),
    "young-85000": Speech("1 {speed:05.2f} {direction:03d} 00", to="M1!", checksum="xor", end="\r"),
    "nmea-weather": Speech("$WIMWD,{direction:.1f},T,,M,,N,{speed:.2f},M", every=1.0, checksum="nmea"),
}


def told(driver: Driver, device: SimulatedDevice, seconds: float = 30.0) -> Sequence[Mapping[str, Value]]:
    """What the driver makes of half a minute with the device, without a wire."""
    found: list[Mapping[str, Value]] = []
    driver.connected(instant(0.0))
    for tick in range(int(seconds * 10)):
        now = instant(tick / 10)
        said = list(device.wake(now)) if device.wake_at is not None and device.wake_at <= tick / 10 else []
        if driver.wake_at is not None and driver.wake_at <= tick / 10:
            assert faults(driver.wake(now)) == []
        for asked in driver.outgoing():
            said += device.receive(asked.payload, now)
        for frame in said:
            events = driver.receive(frame.payload, now)
            assert faults(events) == []
            found += [reading.values for reading in readings(events)]
    return found


@pytest.mark.parametrize("profile", sorted(FRAMES))
def test_a_simulated_frame_instrument_says_what_its_driver_reads(profile: str) -> None:
    device = FrameInstrument(CATALOGUE.profile(profile), lambda: FRAMES[profile])
    heard = told(listener(profile), device)
    assert len(heard) >= 2
    assert all(values == FRAMES[profile] for values in heard)


@pytest.mark.parametrize("profile", sorted(SPEECHES))
def test_a_simulated_line_instrument_says_what_its_driver_reads(profile: str) -> None:
    heard = told(listener(profile), Speaker([SPEECHES[profile]], lambda: AIR))
    assert len(heard) >= 5
    assert {("wind_direction", 118), ("wind_speed", 5.25)} <= set(heard[0].items())


def test_every_shipped_frame_profile_is_simulated_here() -> None:
    assert {one.id for one in CATALOGUE.profiles.values() if one.driver == "binary_frame"} == set(FRAMES)


PLACES: Mapping[str, Mapping[str, Value | None]] = {
    "nmea-gnss": {
        "latitude": 20.839,
        "longitude": -106.774,
        "altitude": 4.5,
        "fix_quality": "rtk",
        "fix": "3d",
        "satellites": 14.0,
        "hdop": 0.7,
        "latitude_error": 0.014,
        "longitude_error": 0.012,
        "altitude_error": 0.025,
        "correction_age": 1.0,
        "speed_over_ground": 0.1,
        "course_over_ground": 230.5,
        "clock_offset": -1.5,
    },
    "nmea-clock": {"clock_offset": 2.25},
    "nmea-depth": {"depth": 12.4, "depth_below_keel": 11.3, "water_temperature": 26.1},
    "nmea-heading": {
        "heading_true": 33.4,
        "heading_magnetic": 35.0,
        "rate_of_turn": -1.5,
        "roll": 1.2,
        "pitch": -0.4,
    },
    "nmea-tide": {"water_level": 2.415, "distance": 3.2, "pressure": 0.3412, "battery_voltage": 12.6},
    "nmea-weather": {
        "wind_direction": 118.0,
        "wind_speed": 5.2,
        "air_temperature": 28.4,
        "air_pressure": 1009.6,
        "humidity": 81.0,
        "water_temperature": 26.5,
    },
}


@pytest.mark.parametrize("profile", sorted(PLACES))
def test_a_simulated_nmea_instrument_says_what_its_driver_reads(profile: str) -> None:
    device = NmeaInstrument(CATALOGUE.profile(profile), lambda: PLACES[profile])
    assert device.receive(b"$", instant(0.0)) == ()
    heard: dict[str, Value] = {}
    for values in told(listener(profile), device, seconds=3):
        heard |= {
            name: value for name, value in values.items() if profile != "nmea-gnss" or name not in heard
        }
    assert {name: heard[name] for name in PLACES[profile]} == pytest.approx(PLACES[profile])


@pytest.mark.parametrize(
    ("degrees", "digits", "text"),
    [
        (20.839, 2, "2050.3400"),
        (-106.774, 3, "10646.4400"),
        (0.0, 2, "0000.0000"),
        (59.99999999, 2, "6000.0000"),
    ],
)
def test_a_position_is_written_in_degrees_and_minutes(degrees: float, digits: int, text: str) -> None:
    assert degrees_and_minutes(degrees, digits) == text


TANK = """driver: binary_frame
kind: tank
settings: {start: AA BB, length: {at: 2, add: 5}, checksum: {kind: crc16_modbus, at: -2, order: little}}
metrics:
- {name: level, title: {en: a, vi: a}, read: {at: 3, type: int16, scale: 0.1, nulls: [-32768]}}
- {name: pump, title: {en: a, vi: a}, read: {at: 5, type: uint8, bit: 7}}
- {name: mode, title: {en: a, vi: a}, read: {at: 5, type: uint8, mask: 0x0F, enum: {1: fill, 2: drain}}}
- {name: heat, title: {en: a, vi: a}, read: {at: 6, type: float32, order: little}}
"""


@given(
    st.integers(-32767, 32767) | st.none(),
    st.booleans(),
    st.sampled_from(["fill", "drain"]),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)
@settings(max_examples=100, deadline=None)
def test_every_value_survives_the_way_through_a_frame(
    level: int | None, pump: bool, mode: str, heat: float
) -> None:
    profile = parse_profile(f"id: tank\ntitle: {{en: a, vi: a}}\n{TANK}", "tank.yaml")
    said = {"level": None if level is None else level / 10, "pump": pump, "mode": mode, "heat": heat}
    frame = encode_frame(profile, settings_of(profile, Settings), said)
    (reading,) = readings(listener_of(TANK).receive(frame, instant(0.0)))
    assert reading.values == {name: value for name, value in said.items() if value is not None}


async def test_an_instrument_is_asked_and_answers_on_a_real_wire() -> None:
    profile = CATALOGUE.profile("winsen-mh-z19")
    async with on_tcp(FrameInstrument(profile, lambda: FRAMES[profile.id])) as wire, asyncio.timeout(20):
        host, _, port = wire.url.removeprefix("tcp://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        driver = open_driver(Device(id="dut", profile=profile.id, link=wire.url), profile)
        driver.connected(instant(0.0))
        assert driver.wake_at is not None
        driver.wake(instant(driver.wake_at))
        writer.writelines(one.payload for one in driver.outgoing())
        heard = readings(driver.receive(await reader.readexactly(9), instant(11.0)))
        writer.close()
    assert [reading.values for reading in heard] == [{"co2": 608}]
