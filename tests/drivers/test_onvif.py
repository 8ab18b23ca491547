"""The ONVIF driver: what it asks, what it makes of answers, and whatever comes instead of one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import Catalogue, parse_profile
from drivers.contract import Driver, Event, Fault
from drivers.onvif import messages as m
from drivers.onvif.events import MOST_SOURCES
from drivers.onvif.plan import plain_topic
from drivers.onvif.requests import GIVE_UP
from drivers.ptz.orders import LIMIT
from telemetry import Command, Device, Instant, ProfileError, Reading, Reply, Value
from telemetry.commands import find_action
from tests.drivers.listening import CATALOGUE, NOW, readings, reasons, values

HEAD = m.Hello(model="Q", firmware="1", head=m.Head(), events=True)
DEGREES = """
id: dome
title: {en: Dome, vi: Camera vòm}
driver: onvif
kind: camera
settings: {pan_degrees: [-170, 170], tilt_degrees: [90, -30], auxiliary: [wiper], without: [home]}
metrics:
  - {name: pan, title: {en: Pan, vi: Quay}, unit: deg, read: {value: pan}}
  - {name: tilt, title: {en: Tilt, vi: Ngẩng}, unit: deg, read: {value: tilt}}
actions:
  - name: defog
    title: {en: Defog, vi: Xua sương}
    write: {auxiliary: "tt:Defog|On"}
"""


def at(seconds: float) -> Instant:
    return Instant(NOW.utc + round(seconds * 10**9), NOW.monotonic + seconds)


class Talk:
    """A driver and its link, by hand."""

    def __init__(self, driver: Driver | None = None, hello: m.Hello | None = HEAD) -> None:
        device = Device(id="cam", profile="onvif-camera", link="onvif://192.0.2.1", every=60)
        self.driver = driver or CATALOGUE.open_driver(device)
        self.commands = 0
        self.driver.connected(NOW)
        self.wake()
        if hello is not None:
            self.tell(hello, m.HELLO)

    def tell(
        self, message: m.Hello | m.Answer | m.Happening | m.Notice, origin: str, when: float = 0
    ) -> list[Event]:
        return list(self.driver.receive(m.encode(message), at(when), origin))

    def wake(self, when: float = 0) -> list[tuple[str, m.Ask]]:
        """What is asked then."""
        self.events = list(self.driver.wake(at(when)))
        return [(one.to, m.decode(m.Ask, one.payload)) for one in self.driver.outgoing()]

    def settle(self, when: float = 0) -> None:
        """Wakes and answers until nothing is open: the first stop, the first position."""
        while asked := self.wake(when):
            for _, ask in asked:
                self.tell(m.Answer(ask.id), m.ANSWER, when)

    def command(self, action: str, when: float = 0, lasting: float = 30, **given: Value) -> list[Event]:
        self.commands += 1
        arguments = find_action(self.driver.actions, action).check(given)
        command = Command(f"c{self.commands}", "cam", action, arguments, at(when + lasting).utc)
        return list(self.driver.command(command, at(when)))


def dome() -> Driver:
    return Catalogue([parse_profile(DEGREES, "dome.yaml")]).open_driver(
        Device(id="cam", profile="dome", link="onvif://192.0.2.1", every=60)
    )


def replies(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.command, event.reason) for event in events if isinstance(event, Reply)]


def test_nothing_but_hello_is_asked_before_the_camera_said_what_it_has() -> None:
    talk = Talk(hello=None)
    assert talk.command("move", pan=1.0) == []
    assert talk.wake() == []
    assert talk.driver.wake_at == at(GIVE_UP).monotonic
    assert [verb for verb, _ in talk.wake(GIVE_UP)] == [m.HELLO]
    talk.tell(HEAD, m.HELLO, GIVE_UP)
    assert [verb for verb, _ in talk.wake(GIVE_UP)] == [m.STOP, m.MOVE, m.POSITION]


def test_degrees_are_what_the_ends_of_the_range_are_said_to_be() -> None:
    talk = Talk(dome(), m.Hello(head=m.Head(pan=(-1.0, 1.0), tilt=(0.0, 180.0))))
    (position,) = [ask for verb, ask in talk.wake() if verb == m.POSITION]
    events = talk.tell(m.Answer(position.id, pan=0.5, tilt=180.0), m.ANSWER)
    assert values(events) == {"pan": 85.0, "tilt": -30.0}
    talk.settle()
    talk.command("move_to", pan=-170.0, tilt=30.0)
    ((verb, ask),) = talk.wake()
    assert (verb, ask.pan, ask.tilt) == (m.MOVE_TO, -1.0, 90.0)
    action = find_action(talk.driver.actions, "move_to")
    assert [(one.unit, one.minimum, one.maximum) for one in action.arguments] == [
        ("deg", -170, 170),
        ("deg", -30, 90),
    ]


def test_auxiliary_commands_are_the_models_own_and_what_it_lacks_is_not_offered() -> None:
    talk = Talk(dome())
    talk.settle()
    talk.command("wiper", on=True)
    ((verb, ask),) = talk.wake()
    assert (verb, ask.text) == (m.AUXILIARY, "tt:Wiper|On")
    assert replies(talk.tell(m.Answer(ask.id), m.ANSWER)) == [("c1", "")]
    talk.command("defog")
    ((_, ask),) = talk.wake()
    assert ask.text == "tt:Defog|On"
    assert "home" not in {action.name for action in talk.driver.actions}


def test_a_newer_move_takes_the_place_of_one_that_waits_and_a_stop_of_all() -> None:
    talk = Talk()
    talk.settle()
    talk.command("move", pan=0.1)
    ((_, first),) = talk.wake()
    assert talk.command("move", pan=0.2) == []
    assert replies(talk.command("move", pan=0.3)) == [("c2", "unsent")]
    assert talk.wake() == []
    assert replies(talk.command("stop")) == [("c3", "unsent")]
    assert talk.driver.urgent
    ((verb, stop),) = talk.wake()
    assert (verb, stop.stop_pan_tilt, stop.stop_zoom) == (m.STOP, True, True)
    assert replies(talk.tell(m.Answer(first.id), m.ANSWER)) == [("c1", "")]
    assert replies(talk.tell(m.Answer(stop.id), m.ANSWER)) == [("c4", "")]
    assert talk.wake(5) == []


def test_a_motion_nobody_renews_is_stopped_again_and_again_until_the_camera_confirms() -> None:
    talk = Talk()
    talk.settle()
    talk.command("move", pan=1.0, hold=1.0)
    ((_, move),) = talk.wake()
    talk.tell(m.Answer(move.id), m.ANSWER)
    assert talk.wake(0.9) == []
    ((verb, stop),) = talk.wake(1.0)
    assert (verb, stop.stop_pan_tilt, stop.stop_zoom) == (m.STOP, True, False)
    assert talk.wake(1.2) == []
    events = talk.tell(m.Answer(stop.id, "timeout", "no answer"), m.ANSWER, 1.4)
    assert reasons(events) == {"timeout": 1}
    ((verb, stop),) = talk.wake(1.5)
    assert verb == m.STOP
    talk.tell(m.Answer(stop.id), m.ANSWER, 1.6)
    assert talk.wake(9) == []


def test_a_motion_that_is_renewed_in_time_goes_on() -> None:
    talk = Talk()
    talk.settle()
    for step in range(4):
        talk.command("move", step * 0.8, pan=1.0, hold=1.0)
        ((verb, move),) = talk.wake(step * 0.8)
        assert verb == m.MOVE
        talk.tell(m.Answer(move.id), m.ANSWER, step * 0.8)
    assert talk.wake(3.3) == []
    assert [verb for verb, _ in talk.wake(3.4)] == [m.STOP]


def test_a_link_that_breaks_ends_every_command_and_stops_the_head_when_it_is_back() -> None:
    talk = Talk()
    talk.settle()
    talk.command("move", pan=1.0)
    talk.wake()
    talk.command("preset_store", preset=2)
    talk.command("stop")
    events = list(talk.driver.connected(at(1)))
    assert sorted(replies(events)) == [("c1", "timeout"), ("c2", "unsent"), ("c3", "unsent")]
    assert [verb for verb, _ in talk.wake(1)] == [m.HELLO]
    talk.tell(HEAD, m.HELLO, 1)
    assert next(verb for verb, _ in talk.wake(1)) == m.STOP


def test_what_is_never_answered_ends_in_time() -> None:
    talk = Talk()
    talk.wake()
    talk.command("preset_recall", preset=1)
    talk.wake()
    talk.wake(GIVE_UP)
    assert replies(talk.events) == [("c1", "timeout")]
    assert reasons(talk.events) == {"timeout": 2}
    assert talk.tell(m.Answer("cam/4"), m.ANSWER, GIVE_UP + 1) == []


def test_a_command_too_old_and_one_too_many_are_not_sent() -> None:
    talk = Talk()
    talk.settle()
    talk.command("home", lasting=1)
    assert talk.wake(2) == []
    assert replies(talk.events) == [("c1", "expired")]
    given: list[Event] = []
    for _ in range(LIMIT + 2):
        given += talk.command("preset_store", 2, preset=1)
    for _ in range(LIMIT + 2):
        given += talk.command("stop", 2)
    assert [reason for _, reason in replies(given)] == ["refused"] * 4


def test_an_event_is_true_while_any_of_its_sources_says_so() -> None:
    talk = Talk()
    topic = "tns1:RuleEngine/CellMotionDetector/Motion"
    told: list[Event] = []
    for rule, text in (("a", "true"), ("b", "true"), ("a", "false"), ("b", "0")):
        told += talk.tell(m.Happening(topic, {"Rule": rule}, {"IsMotion": text}), m.EVENT)
    assert [reading.values["motion"] for reading in readings(told)] == [True, True, True, False]
    stamps = [reading.observed_at for reading in readings(told)]
    assert len(set(stamps)) == len(stamps)


def test_sources_are_remembered_within_bounds_and_forgotten_with_the_subscription() -> None:
    talk = Talk()
    topic = "tns1:VideoSource/MotionAlarm"
    for number in range(MOST_SOURCES * 3):
        talk.tell(m.Happening(topic, {"Source": str(number)}, {"State": "true"}), m.EVENT)
    assert len(talk.driver._events._active["motion"]) == MOST_SOURCES  # type: ignore[attr-defined]
    talk.driver.connected(at(1))
    events = talk.tell(m.Happening(topic, {"Source": "0"}, {"State": "false"}), m.EVENT, 1)
    assert values(events) == {"motion": False}


@pytest.mark.parametrize(
    ("topic", "plain"),
    [
        ("tns1:VideoSource/MotionAlarm", "VideoSource/MotionAlarm"),
        ("tns1:RuleEngine/CellMotionDetector/Motion//.", "RuleEngine/CellMotionDetector/Motion"),
        (" tns1:Device/tnsaxis:IO/Port ", "Device/IO/Port"),
        ("", ""),
    ],
)
def test_topics_are_compared_without_prefixes(topic: str, plain: str) -> None:
    assert plain_topic(topic) == plain


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("read: {value: pan}", "unit"),
        ("read: {value: height}", "value"),
        ("read: {}", "either value or events"),
        ('unit: deg, read: {events: [{topic: "a//b", item: x}]}', "a topic is names"),
        ('read: {events: [{topic: "a/b"}]}', "needs the item"),
    ],
)
def test_a_wrong_profile_is_told_with_its_metric(change: str, told: str) -> None:
    text = DEGREES.replace("unit: deg, read: {value: pan}", change)
    profile = parse_profile(text, "dome.yaml")
    with pytest.raises(ProfileError, match=f"metric pan.*{told}"):
        Catalogue([profile]).open_driver(Device(id="cam", profile="dome", link="onvif://h"))


MESSAGES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(["pan", "id", "topic", "items", "head"]).flatmap(
        lambda key: st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps({key: value}).encode())
    ),
)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from([m.HELLO, m.ANSWER, m.EVENT, m.NOTICE, "", "x" * 99]), MESSAGES), max_size=8
    )
)
def test_whatever_comes_raises_nothing_and_keeps_nothing(messages: list[tuple[str, bytes]]) -> None:
    talk = Talk()
    for step, (origin, payload) in enumerate(messages):
        for event in talk.driver.receive(payload, at(step), origin):
            assert isinstance(event, Reading | Fault)
        talk.wake(step)
    assert len(talk.driver._requests.deadlines) <= 3  # type: ignore[attr-defined]


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(["move", "stop", "home", "answer", "lost", "later", "break"]), min_size=1, max_size=40
    )
)
def test_every_command_is_replied_to_exactly_once_whatever_happens(steps: list[str]) -> None:
    talk, now, ended = Talk(), 0.0, list[tuple[str, str]]()
    open_asks: list[m.Ask] = []
    for step in [*steps, "break"]:
        events: list[Event] = []
        if step in {"move", "stop", "home"}:
            events = talk.command(step, now)
        elif step == "answer" and open_asks:
            events = talk.tell(m.Answer(open_asks.pop(0).id), m.ANSWER, now)
        elif step == "lost" and open_asks:
            open_asks.pop()
        elif step == "later":
            now += 3
        elif step == "break":
            events = list(talk.driver.connected(at(now)))
            open_asks.clear()
            talk.tell(HEAD, m.HELLO, now)
        ended += replies(events)
        open_asks += [ask for _, ask in talk.wake(now)]
        ended += replies(talk.events)
    assert sorted(key for key, _ in ended) == sorted(f"c{n}" for n in range(1, talk.commands + 1))
