"""Devices that announce themselves by Home Assistant's MQTT discovery."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_catalogue
from drivers.contract import RETAINED, Driver, Event, Outgoing
from drivers.home_assistant.config import UNITS
from drivers.home_assistant.driver import MOST_ENTITIES
from drivers.home_assistant.templates import TemplateError, parse_template
from drivers.metric_names import metric_name
from drivers.mqtt_json.payloads import PayloadError
from telemetry import Command, Device, Quality, Reply
from telemetry.words import check_name
from tests.drivers.listening import NOW, readings, reasons, values

CATALOGUE = load_catalogue()


def host(node: str = "mast", **settings_: str) -> Driver:
    return CATALOGUE.open_driver(
        Device(
            id="dut", profile="home-assistant-discovery", link="mqtt:#", settings={"node": node} | settings_
        )
    )


def hear(driver: Driver, topic: str, said: object) -> list[Event]:
    chunk = said if isinstance(said, bytes) else json.dumps(said).encode()
    return list(driver.receive(chunk, NOW, topic))


def announce(driver: Driver, object_id: str, component: str = "sensor", **config: Any) -> list[Event]:
    return hear(driver, f"homeassistant/{component}/mast/{object_id}/config", {"state_topic": "s"} | config)


def read(said: object, **config: Any) -> object:
    driver = host()
    assert reasons(announce(driver, "v", **config)) == {}
    return values(hear(driver, "s", said)).get("v")


@pytest.mark.parametrize(
    ("template", "said", "value"),
    [
        ("", 21.5, 21.5),
        ("{{ value }}", "21.5", 21.5),
        ("{{value|float}}", "21.5", 21.5),
        ("{{ value_json.a.b }}", {"a": {"b": 7}}, 7),
        ("{{ value_json['a']['b c'] }}", {"a": {"b c": 7}}, 7),
        ('{{ value_json["a"][1] }}', {"a": [0, 7]}, 7),
        ("{{ value_json.a | float(0) | round(1) }}", {"a": "7.26"}, 7.3),
        ("{{ value_json.a | float(3) }}", {}, 3.0),
        ("{{ value_json.a | int }}", {"a": 7.9}, 7),
        ("{{ value_json.a | default(5) }}", {}, 5.0),
        ("{{ value_json.a | is_defined }}", {"a": 7}, 7),
        ("{{ value_json.a * 0.5 }}", {"a": 7}, 3.5),
        ("{{ value_json.a | float / 10 }}", {"a": "70"}, 7.0),
        ("{{- value_json.a -}}", {"a": 7}, 7),
        ("{{ value_json.a }}", {"a": "unavailable"}, None),
        ("{{ value_json.a }}", {"a": None}, None),
        ("{{ value_json.a / 0 }}", {"a": 1}, None),
    ],
)
def test_a_template_that_is_a_value_with_filters_is_read(template: str, said: object, value: object) -> None:
    assert read(said, value_template=template, state_class="measurement") == value


@pytest.mark.parametrize(
    "template",
    [
        "{% if value_json.a %}1{% endif %}",
        "{{ value_json.a if value_json.a else 0 }}",
        "{{ states('sensor.x') }}",
        "{{ value_json.a | regex_replace('a', 'b') }}",
        "{{ value_json.a | default(value_json.b) }}",
        "{{ value[0] }}",
        "{{ value_json[a] }}",
        "{{ value_json.a + value_json.b }}",
        "{{ value_json.__class__() }}",
        "{{ value_json" + ".a" * 400 + " }}",
        "{{ value",
    ],
)
def test_a_template_that_is_a_program_is_refused_by_its_name(template: str) -> None:
    driver = host()
    (fault,) = announce(driver, "v", value_template=template)
    assert getattr(fault, "reason", "") == "template"
    assert template[:40] in getattr(fault, "detail", "")
    assert hear(driver, "s", {"a": 1}) == []


@pytest.mark.parametrize(
    ("config", "said", "value"),
    [
        ({"device_class": "temperature", "unit_of_measurement": "°F"}, 39.56, 4.2),
        ({"dev_cla": "temperature", "unit_of_meas": "K"}, 277.35, 4.2),
        ({"device_class": "energy", "unit_of_measurement": "Wh"}, 1500, 1.5),
        ({"device_class": "pressure", "unit_of_measurement": "kPa"}, 100.92, 1009.2),
        ({"unit_of_measurement": "lqi"}, 105, 105),
        ({"device_class": "enum"}, "idle", "idle"),
        ({}, "Ready", "Ready"),
        ({"device_class": "timestamp"}, "2026-11-22T01:00:00Z", "2026-11-22T01:00:00Z"),
    ],
)
def test_values_are_kept_in_the_first_unit_of_their_device_class(
    config: dict[str, str], said: object, value: object
) -> None:
    assert read(said, **config) == value


def test_a_unit_its_device_class_does_not_have_is_refused() -> None:
    assert reasons(announce(host(), "v", device_class="temperature", unit_of_measurement="furlong")) == {
        "unit": 1
    }
    assert all(next(iter(units.values())) == (1, 0) for units in UNITS.values())


@pytest.mark.parametrize(
    ("config", "said", "value"),
    [
        ({}, b"ON", True),
        ({"pl_on": "open", "pl_off": "shut"}, b"shut", False),
        ({"payload_on": True, "payload_off": False, "val_tpl": "{{ value_json.c }}"}, {"c": True}, True),
    ],
)
def test_a_binary_sensor_says_what_it_announced_for_on_and_off(
    config: dict[str, Any], said: object, value: object
) -> None:
    driver = host()
    announce(driver, "door", "binary_sensor", **config)
    assert values(hear(driver, "s", said)) == {"door": value}
    assert reasons(hear(driver, "s", b'"ajar"')) == ({"value": 1} if "val_tpl" not in config else {})


def test_only_the_devices_own_entities_are_taken() -> None:
    for called in ("mast", "0x01", "Mast 2"):
        driver = host(called)
        device = {"identifiers": ["0x01"], "name": "Mast 2"}
        assert values(announce(driver, "t", device=device)) == {"entities": 1}
    assert announce(host("other"), "t", device={"ids": "0x02"}) == []
    every = host("*")
    announce(every, "t")
    assert values(hear(every, "s", b"7")) == {"mast_t": "7"}


def test_a_device_may_announce_all_its_components_at_once() -> None:
    driver = host("sonde")
    config = {
        "dev": {"ids": "sonde", "name": "Sonde"},
        "~": "lab/sonde",
        "stat_t": "~/state",
        "cmps": {
            "level": {
                "p": "sensor",
                "dev_cla": "distance",
                "unit_of_meas": "cm",
                "val_tpl": "{{ value_json.l }}",
            },
            "wet": {"p": "binary_sensor", "val_tpl": "{{ value_json.w }}"},
            "lamp": {"p": "light"},
        },
    }
    assert values(hear(driver, "homeassistant/device/sonde/config", config)) == {"entities": 2}
    assert values(hear(driver, "lab/sonde/state", {"l": 250, "w": "ON"})) == {"level": 2.5, "wet": True}


def test_a_component_whose_platform_is_no_word_is_passed_over() -> None:
    config = {"dev": {"ids": "mast"}, "stat_t": "s", "cmps": {"v": {"p": []}, "w": {"p": {}}, "x": 7}}
    assert hear(host(), "homeassistant/device/mast/config", config) == []


def test_an_announcement_is_replaced_by_the_next_and_ended_by_an_empty_one() -> None:
    driver = host()
    announce(driver, "v", value_template="{{ value_json.a }}")
    assert announce(driver, "v", value_template="{{ value_json.b }}") == []
    assert values(hear(driver, "s", {"a": "1", "b": "2"})) == {"v": "2"}
    assert values(hear(driver, "homeassistant/sensor/mast/v/config", b"")) == {"entities": 0}
    assert hear(driver, "s", {"b": "2"}) == []


def test_two_entities_of_one_name_are_told_and_the_first_stays() -> None:
    driver = host()
    announce(driver, "a b")
    assert reasons(announce(driver, "A-B", state_topic="other")) == {"name": 1}
    assert (values(hear(driver, "s", b"x")), values(hear(driver, "other", b"y"))) == ({"a_b": "x"}, {})


def test_entities_without_end_are_refused() -> None:
    driver = host()
    events = [event for number in range(MOST_ENTITIES + 3) for event in announce(driver, f"e{number}")]
    assert reasons(events) == {"many": 3}


def test_states_the_broker_had_kept_are_left_out_or_uncertain() -> None:
    driver, taking = host(), host(retained="uncertain")
    for one in (driver, taking):
        announce(one, "v")
    assert hear(driver, RETAINED + "s", b"7") == []
    (reading,) = readings(hear(taking, RETAINED + "s", b"7"))
    assert reading.quality is Quality.UNCERTAIN


def test_a_switch_is_told_what_it_announced_and_nothing_else_is() -> None:
    driver = host()
    announce(driver, "relay", "switch", command_topic="s/set", payload_off="0")
    announce(driver, "bad", "switch", state_topic="t", command_topic="#")
    announce(driver, "level", state_topic="u")
    (done,) = driver.command(Command("c", "dut", "switch", {"entity": "relay", "on": False}, 0), NOW)
    assert isinstance(done, Reply)
    assert done.done
    assert driver.outgoing() == [Outgoing(b"0", "s/set")]
    for name in ("bad", "level", "nobody"):
        (reply,) = driver.command(Command("c", "dut", "switch", {"entity": name, "on": True}, 0), NOW)
        assert isinstance(reply, Reply)
        assert (reply.reason, driver.outgoing()) == ("refused", [])


@pytest.mark.parametrize(
    "config",
    [b"[", b"[]", b"7", b'{"state_topic": 7}', b'{"state_topic": ""}', b"{}", b"[" * 50_000, b"\xff"],
)
def test_an_announcement_that_cannot_be_read_is_one_fault_or_none(config: bytes) -> None:
    events = hear(host(), "homeassistant/sensor/mast/v/config", config)
    assert len(events) == 1
    assert reasons(events).keys() <= {"not_json", "config", "deep"}


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30))
def test_any_object_id_becomes_a_name_the_stores_can_carry(announced: str) -> None:
    assert check_name(metric_name(announced))


def test_names_keep_what_can_be_kept() -> None:
    made = {text: metric_name(text) for text in ("Inputs/Pump 1", "Độ ẩm", "2nd", "time", "---", "x" * 99)}
    assert list(made.values()) == ["inputs_pump_1", "do_am", "value_2nd", "value_time", "value", "x" * 48]


@settings(max_examples=150, deadline=None)
@given(st.text("{}value_json.['a0]|float()round1*/ ", max_size=30))
def test_any_template_is_read_or_refused(text: str) -> None:
    try:
        template = parse_template(text)
    except TemplateError:
        return
    for document in ({}, [1], "7", 7, None, {"a": {"a": [1]}}):
        try:
            template.value(document)
        except PayloadError:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "stat_t",
                    "state_topic",
                    "~",
                    "val_tpl",
                    "dev",
                    "ids",
                    "name",
                    "avty",
                    "t",
                    "cmps",
                    "p",
                    "pl_on",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["sensor", "binary_sensor", "switch", "device"]), JSON, JSON)
def test_any_announcement_and_any_state_raise_nothing(component: str, config: object, state: object) -> None:
    driver = host("*")
    hear(driver, f"homeassistant/{component}/mast/v/config", config)
    hear(driver, f"homeassistant/{component}/v/config", {"state_topic": "s", "cmps": {"v": config}})
    hear(driver, "s", state)


def test_announcements_past_the_most_that_are_taken_are_not_remembered() -> None:
    driver = host(node="*")
    for number in range(MOST_ENTITIES):
        announce(driver, f"e{number}")
    announce(driver, "one_more")
    tracemalloc.start()
    for number in range(3_000):
        announce(driver, f"more{number}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000
