"""The live table of `haidang up`."""

import time
from io import StringIO

import pytest
from rich.console import Console

from api.current import Current, Heard
from broker.wire import DeviceStatus, GatewayStatus, LiveReading
from haidang.screen import picture
from telemetry.times import NANOSECONDS
from vessels.picture import Vessel


def drawn(current: Current, width: int = 160, height: int = 50) -> str:
    console = Console(width=width, height=height, file=StringIO())
    with console.capture() as capture:
        console.print(picture(current, "http://127.0.0.1:8080", 1234.0, height))
    return capture.get()


def busy_port(devices: int) -> Current:
    """A gateway with devices of which the last does not answer, and twenty ships."""
    now, current = time.time_ns(), Current()
    statuses = [
        DeviceStatus(f"meter-{n:02}", "eastron-sdm630", "tcp://x:2", "file", state="ok", readings=10**6 + n)
        for n in range(devices)
    ]
    statuses[-1] = DeviceStatus("mast", "nmea-weather", "tcp://x:1", "file", state="faulty")
    current.take_status("quay", Heard(GatewayStatus(online=True, backlog=1, devices=tuple(statuses)), now))
    values = {f"voltage_line_{n}": 230.123 for n in range(6)}
    current.take_readings([LiveReading("quay", "meter-00", "power", now, now, values)], now)
    ships = [
        Vessel(574001230 + n, now - n, name=f"SHIP {n}", lat=20.8, lon=106.8, sog=9.5) for n in range(20)
    ]
    current.take_vessels(ships, now)
    return current


def test_an_empty_platform_is_drawn_too() -> None:
    assert "0 ships" in drawn(Current())


def test_devices_values_ships_and_backlog_are_on_the_screen() -> None:
    now = time.time_ns()
    current = Current()
    devices = (
        DeviceStatus(
            "mast", "nmea-weather", "tcp://x:1", "file", state="ok", readings=7, last_reading_at=now
        ),
        DeviceStatus("meter", "eastron-sdm630", "tcp://x:2", "api", state="silent", last_fault="no answer"),
    )
    current.take_status("quay", Heard(GatewayStatus(online=True, backlog=3, devices=devices), now))
    current.take_readings([LiveReading("quay", "mast", "weather", now, now, {"wind_speed": 5.25})], now)
    current.take_vessels([Vessel(574001230, now, name="[bold]HẢI ĐĂNG", lat=20.8, lon=106.8, sog=9.5)], now)
    text = drawn(current)
    for expected in (
        "1,234 readings/s",
        "1 ship ",
        "backlog 3",
        "wind_speed 5.25",
        "silent",
        "no answer",
        "20.8000",
    ):
        assert expected in text
    assert "[bold]HẢI ĐĂNG" in text


def test_a_device_that_is_not_well_shows_why_in_place_of_its_old_values() -> None:
    now, current = time.time_ns(), Current()
    silent = DeviceStatus(
        "meter", "eastron-sdm630", "tcp://x:2", "api", state="silent", last_fault="no answer"
    )
    current.take_status("quay", Heard(GatewayStatus(online=True, devices=(silent,)), now))
    current.take_readings([LiveReading("quay", "meter", "power", now, now, {"frequency": 50.0})], now)
    text = drawn(current)
    assert "no answer" in text
    assert "frequency" not in text


def test_the_age_of_a_reading_does_not_wait_for_the_gateways_next_report() -> None:
    now, current = time.time_ns(), Current()
    told = DeviceStatus("meter", "x", "tcp://x:2", "file", state="ok", last_reading_at=now - 77 * NANOSECONDS)
    current.take_status("quay", Heard(GatewayStatus(online=True, devices=(told,)), now))
    current.take_readings([LiveReading("quay", "meter", "power", now, now, {"frequency": 50.0})], now)
    assert "77 s" not in drawn(current)


def test_a_port_without_ships_has_the_whole_screen_for_its_devices() -> None:
    current = Current()
    devices = tuple(DeviceStatus(f"meter-{n:02}", "x", "tcp://x:1", "file", state="ok") for n in range(18))
    current.take_status("quay", Heard(GatewayStatus(online=True, devices=devices), time.time_ns()))
    text = drawn(current, 80, 24)
    assert len(text.splitlines()) <= 24
    assert "mmsi" not in text
    assert "meter-17" in text


def test_a_gateway_that_vanished_is_shown_offline() -> None:
    current = Current()
    device = DeviceStatus("mast", "nmea-weather", "tcp://x:1", "file", state="ok")
    current.take_status("quay", Heard(GatewayStatus(online=True, devices=(device,)), 1))
    current.take_status("quay", Heard(GatewayStatus(online=False), 2))
    assert "offline" in drawn(current)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (160, 50)])
def test_devices_and_ships_are_both_on_a_terminal_of_any_usual_size(width: int, height: int) -> None:
    text = drawn(busy_port(5), width, height)
    assert len(text.splitlines()) <= height
    assert all(f"meter-{n:02}" in text for n in range(4))
    assert "SHIP 0" in text
    assert "backlog 1 batch" in text


def test_what_does_not_fit_is_counted_and_what_is_not_well_comes_first() -> None:
    text = drawn(busy_port(60), 80, 24)
    assert len(text.splitlines()) <= 24
    assert "mast" in text
    assert "51 more devices" in text
    assert "SHIP 4" in text


def test_a_tiny_terminal_is_drawn_too() -> None:
    assert "1,234 reading" in drawn(busy_port(5), 40, 8)
