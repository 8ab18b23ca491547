"""How things stand now: newest values, ships and gateways, each bounded."""

import json

import pytest

from api.current import Current, Heard, Item, Topic
from broker.wire import LiveReading
from telemetry import Value, format_utc
from telemetry.times import NANOSECONDS
from tests.api.running import NOW, meter_status, reading, ship, status

SECOND = NANOSECONDS


def values(current: Current, device: str = "meter") -> dict[str, Value]:
    """The newest values of a device."""
    latest = current.latest(device)
    assert latest is not None
    return dict(latest.values)


def test_an_older_reading_fills_in_what_is_missing_and_changes_nothing_else() -> None:
    current = Current()
    current.take_readings([reading("meter", 0, power=2.0)], NOW)
    items = current.take_readings([reading("meter", -SECOND, power=1.0, voltage_l1=230.0)], NOW)
    assert values(current) == {"power": 2.0, "voltage_l1": 230.0}
    shown = json.loads(items[0].json)
    assert shown["observed_at"] == format_utc(NOW)
    assert shown["earlier"] == {"voltage_l1": format_utc(NOW - SECOND)}
    assert current.take_readings([reading("meter", -2 * SECOND, power=0.0)], NOW) == []


def test_a_clock_that_ran_ahead_does_not_hold_back_what_follows() -> None:
    current = Current()
    current.take_readings([reading("meter", 3600 * SECOND, power=9.0)], NOW)
    current.take_readings([reading("meter", SECOND, power=1.0)], NOW + SECOND)
    assert values(current) == {"power": 1.0}
    latest = current.latest("meter")
    assert latest is not None
    assert latest.observed_at == format_utc(NOW + SECOND)


def test_devices_and_ships_are_bounded_and_the_least_recent_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.current.MOST_DEVICES", 3)
    monkeypatch.setattr("api.current.MOST_SHIPS", 3)
    current = Current()
    for number, device in enumerate(["a", "b", "c", "a", "d"]):
        current.take_readings([reading(device, number)], NOW)
    assert [item.key for item in current.snapshot(Topic.READINGS)] == ["c", "a", "d"]
    current.take_vessels([ship(mmsi) for mmsi in (1, 2, 3, 1, 4)], NOW)
    assert list(current.ships) == [3, 1, 4]


def test_ships_are_forgotten_after_a_day_whatever_order_they_came_in() -> None:
    current = Current()
    ages = {1: 0, 2: 23, 3: 1, 4: 12}
    current.take_vessels([ship(mmsi, last_seen=NOW - age * 3600 * SECOND) for mmsi, age in ages.items()], NOW)
    later = NOW + 12 * 3600 * SECOND + 1
    assert [item.key for item in current.take_vessels([ship(5, last_seen=later)], later)] == [5]
    assert set(current.ships) == {1, 3, 5}


def test_a_will_keeps_the_devices_that_the_gateway_named() -> None:
    current = Current()
    current.take_status("quay", Heard(status(meter_status("meter")), NOW))
    gone = current.take_status("quay", Heard(status(online=False), NOW))
    assert [device.id for device in gone.status.devices] == ["meter"]
    assert not gone.status.online
    back = current.take_status("quay", Heard(status(), NOW))
    assert back.status.devices == ()


def test_what_did_not_change_is_not_told_again() -> None:
    current = Current()
    items = [Item(Topic.INCIDENTS, 1, b"{}"), Item(Topic.INCIDENTS, 2, b"{}")]
    assert current.show(items) == items
    changed = Item(Topic.INCIDENTS, 2, b'{"state":"cleared"}')
    assert current.show([items[0], changed]) == [changed]
    current.forget(Topic.INCIDENTS, 1)
    assert current.snapshot(Topic.INCIDENTS) == [changed]


def test_the_newest_of_many_readings_is_the_same_in_any_order() -> None:
    readings: list[LiveReading] = [reading("meter", n * SECOND, power=float(n)) for n in range(-5, 0)]
    for order in (readings, readings[::-1], readings[2:] + readings[:2]):
        current = Current()
        current.take_readings(order, NOW)
        assert values(current) == {"power": -1.0}
