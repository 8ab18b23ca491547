"""Devices that publish JSON over MQTT: paths, topics, types, times, and payloads meant to harm."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contract import Driver, Event
from drivers.mqtt_json.driver import LONGEST_PAYLOAD, LONGEST_TEXT
from telemetry import Instant, ProfileError, Quality, parse_utc
from tests.drivers.listening import NOW, faults, listener, listener_of, readings, reasons, values

TOPIC = "haiphong/mast-2/state"


def reader(read: str, unit: str = "1", settings: str = "{}") -> Driver:
    metric = f"{{name: x, title: {{en: a, vi: a}}, unit: '{unit}', read: {read}}}"
    return listener_of(f"driver: mqtt_json\nkind: test\nsettings: {settings}\nmetrics: [{metric}]")


def say(driver: Driver, payload: object, topic: str = TOPIC, now: Instant = NOW) -> list[Event]:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return list(driver.receive(data, now, topic))


def test_a_message_is_one_reading_of_all_the_values_it_has() -> None:
    events = say(
        listener("mqtt-json-weather"),
        {"temperature": 28.4, "wind": {"speed": 4, "direction": 145}, "raining": True, "unknown": [1, 2]},
    )
    (reading,) = readings(events)
    assert faults(events) == []
    assert (reading.device, reading.kind, reading.observed_at) == ("dut", "weather", NOW.utc)
    assert reading.values == {
        "air_temperature": 28.4,
        "wind_speed": 4,
        "wind_direction": 145,
        "raining": True,
    }


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("a.b.c", {"a": {"b": {"c": 7}}}),
        ("list.1.v", {"list": [{"v": 0}, {"v": 7}]}),
        ("0", [7]),
        ("/a~1b/m~0n/0", {"a/b": {"m~n": [7]}}),
        ("/dotted.key", {"dotted.key": 7}),
        ("", 7),
    ],
)
def test_a_path_leads_through_objects_and_lists(path: str, document: object) -> None:
    assert values(say(reader(f"{{path: '{path}'}}"), document)) == {"x": 7}


@pytest.mark.parametrize(
    "document", [{}, {"a": None}, {"a": {"b": None}}, [], 3, "a", {"a": [1]}, {"a": {"c": 1}}, {"a": "b"}]
)
def test_a_payload_without_any_of_the_paths_is_a_fault(document: object) -> None:
    assert reasons(say(reader("{path: a.b}"), document)) == {"no_values": 1}


@pytest.mark.parametrize("step", ["-1", "2", "1.5", "x", "99999999", "²", "1e0"])
def test_a_list_is_entered_by_a_position_it_has_and_nothing_else(step: str) -> None:
    assert reasons(say(reader(f"{{path: '/{step}'}}"), [1, 2])) == {"no_values": 1}


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"21.5", 21.5),
        (b" 21.5\n", 21.5),
        (b'"21.5"', 21.5),
        (b"+21.5", 21.5),
        (b".5", 0.5),
        (b"-3", -3),
        (b"007", 7.0),
        (b"1e3", 1000.0),
    ],
)
def test_a_plain_payload_is_the_value_itself(payload: bytes, value: float) -> None:
    assert values(say(reader("{path: ''}", "Cel"), payload)) == {"x": value}


@pytest.mark.parametrize(
    "payload", [b"nan", b"inf", b"-Infinity", b"1_0", b"0x10", b"", b"21,5", b"ON", b"true"]
)
def test_a_plain_payload_that_is_no_number_is_never_a_value(payload: bytes) -> None:
    events = say(reader("{path: ''}", "Cel"), payload)
    assert readings(events) == []
    assert reasons(events) == ({"value": 1} if payload else {})


def test_scale_and_offset_apply_to_numbers() -> None:
    assert values(say(reader("{path: t, scale: 0.1, offset: -40}", "Cel"), {"t": 652})) == {
        "x": pytest.approx(25.2)
    }


@pytest.mark.parametrize(
    ("sent", "truth"),
    [(True, True), (False, False), (1, True), (0, False), ("on", True), ("OFF", False), ("True", True)],
)
def test_a_truth_value_may_be_sent_in_several_ways(sent: object, truth: bool) -> None:
    told = values(say(reader("{path: x, type: boolean}"), {"x": sent}))
    assert told == {"x": truth}
    assert isinstance(told["x"], bool)


@pytest.mark.parametrize("sent", [2, "maybe", 0.5, [], {}, "", 10**30])
def test_what_is_neither_true_nor_false_is_a_fault(sent: object) -> None:
    assert reasons(say(reader("{path: x, type: boolean}"), {"x": sent})) == {"value": 1}


def test_a_text_is_kept_as_sent_up_to_a_length() -> None:
    driver = reader("{path: x, type: text}")
    assert values(say(driver, {"x": "cảng Hải Phòng"})) == {"x": "cảng Hải Phòng"}
    assert values(say(driver, {"x": "a" * LONGEST_TEXT})) == {"x": "a" * LONGEST_TEXT}
    assert reasons(say(driver, {"x": "a" * (LONGEST_TEXT + 1)})) == {"value": 1}
    assert reasons(say(driver, {"x": ["a"]})) == {"value": 1}


def test_a_plain_text_payload_needs_no_quotation_marks() -> None:
    driver = reader("{path: '', type: text}")
    assert values(say(driver, b"Online")) == {"x": "Online"}
    assert reasons(say(driver, b"\xff\xfe")) == {"not_json": 1}


@pytest.mark.parametrize("sent", [True, None, "warm", [], {}, "nan", "1" * 100])
def test_one_wrong_value_is_a_fault_and_the_others_are_read(sent: object) -> None:
    events = say(listener("mqtt-json-weather"), {"temperature": sent, "humidity": 81})
    assert values(events) == {"humidity": 81}
    assert reasons(events) == ({} if sent is None else {"value": 1})


def test_integers_stay_exact_while_a_float_can_hold_them() -> None:
    driver = reader("{path: x}")
    assert values(say(driver, {"x": 2**53})) == {"x": 2**53}
    assert isinstance(values(say(driver, {"x": 3}))["x"], int)
    assert values(say(driver, {"x": 10**30})) == {"x": 1e30}
    assert isinstance(values(say(driver, {"x": 10**30}))["x"], float)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not_json"),
        (b'{"x": NaN}', "not_json"),
        (b'{"x": 1e999}', "not_json"),
        (b'{"x": ' + b"9" * 2000 + b"}", "value"),
        (b'{"x": ' + b"9" * 100_000 + b"}", "not_json"),
        (b'{"x": "\\ud800"}', "not_json"),
        (b'{"x": "\xff"}', "not_json"),
        (b"\0\0\0", "not_json"),
        (b"[" * 100_000, "deep"),
        (b'{"x":' * 20_000 + b"1" + b"}" * 20_000, "deep"),
        (b'{"x": "' + b"a" * LONGEST_PAYLOAD + b'"}', "overlong"),
    ],
)
def test_a_payload_meant_to_harm_is_a_fault_with_its_beginning(payload: bytes, reason: str) -> None:
    driver = reader("{path: x}")
    events = say(driver, payload)
    assert readings(events) == []
    assert [(fault.reason, fault.frame) for fault in faults(events)] == [(reason, payload[:1024])]
    assert values(say(driver, {"x": 1})) == {"x": 1}


def test_a_payload_of_exactly_the_cap_is_read() -> None:
    payload = b'{"x": 1, "y": "' + b"a" * (LONGEST_PAYLOAD - 17) + b'"}'
    assert len(payload) == LONGEST_PAYLOAD
    assert values(say(reader("{path: x}"), payload)) == {"x": 1}


def test_only_topics_that_end_as_the_profile_says_are_read() -> None:
    driver = reader("{path: x}", settings="{topic: +/SENSOR}")
    assert values(say(driver, {"x": 1}, "tele/mast-2/SENSOR")) == {"x": 1}
    assert say(driver, b"Online", "tele/mast-2/LWT") == []
    assert say(driver, b"[[[", "tele/mast-2/SENSOR/raw") == []


def test_metrics_of_one_device_may_come_on_topics_of_their_own() -> None:
    driver = listener("tasmota-am2301")
    sensor = {
        "Time": "2026-11-22T08:02:03",
        "AM2301": {"Temperature": 20.7, "Humidity": 70.2, "DewPoint": 15.1},
    }
    assert values(say(driver, sensor, "tele/mast-2/SENSOR")) == {
        "air_temperature": 20.7,
        "humidity": 70.2,
        "dew_point": 15.1,
    }
    assert values(say(driver, {"Wifi": {"RSSI": 86}}, "tele/mast-2/STATE")) == {"signal": 86}
    assert values(say(driver, b"Online", "tele/mast-2/LWT")) == {"connection": "Online"}


def test_a_cleared_retained_message_is_no_event() -> None:
    assert say(listener("mqtt-json-weather"), b"") == []


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        ("2026-11-22T01:00:00.5Z", "2026-11-22T01:00:00.5Z"),
        ("2026-11-22T08:00:00+07:00", "2026-11-22T01:00:00Z"),
        (1_795_309_200, "2026-11-22T01:00:00Z"),
        (1_795_309_200.25, "2026-11-22T01:00:00.25Z"),
        (1_795_309_200_125, "2026-11-22T01:00:00.125Z"),
        (1_795_309_200_125_250, "2026-11-22T01:00:00.12525Z"),
        (1_795_309_200_000_000_007, "2026-11-22T01:00:00.000000007Z"),
        ("1795309200", "2026-11-22T01:00:00Z"),
    ],
)
def test_the_devices_own_time_is_taken_where_the_profile_names_it(told: object, instant: str) -> None:
    events = say(listener("mqtt-json-weather"), {"time": told, "humidity": 81})
    (reading,) = readings(events)
    assert faults(events) == []
    assert abs(reading.observed_at - parse_utc(instant)) <= 256  # what a 64-bit float of nanoseconds keeps
    assert reading.quality is Quality.GOOD


@pytest.mark.parametrize(
    "told",
    ["yesterday", 0, -1, 12.5, True, [], {}, "", 10**400, 10**25, "2036-11-22T00:00:00Z", "1999-01-01"],
)
def test_a_time_that_cannot_be_is_a_fault_and_the_reading_is_uncertain(told: object) -> None:
    events = say(listener("mqtt-json-weather"), {"time": told, "humidity": 81})
    (reading,) = readings(events)
    assert reasons(events) == {"time": 1}
    assert (reading.observed_at, reading.quality) == (NOW.utc, Quality.UNCERTAIN)


def test_a_gateway_whose_own_clock_is_at_1970_believes_the_device() -> None:
    reset = Instant(5, 1.0)
    told = {"time": "2026-11-22T01:00:00Z", "humidity": 81}
    (reading,) = readings(say(listener("mqtt-json-weather"), told, now=reset))
    assert reading.observed_at == parse_utc("2026-11-22T01:00:00Z")


def test_a_message_without_the_time_it_may_have_carries_the_gateways() -> None:
    (reading,) = readings(say(listener("mqtt-json-weather"), {"humidity": 81}))
    assert (reading.observed_at, reading.quality) == (NOW.utc, Quality.GOOD)


def test_two_messages_of_one_second_have_time_stamps_of_their_own() -> None:
    driver = listener("mqtt-json-weather")
    events = [event for _ in range(3) for event in say(driver, {"time": 1_795_309_200, "humidity": 81})]
    assert len({reading.observed_at for reading in readings(events)}) == 3


@pytest.mark.parametrize(
    ("read", "unit", "message"),
    [
        ("{}", "1", "read: path: is missing"),
        ("{path: x, topic: 'a#'}", "1", "is not a topic filter"),
        ("{path: x, type: text}", "Cel", "a text has no unit, scale or offset"),
        ("{path: x, type: boolean, scale: 2}", "1", "a boolean has no unit, scale or offset"),
        ("{path: x, type: number, scale: .inf}", "1", "scale"),
        ("{path: x, kind: y}", "1", "kind: is not a key here; there are path, topic"),
    ],
)
def test_a_profile_that_cannot_be_read_says_metric_and_remedy(read: str, unit: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message) as caught:
        reader(read, unit)
    assert str(caught.value).startswith("profile test: metric x: ")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.integers(10**300, 10**301),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("txyz0"), inner, max_size=4),
    max_leaves=12,
)
PROFILE = """driver: mqtt_json
kind: test
settings: {time: t}
metrics:
- {name: a, title: {en: a, vi: a}, read: {path: x.y}}
- {name: b, title: {en: a, vi: a}, read: {path: x, scale: 1.0e300}}
- {name: c, title: {en: a, vi: a}, read: {path: /y/0, type: boolean}}
- {name: d, title: {en: a, vi: a}, read: {path: z, type: text}}
- {name: e, title: {en: a, vi: a}, read: {path: '', topic: plain}}
"""
DRIVER = listener_of(PROFILE)


def check(events: list[Event]) -> None:
    for value in values(events).values():
        assert isinstance(value, bool | int | float | str)
        assert isinstance(value, bool | str) or math.isfinite(value)
        assert not isinstance(value, int) or abs(value) <= 2**53
    for fault in faults(events):
        assert fault.reason in {"overlong", "not_json", "deep", "value", "no_values", "time"}
        assert len(fault.frame) <= 1024


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(["t", "plain", "a/plain", ""]))
def test_any_json_is_finite_values_or_a_fault(document: Any, topic: str) -> None:
    check(say(DRIVER, document, topic))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200) | st.text('[]{}:,"\\tfn0123456789eE.-+ ', max_size=60).map(str.encode), st.text()
)
def test_any_bytes_on_any_topic_raise_nothing(data: bytes, topic: str) -> None:
    check(list(DRIVER.receive(data, NOW, topic)))
