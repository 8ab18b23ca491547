"""What a profile may say of a device on MQTT: elements, conditions, names, bytes, records, times, actions."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import Catalogue, parse_profile
from drivers.contract import RETAINED, Driver, Event, Outgoing
from drivers.mqtt_json.actions import MOST_AWAITED
from drivers.mqtt_json.paths import parse_path, walk
from telemetry import Command, Device, Instant, ProfileError, Quality, Reply, parse_utc
from tests.drivers.listening import NOW, faults, readings, reasons, values

HEAD = "id: test\ntitle: {en: Test, vi: Thử}\ndriver: mqtt_json\nkind: test\n"


def driver_of(text: str, **device: Any) -> Driver:
    profile = parse_profile(HEAD + text, "test.yaml")
    return Catalogue([profile]).open_driver(Device(id="dut", profile="test", link="mqtt:#", settings=device))


def reader(read: str, config: str = "{}", unit: str = "1", **device: Any) -> Driver:
    metric = f"{{name: x, title: {{en: a, vi: a}}, unit: '{unit}', read: {read}}}"
    return driver_of(f"settings: {config}\nmetrics: [{metric}]", **device)


def say(driver: Driver, payload: object, topic: str = "t", now: Instant = NOW) -> list[Event]:
    chunk = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return list(driver.receive(chunk, now, topic))


def at(monotonic: float) -> Instant:
    return Instant(NOW.utc, monotonic)


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("a[1].v", {"a": [{"v": 0}, {"v": 7}]}),
        ("a[id=quay].v", {"a": [3, {"id": "gate", "v": 0}, {"id": "quay", "v": 7}, {"id": "quay", "v": 8}]}),
        ("a[id='x.y'].v", {"a": [{"id": "x.y", "v": 7}]}),
        ("a[n=2].v", {"a": [{"n": 1, "v": 0}, {"n": 2.0, "v": 7}]}),
        ("[on=true].v", [{"on": "true ", "v": 0}, {"on": True, "v": 7}]),
        ("a[0][1]", {"a": [[0, 7]]}),
        ("params.switch:0.v", {"params": {"switch:0": {"v": 7}}}),
    ],
)
def test_a_path_leads_to_an_element_by_place_or_by_what_it_says(path: str, document: object) -> None:
    assert values(say(reader(f'{{path: "{path}"}}'), document)) == {"x": 7}


@pytest.mark.parametrize(
    "document", [{"a": {"id": "quay"}}, {"a": []}, {"a": [{"id": "gate", "v": 1}]}, {"a": [{"id": ["quay"]}]}]
)
def test_an_element_that_is_not_there_is_no_value(document: object) -> None:
    assert reasons(say(reader("{path: 'a[id=quay].v'}"), document)) == {"no_values": 1}


@pytest.mark.parametrize("path", ["a[", "a]b", "a[0]b", "a[[0]]", "x" * 600])
def test_a_path_that_cannot_be_read_names_the_metric(path: str) -> None:
    with pytest.raises(ProfileError, match=r"profile test: metric x: read: .*path"):
        reader(f"{{path: '{path}'}}")


@pytest.mark.parametrize(
    ("where", "document", "ours"),
    [
        ("{path: c, is: dock}", {"c": "dock"}, True),
        ("{path: c, is: 2}", {"c": 2}, True),
        ("{path: c, is: 2}", {"c": "2"}, True),
        ("{path: c, is: 2}", {"c": 3}, False),
        ("{path: c, is: true}", {"c": True}, True),
        ("{path: c, is: 'true'}", {"c": {}}, False),
        ("{path: c, one_of: [a, b]}", {"c": "b"}, True),
        ("{path: c, one_of: [a, b]}", {}, False),
        ("{path: c, like: 'dock-*'}", {"c": "dock-17"}, True),
        ("{path: c, like: 'dock-?'}", {"c": "dock-17"}, False),
        ("{path: c, has: quay}", {"c": ["gate", "quay"]}, True),
        ("{path: c, has: quay}", {"c": "quay"}, False),
        ("{path: c, exists: true}", {"c": 0}, True),
        ("{path: c, exists: true}", {"c": None}, False),
        ("{path: c, exists: false}", {}, True),
        ("[{path: c, is: a}, {path: d, is: b}]", {"c": "a", "d": "b"}, True),
        ("[{path: c, is: a}, {path: d, is: b}]", {"c": "a", "d": "x"}, False),
    ],
)
def test_only_messages_that_fulfil_every_condition_are_this_devices(
    where: str, document: dict[str, object], ours: bool
) -> None:
    for driver in (
        reader("{path: v}", f"{{where: {where}}}"),
        reader(f"{{path: v, where: {where}}}"),
    ):
        events = say(driver, document | {"v": 7})
        assert (values(events), faults(events)) == ({"x": 7} if ours else {}, [])


def test_a_condition_says_exactly_one_thing() -> None:
    for where in ("{path: c}", "{path: c, is: 1, has: 2}"):
        with pytest.raises(ProfileError, match="a condition says one of is, one_of, like, has, exists"):
            reader(f"{{path: v, where: {where}}}")


def test_names_of_the_device_stand_in_topics_paths_and_conditions() -> None:
    config = "{camera: '{id}', topic: 'nvr/{camera}/state', where: {path: 'by.{camera}.ok', is: true}}"
    read = "{path: 'by.{camera}.n'}"
    said = {"by": {"dut": {"ok": True, "n": 1}, "a.b": {"ok": True, "n": 2}}}
    assert values(say(reader(read, config), said, "nvr/dut/state")) == {"x": 1}
    named = reader(read, config, camera="a.b")
    assert values(say(named, said, "nvr/a.b/state")) == {"x": 2}
    assert say(named, said, "nvr/dut/state") == []


def test_a_name_nobody_gave_and_a_name_nobody_uses_are_told() -> None:
    with pytest.raises(ProfileError, match=r"nothing says what \{camera\} in 'a/\{camera\}' is"):
        reader("{path: v, topic: 'a/{camera}'}")
    with pytest.raises(ProfileError, match=r"nothing here is called camra.*in braces camera"):
        reader("{path: v, topic: 'a/{camera}'}", "{camera: x}", camra="y")
    with pytest.raises(ProfileError, match="camera: neither words of this driver nor texts"):
        reader("{path: v, topic: 'a/{camera}'}", "{camera: [x]}")


def test_a_name_with_a_wildcard_is_no_topic_to_publish_on() -> None:
    with pytest.raises(ProfileError, match="'set/\\+' is no topic to publish on"):
        driver_of(ACTION.replace("cmnd/{name}/POWER", "set/{name}"), name="+")


@pytest.mark.parametrize(
    ("read", "sent", "value"),
    [
        ("{path: v, suffix: '°C'}", "23.5 °C", 23.5),
        ("{path: v, suffix: V}", "230V", 230.0),
        ("{path: v, suffix: V}", 230, 230),
        ("{path: v, scale: 0.1}", 886, 88.6),
        ("{path: v, scale: 0.01}", -2737, -27.37),
        ("{path: v, type: boolean, values: {open: true, shut: false}}", "open", True),
        ("{path: v, type: text, values: {'1': idle, '2': busy}}", 2, "busy"),
        ("{path: v, values: {'true': 1, 'false': 0}}", True, 1),
        ("{path: v, type: text, join: ','}", ["a", 1, None, "b"], "a,1,b"),
        ("{path: v, type: text, join: ','}", [], ""),
    ],
)
def test_what_is_sent_means_what_the_profile_says(read: str, sent: object, value: object) -> None:
    assert values(say(reader(read), {"v": sent})) == {"x": value}


@pytest.mark.parametrize("sent", [b"2\x1c", b"\x1f1.57", b"\xc2\xa07", b"1\x0b", b"\xd9\xa3"])
def test_a_number_among_strange_blanks_is_no_number(sent: bytes) -> None:
    assert reasons(say(reader("{path: ''}"), sent)) == {"value": 1}


def test_what_is_sent_for_no_value_is_none() -> None:
    driver = reader("{path: v, nulls: [-999, 'n/a']}")
    assert reasons(say(driver, {"v": -999})) == {"no_values": 1}
    assert reasons(say(driver, {"v": "n/a"})) == {"no_values": 1}
    assert values(say(driver, {"v": -998})) == {"x": -998}


@pytest.mark.parametrize("sent", ["ajar", None, [], {"open": 1}, 10**400])
def test_what_is_in_no_table_is_never_a_value(sent: object) -> None:
    events = say(reader("{path: v, type: boolean, values: {open: true}}"), {"v": sent})
    assert values(events) == {}
    assert sum(reasons(events).values()) == 1


def test_values_of_another_type_than_the_metrics_are_refused() -> None:
    with pytest.raises(ProfileError, match="must be of the metric's type, boolean"):
        reader("{path: v, type: boolean, values: {a: 1}}")
    with pytest.raises(ProfileError, match="must be of the metric's type, number"):
        reader("{path: v, values: {a: true}}")


@pytest.mark.parametrize(
    ("field", "data", "value"),
    [
        ("{type: uint8}", "ff", 255),
        ("{at: 1, type: int8}", "00ff", -1),
        ("{type: int16}", "fe0c", -500),
        ("{type: int16, order: little}", "0cfe", -500),
        ("{type: uint24}", "010203", 66051),
        ("{type: int24}", "ffffff", -1),
        ("{type: uint32, order: little}", "01000080", 2147483649),
        ("{type: float32}", "41480000", 12.5),
        ("{type: float64, order: little}", "0000000000002940", 12.5),
        ("{type: uint16, mask: 0x3fff}", "cbd4", 3028),
        ("{type: uint8, mask: 0x70, shift: 4}", "5a", 5),
        ("{at: 1, type: uint8, only: {at: 0, is: 1, mask: 0x0f}}", "f109", 9),
    ],
)
def test_numbers_stand_in_bytes_of_base64_and_hex(field: str, data: str, value: float) -> None:
    assert values(
        say(reader(f"{{path: d, bytes: {field}}}"), {"d": base64.b64encode(bytes.fromhex(data)).decode()})
    ) == {"x": value}
    as_hex = "{encoding: hex, " + field[1:]
    assert values(say(reader(f"{{path: d, bytes: {as_hex}}}"), {"d": data})) == {"x": value}


@pytest.mark.parametrize("data", ["", "00", "fff0"])
def test_bytes_that_end_before_the_number_are_no_value(data: str) -> None:
    driver = reader("{path: d, bytes: {encoding: hex, at: 1, type: uint16}}")
    assert reasons(say(driver, {"d": data})) == {"no_values": 1}


@pytest.mark.parametrize("data", ["Zm9v!", "Zm9", 7, "é" * 4, "A" * 9000, ["Zm9v"], True])
def test_what_is_no_base64_is_a_fault(data: object) -> None:
    events = say(reader("{path: d, bytes: {type: uint8}}"), {"d": data})
    assert (values(events), reasons(events)) == ({}, {"value": 1})


def test_a_float_in_bytes_that_is_no_number_is_a_fault() -> None:
    assert reasons(say(reader("{path: d, bytes: {encoding: hex, type: float32}}"), {"d": "7fc00000"})) == {
        "value": 1
    }


RECORDS = """
settings: {each: list, time: t, where: {path: unit, is: a}}
metrics:
- {name: x, title: {en: a, vi: a}, read: {path: v}}
- {name: y, title: {en: b, vi: b}, read: {path: w, where: {path: k, is: 1}}}
"""


def test_each_record_of_a_list_is_a_reading_at_its_own_time() -> None:
    said = {
        "unit": "a",
        "list": [{"t": 1795309200, "v": 1}, {"t": 1795309260, "v": 2, "w": 5, "k": 1}, {"v": 3, "w": 9}],
    }
    events = say(driver_of(RECORDS), said)
    assert [(one.observed_at, dict(one.values)) for one in readings(events)] == [
        (parse_utc("2026-11-22T01:00:00Z"), {"x": 1}),
        (parse_utc("2026-11-22T01:01:00Z"), {"x": 2, "y": 5}),
        (NOW.utc, {"x": 3}),
    ]
    assert say(driver_of(RECORDS), said | {"unit": "b"}) == []


@pytest.mark.parametrize("records", [None, 7, {"t": 1}, [{"v": 1}] * 1001])
def test_records_that_are_none_or_too_many_are_one_fault(records: object) -> None:
    assert reasons(say(driver_of(RECORDS), {"unit": "a", "list": records})) == {"records": 1}


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ({"a": "2026-11-22T08:00:00"}, "2026-11-22T01:00:00Z"),
        ({"a": "2026-11-22T08:00:00Z"}, "2026-11-22T08:00:00Z"),
        ({"a": "2026-11-22T08:00:00+0700"}, "2026-11-22T01:00:00Z"),
        ({"b": 1795309200.62}, "2026-11-22T01:00:00.62Z"),
        ({"a": None, "b": 1795309200}, "2026-11-22T01:00:00Z"),
    ],
)
def test_a_time_without_an_offset_is_the_profiles_and_the_first_that_is_there_counts(
    said: dict[str, object], instant: str
) -> None:
    (reading,) = readings(say(reader("{path: v}", "{time: [a, b], utc_offset: '+07:00'}"), said | {"v": 1}))
    assert (reading.observed_at, reading.quality) == (parse_utc(instant), Quality.GOOD)


def test_what_the_broker_had_kept_is_uncertain_or_left_out() -> None:
    said = {"v": 1, "t": 1795309200}
    assert say(reader("{path: v}"), said, RETAINED + "t") == []
    for read, config in (
        ("{path: v, retained: uncertain}", "{time: t}"),
        ("{path: v}", "{time: t, retained: uncertain}"),
    ):
        (reading,) = readings(say(reader(read, config), said, RETAINED + "t"))
        assert (reading.observed_at, reading.quality) == (
            parse_utc("2026-11-22T01:00:00Z"),
            Quality.UNCERTAIN,
        )
    assert say(reader("{path: v, retained: ignore}", "{retained: uncertain}"), said, RETAINED + "t") == []


def test_a_device_that_is_gone_is_told_once_until_it_is_back() -> None:
    driver = reader("{path: v, topic: s}", "{availability: {topic: lwt, offline: [gone]}}")
    told = [
        reasons(say(driver, payload, "a/lwt")) for payload in (b"here", b"gone", b"gone", b"here", b"gone")
    ]
    assert told == [{}, {"offline": 1}, {}, {}, {"offline": 1}]
    kept = reader("{path: v, topic: s}", "{availability: {topic: lwt, path: state}}")
    assert reasons(say(kept, {"state": "offline"}, RETAINED + "a/lwt")) == {"offline": 1}


@pytest.mark.parametrize(
    "payload", [b'{"v": 1, "v": 2}', b'{"a": {"v": 1, "\\u0076": 2}, "v": 3}', b'[{"v": 1, "v": 1}]']
)
def test_a_key_that_stands_twice_is_a_fault(payload: bytes) -> None:
    events = say(reader("{path: v}"), payload)
    assert (values(events), reasons(events)) == ({}, {"duplicate_key": 1})


ARGUMENTS = """
settings: {name: plug, topic: '{name}/STATE'}
metrics: [{name: x, title: {en: a, vi: a}, read: {path: v}}]
actions:
- name: power
  title: {en: Power, vi: Nguồn}
  arguments:
  - {name: 'on', title: {en: On, vi: Bật}, kind: flag}
  - {name: level, title: {en: Level, vi: Mức}, minimum: 0, maximum: 100, default: 50}
  - {name: what, title: {en: What, vi: Gì}, kind: text, default: lamp}
"""
ACTION = (
    ARGUMENTS
    + """  write:
    topic: cmnd/{name}/POWER
    payload: '{on} {level} {what}'
    words: {'on': {'true': 'ON', 'false': 'OFF'}}
"""
)
JSON_ACTION = (
    ARGUMENTS
    + """  write:
    topic: cmnd/{what}/POWER
    payload: {id: '{request}', 'on': '{on}', p: ['{level}', 'x {what}'], n: '{name}'}
    answer:
      topic: '{name}/reply'
      where: {path: id, is: '{request}'}
      refused: {path: error, exists: true}
      reason: error
      values: {was: was}
      within: 3s
"""
)


def told(driver: Driver, number: int = 1, now: Instant = NOW, **arguments: Any) -> Sequence[Event]:
    (action,) = driver.actions
    return driver.command(
        Command(f"c{number}", "dut", "power", action.check(arguments), now.utc + 10**10), now
    )


def test_an_action_publishes_its_text_and_is_done_when_the_broker_has_it() -> None:
    driver = driver_of(ACTION, name="pump-7")
    (reply,) = told(driver, on=False, what="a/b\n")
    assert driver.outgoing() == [Outgoing(b"OFF 50 a/b\n", "cmnd/pump-7/POWER")]
    assert isinstance(reply, Reply)
    assert (reply.command, reply.reason, "broker" in reply.detail) == ("c1", "", True)
    assert driver.outgoing() == []


def test_an_action_publishes_json_with_the_arguments_own_types() -> None:
    driver = driver_of(JSON_ACTION)
    assert told(driver, on=True, level=7.5) == ()
    (sent,) = driver.outgoing()
    assert json.loads(sent.payload) == {"id": "c1", "on": True, "p": [7.5, "x lamp"], "n": "plug"}
    assert sent.to == "cmnd/lamp/POWER"


@pytest.mark.parametrize("what", ["a/b", "+", "#", "a\0b"])
def test_an_argument_that_would_change_the_topic_is_refused(what: str) -> None:
    driver = driver_of(JSON_ACTION)
    (reply,) = told(driver, on=True, what=what)
    assert isinstance(reply, Reply)
    assert (reply.reason, driver.outgoing()) == ("refused", [])
    assert driver.wake_at is None


def test_an_answer_ends_the_command_it_belongs_to_and_no_other() -> None:
    driver = driver_of(JSON_ACTION)
    told(driver, 1, on=True)
    told(driver, 2, on=False)
    assert say(driver, {"id": "c3", "was": True}, "plug/reply") == []
    assert say(driver, {"id": "c2"}, RETAINED + "plug/reply") == []
    assert say(driver, {"id": "c2", "was": 1.5}, "plug/reply") == [Reply("c2", "dut", values={"was": 1.5})]
    assert say(driver, {"id": "c2", "was": True}, "plug/reply") == []
    refused = say(driver, {"id": "c1", "error": "too hot"}, "plug/reply")
    assert refused == [Reply("c1", "dut", "refused", "too hot")]
    assert driver.wake_at is None


def test_a_command_nobody_answers_ends_with_a_timeout_after_its_time() -> None:
    driver = driver_of(JSON_ACTION)
    told(driver, 1, at(10.0), on=True)
    told(driver, 2, at(11.0), on=True)
    assert driver.wake_at == 13.0
    assert list(driver.wake(at(12.9))) == []
    (reply,) = driver.wake(at(13.0))
    assert isinstance(reply, Reply)
    assert (reply.command, reply.reason, driver.wake_at) == ("c1", "timeout", 14.0)
    (reply,) = driver.connected(at(13.5))
    assert isinstance(reply, Reply)
    assert (reply.command, reply.reason) == ("c2", "timeout")
    assert driver.wake_at is None


def test_a_device_has_a_bounded_number_of_commands_that_wait() -> None:
    driver = driver_of(JSON_ACTION)
    replies = [reply for number in range(MOST_AWAITED + 5) for reply in told(driver, number, on=True)]
    assert len(driver.outgoing()) == MOST_AWAITED
    assert [reply.reason for reply in replies if isinstance(reply, Reply)] == ["refused"] * 5
    ended = driver.connected(NOW)
    assert len({reply.command for reply in ended if isinstance(reply, Reply)}) == MOST_AWAITED


@pytest.mark.parametrize(
    ("write", "message"),
    [
        ("{topic: a/+}", "is no topic to publish on"),
        ("{topic: ''}", "is no topic to publish on"),
        ("{topic: a, words: {off: {a: b}}}", "there is no argument"),
        ("{topic: a, answer: {topic: 'b#'}}", "is not a topic filter"),
        ("{topic: 'a/{nobody}'}", r"nothing says what \{nobody\}"),
        ("{topic: a, qos: 2}", "write: qos: is not a key here"),
    ],
)
def test_an_action_that_cannot_be_carried_out_is_refused_when_it_is_read(write: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message) as caught:
        driver_of(f"actions: [{{name: power, title: {{en: a, vi: a}}, write: {write}}}]")
    assert str(caught.value).startswith("profile test: action power") or "nobody" in message


def test_a_link_shared_by_all_devices_brings_everybodys_topics_and_memory_stays_bounded() -> None:
    driver = reader("{path: v, topic: 'a/x'}")
    for number in range(3000):
        assert say(driver, b"[", f"b/{number}") == []
    assert len(driver._by_topic) <= 512  # type: ignore[attr-defined]  # what it remembers is no one else's business
    assert values(say(driver, {"v": 1}, "a/x")) == {"x": 1}


@settings(max_examples=200, deadline=None)
@given(
    st.text("ab.[]=01'\"/~ {}", max_size=20),
    st.recursive(
        st.integers() | st.text("ab", max_size=2),
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from("ab01"), x, max_size=3),
        max_leaves=8,
    ),
)
def test_any_path_is_read_or_refused_and_leads_somewhere_or_nowhere(path: str, document: object) -> None:
    try:
        steps = parse_path(path)
    except ValueError:
        return
    walk(document, steps)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["plug/STATE", "plug/reply", RETAINED + "plug/reply"]))
def test_any_bytes_while_an_answer_is_awaited_raise_nothing(chunk: bytes, topic: str) -> None:
    driver = driver_of(JSON_ACTION)
    told(driver, on=True)
    events = list(driver.receive(chunk, NOW, topic)) + list(driver.connected(NOW))
    assert len([one for one in events if isinstance(one, Reply)]) == 1
