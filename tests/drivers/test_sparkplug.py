"""Sparkplug edge nodes as a source: births, aliases, sequence numbers, deaths, rebirths, commands."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import Catalogue, parse_profile
from drivers.contract import RETAINED, Driver, Event, Outgoing
from drivers.sparkplug.node import REBIRTH, parse_topic
from drivers.sparkplug.payload import SparkplugMetric, SparkplugPayload, decode_payload, encode_payload
from drivers.sparkplug.values import Datatype, metric_of
from firmware_sim.sparkplug_node import Cell, SparkplugNode
from telemetry import Command, Device, Instant, Profile, ProfileError, Quality, Reply, Value
from telemetry.commands import find_action
from tests.drivers.listening import NOW, faults, readings, reasons, values

PROFILE = """
id: test
title: {en: Test, vi: Thử}
driver: sparkplug
kind: pump_house
settings: {node: house-1, rebirth: 60s, reorder: 2s}
metrics:
- {name: level, title: {en: a, vi: a}, unit: m, read: {metric: Tank/Level, scale: 0.01}}
- {name: running, title: {en: b, vi: b}, read: {metric: Run, device: pump}}
- {name: online, title: {en: c, vi: c}, read: {metric: ''}}
actions:
- name: run
  title: {en: Run, vi: Chạy}
  arguments: [{name: value, title: {en: a, vi: a}, kind: flag}]
  write: {metric: Run, device: pump, within: 5s}
- name: setpoint
  title: {en: Set point, vi: Điểm đặt}
  arguments: [{name: level, title: {en: a, vi: a}}]
  write: {metric: Tank/Level, value: '{level}'}
"""


EVERY_METRIC = "id: test\ntitle: {en: a, vi: a}\ndriver: sparkplug\nkind: test\n"


def at(seconds: float) -> Instant:
    return Instant(NOW.utc + round(seconds * 1e9), NOW.monotonic + seconds)


def profile_of(text: str) -> Profile:
    return parse_profile(text, "test.yaml")


def host(text: str = PROFILE, ident: str = "dut", **settings_: object) -> Driver:
    profile = profile_of(text)
    return Catalogue([profile]).open_driver(
        Device(id=ident, profile="test", link="mqtt:spBv1.0/#", settings=settings_)
    )


def house(*, aliases: bool = True) -> SparkplugNode:
    cells = [
        Cell("Tank/Level", Datatype.INT16, 420),
        Cell("Run", Datatype.BOOLEAN, True, "pump"),
        Cell("Note", Datatype.STRING, "cảng", "pump"),
    ]
    return SparkplugNode("port", "house-1", cells, aliases=aliases)


def hear(driver: Driver, said: Sequence[Outgoing], now: Instant = NOW) -> list[Event]:
    return [event for one in said for event in driver.receive(one.payload, now, one.to)]


def sent(driver: Driver) -> list[tuple[str, list[SparkplugMetric]]]:
    return [(one.to, list(decode_payload(one.payload).metrics)) for one in driver.outgoing()]


def said(values_of: Sequence[Event]) -> list[tuple[dict[str, Value], Quality]]:
    return [(dict(one.values), one.quality) for one in readings(values_of)]


def born(driver: Driver, node: SparkplugNode, now: Instant = NOW) -> list[Event]:
    return hear(driver, node.wake(now), now)


@pytest.mark.parametrize("aliases", [True, False])
def test_births_tell_names_and_data_comes_by_alias_or_name(aliases: bool) -> None:
    driver, node = host(), house(aliases=aliases)
    events = born(driver, node)
    assert faults(events) == []
    assert said(events) == [
        ({"level": 4.2}, Quality.GOOD),
        ({"online": True}, Quality.GOOD),
        ({"running": True}, Quality.GOOD),
    ]
    node.cells[0].value = -7
    (reading,) = readings(hear(driver, [node.data("", at(1))], at(1)))
    assert (dict(reading.values), reading.observed_at) == ({"level": -0.07}, at(1).utc)


def test_a_number_that_scaled_is_past_all_numbers_is_told_and_is_no_value() -> None:
    text = EVERY_METRIC + (
        "settings: {node: house-1}\n"
        "metrics: [{name: a, title: {en: a, vi: a}, read: {metric: A, scale: 1e10}}]"
    )
    events = born(host(text), SparkplugNode("port", "house-1", [Cell("A", Datatype.DOUBLE, 1e308)]))
    assert (readings(events), reasons(events)) == ([], {"value": 1})


def test_devices_of_the_node_that_concern_nobody_are_not_remembered() -> None:
    driver, node = host(), house()
    born(driver, node)

    def said_by(device: str) -> list[Event]:
        stranger = SparkplugNode("port", "house-1", [Cell("A", Datatype.INT16, 1, device)])
        return hear(driver, [one for one in stranger.wake(NOW) if "DBIRTH" in one.to])

    said_by("first")
    tracemalloc.start()
    for number in range(2_000):
        said_by(f"stranger-{number}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000


def test_all_metrics_are_taken_under_names_of_their_own_where_the_profile_says_so() -> None:
    text = EVERY_METRIC + "settings: {every_metric: true, node: house-1}"
    assert values(born(host(text), house())) == {"tank_level": 420}
    assert values(born(host(text, device="pump"), house())) == {
        "run": True,
        "note": "cảng",
    }


def test_two_metrics_whose_names_would_be_one_are_told_and_neither_is_mixed_with_the_other() -> None:
    text = EVERY_METRIC + "settings: {every_metric: true, node: n}"
    node = SparkplugNode("g", "n", [Cell("A/b", Datatype.INT8, 1), Cell("a B", Datatype.INT8, 2)])
    events = born(host(text), node)
    assert (values(events), reasons(events)) == ({"a_b": 1}, {"name": 1})


def test_values_keep_the_nodes_time_and_those_of_one_time_are_one_reading() -> None:
    driver, node = host(), house()
    born(driver, node)
    times = [NOW.utc // 10**6 + shift for shift in (-5000, -3000)]
    metrics = [
        replace(metric_of("Tank/Level", Datatype.INT16, 100, times[1]), name="", alias=0, historical=True),
        replace(metric_of("Tank/Level", Datatype.INT16, 200, times[0]), name="", alias=0, historical=True),
    ]
    topic = "spBv1.0/port/NDATA/house-1"
    told = hear(driver, [Outgoing(encode_payload(SparkplugPayload(metrics, times[1], 2)), topic)])
    assert [(one.observed_at // 10**6, dict(one.values)) for one in readings(told)] == [
        (times[0], {"level": 2.0}),
        (times[1], {"level": 1.0}),
    ]


@pytest.mark.parametrize(("quality", "kept"), [(192, "good"), (0, "bad"), (500, "uncertain")])
def test_the_quality_a_node_gives_is_the_readings(quality: int, kept: str) -> None:
    driver, node = host(), house()
    born(driver, node)
    metric = replace(metric_of("Tank/Level", Datatype.INT16, 1, NOW.utc // 10**6), quality=quality)
    body = encode_payload(SparkplugPayload([metric], NOW.utc // 10**6, 2))
    (reading,) = readings(hear(driver, [Outgoing(body, "spBv1.0/port/NDATA/house-1")]))
    assert reading.quality == kept


def test_a_clock_that_cannot_be_right_is_told_and_the_reading_is_uncertain() -> None:
    driver, node = host(), house()
    events = hear(driver, node.wake(Instant(0, 0.0)))
    assert {one.observed_at // 10**9 for one in readings(events)} == {NOW.utc // 10**9}
    assert {one.quality for one in readings(events)} == {Quality.UNCERTAIN, Quality.GOOD}
    assert reasons(events)["time"] >= 1


def test_data_before_a_birth_is_no_value_and_asks_for_one() -> None:
    driver, node = host(), house()
    node.wake(NOW)
    events = hear(driver, [node.data("", NOW), node.data("pump", NOW)])
    assert (said(events), reasons(events)) == ([], {"before_birth": 2})
    assert driver.wake_at is not None
    assert NOW.monotonic <= driver.wake_at < NOW.monotonic + 1
    driver.wake(at(1))
    ((topic, (metric,)),) = sent(driver)
    assert topic == "spBv1.0/port/NCMD/house-1"
    assert (metric.name, metric.datatype, metric.raw) == (REBIRTH, Datatype.BOOLEAN, 1)


def test_requests_to_be_born_again_are_an_interval_apart() -> None:
    driver, node = host(), house()
    node.wake(NOW)
    asked = []
    for second in range(150):
        hear(driver, [node.data("", at(second))], at(second))
        if driver.wake_at is not None and driver.wake_at <= at(second).monotonic:
            driver.wake(at(second))
        asked += [second for _ in sent(driver)]
    assert [later - earlier for earlier, later in pairwise(asked)] == [60, 60]


def test_two_devices_of_one_node_ask_once() -> None:
    node = house()
    node.wake(NOW)
    drivers = [host(ident=f"d{number}") for number in range(5)]
    for driver in drivers:
        hear(driver, [node.data("", NOW)])
    drivers.sort(key=lambda driver: driver.wake_at or 0.0)
    first = drivers[0]
    assert first.wake_at is not None
    first.wake(Instant(NOW.utc, first.wake_at))
    (request,) = first.outgoing()
    for driver in drivers:
        hear(driver, [request], at(0.5))
    assert [driver.wake_at for driver in drivers] == [None] * 5


def test_a_message_that_is_missing_is_waited_for_then_asked_after() -> None:
    driver, node = host(), house()
    born(driver, node)
    node.skip = 1
    events = hear(driver, [node.data("", at(1))], at(1))
    assert (values(events), reasons(events)) == ({"level": 4.2}, {"sequence": 1})
    assert driver.wake_at == at(3).monotonic
    driver.wake(at(3))
    assert sent(driver) == []
    assert driver.wake_at is not None
    driver.wake(Instant(NOW.utc, driver.wake_at))
    assert [topic for topic, _ in sent(driver)] == ["spBv1.0/port/NCMD/house-1"]
    assert faults(hear(driver, node.birth(at(5)), at(5))) == []
    assert driver.wake_at is None


def test_a_message_that_is_late_ends_the_waiting() -> None:
    driver, node = host(), house()
    born(driver, node)
    late, *early = [node.data("", at(second)) for second in range(1, 4)]
    events = hear(driver, early, at(3))
    assert reasons(events) == {"sequence": 2}
    assert faults(hear(driver, [late], at(3.5))) == []
    assert driver.wake_at is None
    assert faults(hear(driver, [node.data("", at(4))], at(4))) == []


def test_sequence_numbers_go_round_at_255() -> None:
    driver, node = host(), house()
    born(driver, node)
    events = [event for n in range(600) for event in hear(driver, [node.data("pump", at(n))], at(n))]
    assert faults(events) == []
    assert len(readings(events)) == 600


def test_a_nodes_death_makes_what_was_known_bad_until_it_is_born_again() -> None:
    driver, node = host(), house()
    born(driver, node)
    events = hear(driver, [node.will], at(10))
    assert reasons(events) == {"death": 1}
    assert said(events) == [({"level": 4.2, "running": True}, Quality.BAD), ({"online": False}, Quality.GOOD)]
    assert {one.observed_at // 10**9 for one in readings(events)} == {at(10).utc // 10**9}
    assert reasons(hear(driver, [node.data("", at(11))], at(11))) == {"before_birth": 1}
    back = hear(driver, node.reborn(at(12)), at(12))
    assert said(back) == [
        ({"level": 4.2}, Quality.GOOD),
        ({"online": True}, Quality.GOOD),
        ({"running": True}, Quality.GOOD),
    ]
    assert all(one.observed_at >= at(12).utc // 10**6 * 10**6 for one in readings(back))


def test_the_death_of_a_session_before_is_no_death_of_this_one() -> None:
    driver, node = host(), house()
    born(driver, node)
    old = node.will
    hear(driver, node.reborn(at(1)), at(1))
    events = hear(driver, [old], at(2))
    assert (said(events), reasons(events)) == ([], {"death": 1})
    assert faults(hear(driver, [node.data("", at(3))], at(3))) == []


def test_a_devices_death_makes_its_own_metrics_bad_and_no_others() -> None:
    driver, node = host(), house()
    born(driver, node)
    events = hear(driver, [node.device_death("pump", at(1))], at(1))
    assert (said(events), reasons(events)) == ([({"running": True}, Quality.BAD)], {"death": 1})
    assert reasons(hear(driver, [node.data("pump", at(2))], at(2))) == {"before_birth": 1}
    assert values(hear(driver, [node.data("", at(3))], at(3))) == {"level": 4.2}
    assert values(hear(driver, [node.device_birth("pump", at(4))], at(4))) == {"running": True}


def test_a_rebirth_that_says_nothing_new_adds_no_reading() -> None:
    driver, node = host(), house()
    first = node.birth(NOW)
    hear(driver, first)
    assert said(hear(driver, first)) == [({"online": True}, Quality.GOOD)]


def test_metrics_that_are_no_single_value_are_counted_and_passed_over() -> None:
    driver = host()
    dataset = SparkplugMetric("Table", datatype=16, field=17, raw=b"\x01")
    level = metric_of("Tank/Level", Datatype.INT16, 5, NOW.utc // 10**6)
    body = encode_payload(SparkplugPayload([dataset, level], NOW.utc // 10**6, 0))
    events = hear(driver, [Outgoing(body, "spBv1.0/port/NBIRTH/house-1")])
    assert (values(events), reasons(events)) == ({"level": 0.05, "online": True}, {"unreadable": 1})


def test_a_metric_no_birth_told_of_is_told_and_asks_for_a_birth() -> None:
    driver, node = host(), house()
    born(driver, node)
    unknown = SparkplugMetric(alias=99, field=10, raw=1)
    body = encode_payload(SparkplugPayload([unknown], NOW.utc // 10**6, 2))
    assert reasons(hear(driver, [Outgoing(body, "spBv1.0/port/NDATA/house-1")])) == {"unknown": 1}
    assert driver.wake_at is not None


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/port/NBIRTH/house-2",
        "spBv1.0/port/NDATA/house-1/pump",
        "spBv1.0/port/DDATA/house-1",
        "spBv1.0/STATE/scada",
        "spAv1.0/port/NBIRTH/house-1",
        "spBv1.0//NBIRTH/house-1",
        RETAINED + "spBv1.0/port/NBIRTH/house-1",
        "",
    ],
)
def test_what_is_on_other_topics_is_not_ours(topic: str) -> None:
    payload = house().wake(NOW)[0].payload
    assert host().receive(payload, NOW, topic) == ()


def test_another_group_with_a_node_of_the_same_name_is_not_mixed_in() -> None:
    driver, node = host(), house()
    born(driver, node)
    other = house()
    other.group = "city"
    assert hear(driver, other.wake(NOW)) == []
    assert hear(host(group="port"), other.birth(NOW)) == []


def carried_out(driver: Driver, name: str, **arguments: object) -> Sequence[Event]:
    given_ = find_action(driver.actions, name).check(arguments)
    return driver.command(Command(f"{name}-1", "dut", name, given_, NOW.utc + 10**10), NOW)


def test_a_command_is_done_when_the_node_reports_the_value() -> None:
    driver, node = host(), house()
    born(driver, node)
    assert carried_out(driver, "run", value=False) == ()
    (request,) = driver.outgoing()
    assert request.to == "spBv1.0/port/DCMD/house-1/pump"
    answer = node.receive(request.payload, at(1), request.to)
    assert node.cells[1].value is False
    events = hear(driver, answer, at(1))
    assert [event for event in events if isinstance(event, Reply)] == [Reply("run-1", "dut")]
    assert values(events) == {"running": False}
    assert driver.wake_at is None


def test_a_command_that_is_never_reported_ends_with_a_timeout() -> None:
    driver, node = host(), house()
    born(driver, node)
    carried_out(driver, "run", value=False)
    assert driver.wake_at == at(5).monotonic
    (reply,) = driver.wake(at(5))
    assert isinstance(reply, Reply)
    assert reply.reason == "timeout"
    carried_out(driver, "run", value=True)
    (reply,) = driver.connected(at(6))
    assert isinstance(reply, Reply)
    assert reply.reason == "timeout"


def test_a_command_goes_by_alias_where_the_birth_gave_one_else_by_name() -> None:
    for aliases, named in ((True, ("", 0)), (False, ("Tank/Level", None))):
        driver = host()
        born(driver, house(aliases=aliases))
        (reply,) = carried_out(driver, "setpoint", level=300)
        assert isinstance(reply, Reply)
        assert reply.done
        payload = decode_payload(driver.outgoing()[0].payload)
        (metric,) = payload.metrics
        assert ((metric.name, metric.alias), metric.raw) == (named, 300)
        assert (payload.seq, payload.timestamp) == (None, NOW.utc // 10**6)


@pytest.mark.parametrize(
    ("name", "arguments", "detail"),
    [
        ("setpoint", {"level": 40_000}, "of type INT16"),
        ("write_metric", {"metric": "Nothing", "value": "1"}, "announced no metric"),
        ("write_metric", {"metric": "Tank/Level", "value": "high"}, "of type INT16"),
    ],
)
def test_a_command_the_node_could_not_carry_out_is_refused(
    name: str, arguments: dict[str, object], detail: str
) -> None:
    driver = host()
    born(driver, house())
    (reply,) = carried_out(driver, name, **arguments)
    assert isinstance(reply, Reply)
    assert (reply.reason, driver.outgoing()) == ("refused", [])
    assert detail in reply.detail


def test_a_node_that_is_not_there_takes_no_commands() -> None:
    driver, node = host(), house()
    (reply,) = carried_out(driver, "rebirth")
    assert isinstance(reply, Reply)
    assert "nothing was heard" in reply.detail
    born(driver, node)
    hear(driver, [node.will])
    (reply,) = carried_out(driver, "run", value=True)
    assert isinstance(reply, Reply)
    assert (reply.reason, "no birth certificate holds" in reply.detail) == ("refused", True)


def test_any_metric_can_be_written_by_its_name() -> None:
    driver, node = host(device="pump"), house()
    born(driver, node)
    carried_out(driver, "write_metric", metric="Note", value="đêm")
    (request,) = driver.outgoing()
    node.receive(request.payload, NOW, request.to)
    assert node.cells[2].value == "đêm"


def test_a_link_that_opens_anew_asks_for_the_births_it_missed() -> None:
    driver, node = host(), house()
    assert (list(driver.connected(NOW)), driver.wake_at) == ([], None)
    born(driver, node)
    driver.connected(at(10))
    assert reasons(hear(driver, [node.data("", at(10))], at(10))) == {"before_birth": 1}
    assert driver.wake_at is not None
    driver.wake(Instant(NOW.utc, driver.wake_at))
    (request,) = driver.outgoing()
    assert faults(hear(driver, node.receive(request.payload, at(12), request.to), at(12))) == []
    assert values(hear(driver, [node.data("", at(13))], at(13))) == {"level": 4.2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            PROFILE.replace("{metric: Run, device: pump}", "{metric: Tank/Level}"),
            "is read already: once is enough",
        ),
        (PROFILE.replace("rebirth: 60s", "rebirth: never"), "rebirth"),
        (PROFILE.replace("within: 5s", "later: 5s"), "write: later: is not a key here"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        host(text)


def test_topics_are_written_as_they_are_read() -> None:
    for topic in ("spBv1.0/port/NCMD/house-1", "spBv1.0/port/DCMD/house-1/pump"):
        assert str(parse_topic(topic)) == topic


KINDS = st.sampled_from(
    [f"{kind}/house-1" for kind in ("NBIRTH", "NDATA", "NDEATH", "NCMD")]
    + [f"{kind}/house-1/pump" for kind in ("DBIRTH", "DDATA", "DDEATH")]
)
PAYLOADS = st.builds(
    SparkplugPayload,
    st.lists(
        st.builds(
            SparkplugMetric,
            name=st.sampled_from(["", "Tank/Level", "Run", "bdSeq", REBIRTH]),
            alias=st.none() | st.integers(0, 3),
            timestamp=st.none() | st.integers(0, 2**64 - 1),
            datatype=st.none() | st.integers(0, 20),
            null=st.booleans(),
            field=st.sampled_from([10, 11]),
            raw=st.integers(0, 2**32 - 1),
        ),
        max_size=4,
    ),
    timestamp=st.none() | st.integers(0, 2**64 - 1),
    seq=st.none() | st.integers(0, 300),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(KINDS, PAYLOADS.map(encode_payload) | st.binary(max_size=30)), max_size=12))
def test_any_messages_in_any_order_raise_nothing_and_never_ask_twice_in_an_interval(
    messages: list[tuple[str, bytes]],
) -> None:
    driver = host()
    asked = 0
    for number, (kind, payload) in enumerate(messages):
        now = at(number)
        driver.receive(payload, now, f"spBv1.0/port/{kind}")
        if driver.wake_at is not None and driver.wake_at <= now.monotonic:
            driver.wake(now)
        asked += len(driver.outgoing())
    assert asked <= 1
