"""The live table of `haidang up`."""

import time
from io import StringIO

from rich.console import Console

from api.current import Current, Heard
from broker.wire import DeviceStatus, GatewayStatus, LiveReading
from haidang.screen import picture
from vessels.picture import Vessel


def drawn(current: Current) -> str:
    console = Console(width=160, file=StringIO())
    with console.capture() as capture:
        console.print(picture(current, "http://127.0.0.1:8080", 1234.0))
    return capture.get()


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
        "1 ships",
        "backlog 3",
        "wind_speed 5.25",
        "silent",
        "no answer",
        "20.8000",
    ):
        assert expected in text
    assert "[bold]HẢI ĐĂNG" in text


def test_a_gateway_that_vanished_is_shown_offline() -> None:
    current = Current()
    device = DeviceStatus("mast", "nmea-weather", "tcp://x:1", "file", state="ok")
    current.take_status("quay", Heard(GatewayStatus(online=True, devices=(device,)), 1))
    current.take_status("quay", Heard(GatewayStatus(online=False), 2))
    assert "offline" in drawn(current)
