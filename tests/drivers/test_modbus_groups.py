"""What a Modbus profile can say beside plain registers: poll groups, scales from registers, flags, formulas,
fixed points and six-digit addresses."""

from itertools import pairwise
from typing import Any

import pytest

from drivers.catalogue import parse_profile
from drivers.modbus.plan import Plan, Tables
from drivers.modbus.steps import Scale
from telemetry import Device, ProfileError, Quality, Value
from tests.drivers.modbus_wire import LINKS, SERIAL, Wire, driver, profile, silent, unit

FAST_AND_SLOW: dict[str, dict[str, Any]] = {
    "power": {"address": 1},
    "energy": {"address": 100, "group": "slow"},
    "serial": {"address": 200, "group": "slow"},
}


def read(metrics: dict[str, dict[str, Any]], registers: dict[int, int], **words: Any) -> dict[str, Any]:
    """The values of one poll of a device with these holding registers, and nothing in the others."""
    what = profile(metrics, **words)
    tables: Tables = {"holding": {address: registers.get(address, 0) for address in range(300)}}
    served = unit(what)
    served.tables = tables
    wire = Wire(served, driver(what))
    wire.run(1.0)
    (reading,) = wire.readings
    assert reading.quality is Quality.GOOD
    return dict(reading.values)


# --- Groups


@LINKS
def test_each_group_has_a_period_and_readings_of_its_own(link: str) -> None:
    what = profile(FAST_AND_SLOW, groups={"slow": "5s"})
    served = unit(what, link == SERIAL, power=7, energy=8, serial=9)
    poller = driver(what, link)
    wire = Wire(served, poller)
    wire.run(20.0)
    fast = [r for r in wire.readings if dict(r.values) == {"power": 7}]
    slow = [r for r in wire.readings if dict(r.values) == {"energy": 8, "serial": 9}]
    assert (len(fast), len(slow)) == (20, 4)
    assert len(wire.readings) == 24
    assert poller.missed == 0
    assert len({reading.observed_at for reading in wire.readings}) == 24


def test_a_long_slow_group_does_not_make_the_fast_one_miss_a_poll() -> None:
    slow: dict[str, dict[str, Any]] = {f"s{n}": {"address": 10 * n, "group": "slow"} for n in range(2, 22)}
    what = profile({"fast": {"address": 1}, **slow}, groups={"slow": "10s"})
    told: dict[str, Any] = dict.fromkeys(slow, 2)
    served = unit(what, fast=1, **told)
    poller = driver(what, every=0.25)
    wire = Wire(lambda data: [(0.1, served.answer(data))], poller)
    wire.run(34.0)
    times = [when for when, event in wire.events if getattr(event, "values", {}).get("fast")]
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.25 + 0.11
    assert sum("s2" in reading.values for reading in wire.readings) == 3
    assert poller.missed == 0


def test_a_silent_device_is_asked_one_question_for_all_its_groups_and_all_resume() -> None:
    what = profile(FAST_AND_SLOW, groups={"slow": "5s"}, timeout=0.1)
    served = unit(what, power=7, energy=8, serial=9)
    alive = False
    wire = Wire(lambda data: served(data) if alive else silent(data), driver(what))
    wire.run(100.0)
    assert len(wire.sent) < 14
    alive = True
    wire.run(140.0)
    assert sum("energy" in reading.values for reading in wire.readings) >= 2


def test_a_group_nobody_named_is_told() -> None:
    with pytest.raises(ProfileError, match=r"metric energy: no group 'slow' .* there are quick"):
        Plan(profile(FAST_AND_SLOW, groups={"quick": "1s"}))


def test_a_model_whose_metrics_all_have_groups_needs_no_period() -> None:
    what = profile({"a": {"address": 1, "group": "g"}}, groups={"g": 2}).model_copy(update={"every": None})
    wire = Wire(unit(what, a=3), driver(what))
    wire.run(10.0)
    assert len(wire.readings) == 5


def test_a_device_s_own_settings_go_before_the_model_s() -> None:
    what = profile(FAST_AND_SLOW, groups={"slow": "5s"})
    changed = what.model_copy(update={"settings": what.settings | {"groups": {"slow": "10s"}}})
    wire = Wire(unit(changed, power=7, energy=8, serial=9), driver(changed))
    wire.run(20.0)
    assert sum("energy" in reading.values for reading in wire.readings) == 2


# --- Values


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(0, 2301), (0xFFFF, 230.1), (0xFFFE, 23.01), (2, 230100), (0x8000, None), (100, None)],
)
def test_a_scale_register_is_a_power_of_ten(scale: int, expected: float | None) -> None:
    metrics: dict[str, dict[str, Any]] = {
        "volts": {"address": 10, "type": "int16", "scale_from": {"address": 20}},
        "one": {"address": 0},
    }
    values = read(metrics, {10: 2301, 20: scale, 0: 1})
    assert values.pop("one") == 1
    assert values == ({} if expected is None else {"volts": expected})


@pytest.mark.parametrize("power_of_ten", [True, False])
def test_a_scaled_number_past_all_numbers_is_no_value(power_of_ten: bool) -> None:
    values: dict[str, Value] = {"v": 1e308, "scale": 1e10 if not power_of_ten else 10}
    Scale("scale", "", power_of_ten, ("v",)).apply(values)
    assert values == {}


def test_a_scale_register_may_be_a_multiplier_and_serve_several() -> None:
    scale = {"address": 20, "type": "uint16", "kind": "multiplier"}
    metrics: dict[str, dict[str, Any]] = {
        name: {"address": at, "scale_from": scale} for name, at in (("a", 10), ("b", 11))
    }
    assert read(metrics, {10: 3, 11: 4, 20: 80}) == {"a": 240, "b": 320}


def test_what_scales_a_value_is_read_in_the_same_poll_and_what_it_scales_has_none_without_it() -> None:
    what = profile(
        {"volts": {"address": 10, "scale_from": {"address": 500}}, "amps": {"address": 11}}, max_gap=0
    )
    served = unit(what, amps=5, volts=230.12)
    poller = driver(what)
    wire = Wire(served, poller)
    wire.run(1.0)
    assert wire.readings[0].values == {"amps": 5, "volts": 230.12}
    del served.tables["holding"][500]
    wire.run(2.0)
    assert wire.readings[1].values == {"amps": 5}
    assert wire.readings[1].quality is Quality.UNCERTAIN


def test_a_binary_point_divides_by_a_power_of_two() -> None:
    metrics: dict[str, dict[str, Any]] = {
        "a": {"address": 1, "type": "int16", "binary_point": 8},
        "b": {"address": 2, "binary_point": 3, "offset": -10},
    }
    assert read(metrics, {1: 0xFF80, 2: 100}) == {"a": -0.5, "b": 2.5}


STATUS = """
id: housing
title: {en: Housing, vi: Vỏ}
driver: modbus
kind: housing
every: 1s
metrics:
  - name: status
    title: {en: Status, vi: Trạng thái}
    read: {address: 5, flags: {0: door_open, 3: {name: fan_failed, title: {en: Fan failed, vi: Quạt hỏng}}}}
"""


def test_flags_of_a_status_word_are_metrics_of_their_own() -> None:
    model = parse_profile(STATUS, "housing.yaml")
    assert [metric.name for metric in model.metrics] == ["status_door_open", "status_fan_failed"]
    assert [metric.title.vi for metric in model.metrics] == ["Trạng thái: door open", "Quạt hỏng"]
    served = unit(model)
    served.tables = {"holding": {5: 0b1000}}
    wire = Wire(served, driver(model))
    wire.run(1.0)
    assert wire.readings[0].values == {"status_door_open": False, "status_fan_failed": True}


@pytest.mark.parametrize("flags", ["door_open", {"x": "a"}, {16: "past"}, {0: "Door"}, {0: {"title": 1}}])
def test_flags_that_name_no_bits_are_told(flags: object) -> None:
    text = STATUS.replace(STATUS[STATUS.index("flags: ") + 7 : STATUS.rindex("}")], f"{flags!r}")
    with pytest.raises(ProfileError):
        Plan(parse_profile(text, "housing.yaml"))


def test_computed_metrics_come_of_others_of_the_same_poll() -> None:
    metrics: dict[str, dict[str, Any]] = {
        "l1": {"address": 1},
        "l2": {"address": 2, "scale": 0.1},
        "sum": {"compute": "l1 + l2"},
        "share": {"compute": "100 * l1 / sum"},
    }
    assert read(metrics, {1: 3, 2: 10}) == {"l1": 3, "l2": 1.0, "sum": 4.0, "share": 75.0}
    assert read(metrics, {}) == {"l1": 0, "l2": 0.0, "sum": 0.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"compute": "a +"}, "is not a formula"),
        ({"compute": "a + nothing"}, "no metric nothing above it in the profile; there are a, b"),
        ({"compute": "a + b"}, "of several groups"),
        ({"compute": "a + a", "group": "slow"}, "of several groups"),
        ({"compute": "a", "address": 3}, "write compute and group only"),
        ({"compute": "c + a"}, "no metric c above it"),
        ({"address": 3, "type": "float32", "binary_point": 4}, "binary_point needs an integer type"),
        ({"address": 3, "bit": 2, "scale_from": {"address": 4}}, "give no number to scale"),
        ({"address": 3, "scale_from": {"address": 70000}}, "metric c: scale_from: address 70000"),
        ({"table": "coil", "address": 3, "scale": 2}, "is true or false"),
    ],
)
def test_a_metric_that_cannot_be_made_says_where_and_what_to_write(
    words: dict[str, Any], message: str
) -> None:
    metrics: dict[str, dict[str, Any]] = {
        "a": {"address": 1},
        "b": {"address": 2, "group": "slow"},
        "c": words,
    }
    with pytest.raises(ProfileError, match="profile test: metric c") as caught:
        Plan(profile(metrics, groups={"slow": 60}))
    assert message in str(caught.value)


def test_references_have_five_or_six_digits() -> None:
    metrics: dict[str, dict[str, Any]] = {
        "a": {"address": 40001},
        "b": {"address": 410001},
        "c": {"table": "input", "address": 300002},
        "d": {"table": "discrete", "address": 100003},
    }
    reads = Plan(profile(metrics, addressing="reference")).reads
    assert [(read.request.function, read.request.address) for read in reads] == [
        (2, 2),
        (3, 0),
        (3, 10000),
        (4, 1),
    ]


def test_a_pause_in_the_settings_is_written_with_its_unit() -> None:
    settings = Plan(profile({"a": {"address": 1}}, delay="50ms", gap="2ms", timeout="300ms")).settings
    assert (settings.delay, settings.gap, settings.timeout) == (0.05, 0.002, 0.3)
    device = Device(id="a", profile="p", link=SERIAL)
    assert device.settings == {}
