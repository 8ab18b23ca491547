"""The dead-man stop and the queue of orders, alone."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ptz.deadman import RETRY, SLOWEST_RETRY, DeadMan, Motion
from drivers.ptz.orders import LIMIT, Orders, Stops
from telemetry import Command, Value
from tests.drivers.camera_wire import instant


def quiet(*motions: Motion) -> DeadMan:
    """One whose camera is known to stand still."""
    deadman = DeadMan(*motions)
    for motion in motions:
        deadman.asked(motion, instant(0))
        deadman.stopped(motion)
    assert deadman.wake_at is None
    return deadman


def order(action: str, number: int = 0, expires: float = 60, **given: Value) -> Command:
    return Command(f"{action}-{number}", "dut", action, given, instant(expires).utc)


def test_a_camera_that_was_steered_by_nobody_knows_whom_is_stopped_when_its_link_opens() -> None:
    deadman = DeadMan(*Motion)
    assert deadman.wake_at is None
    deadman.connected(instant(5))
    assert deadman.wake_at == 5
    assert deadman.stopping == tuple(Motion)


def test_a_motion_ends_when_its_time_has_passed_and_not_before() -> None:
    deadman = quiet(Motion.PAN_TILT)
    deadman.started(Motion.PAN_TILT, 1.0, instant(10))
    assert deadman.wake_at == 11
    assert deadman.due(instant(10.999)) is None
    assert deadman.due(instant(11)) is Motion.PAN_TILT


def test_a_newer_move_holds_on_and_replaces_the_older() -> None:
    deadman = quiet(Motion.PAN_TILT)
    deadman.started(Motion.PAN_TILT, 1.0, instant(10))
    deadman.started(Motion.PAN_TILT, 1.0, instant(10.9))
    assert deadman.due(instant(11.5)) is None
    assert deadman.due(instant(11.9)) is Motion.PAN_TILT


def test_a_stop_that_nobody_confirms_is_said_again_ever_less_often() -> None:
    deadman = quiet(Motion.ZOOM)
    deadman.started(Motion.ZOOM, 1.0, instant(0))
    said, now = list[float](), 1.0
    for number in range(1, 10):
        assert deadman.due(instant(now)) is Motion.ZOOM
        assert deadman.asked(Motion.ZOOM, instant(now)) == number
        said.append(now)
        assert deadman.wake_at is not None
        now = deadman.wake_at
    pauses = [round(later - earlier, 3) for earlier, later in pairwise(said)]
    assert pauses[:3] == [RETRY, 2 * RETRY, 4 * RETRY]
    assert pauses[-1] == SLOWEST_RETRY


def test_a_late_word_that_the_last_motion_stopped_does_not_leave_the_next_one_running() -> None:
    deadman = quiet(Motion.PAN_TILT)
    deadman.started(Motion.PAN_TILT, 1.0, instant(0))
    deadman.asked(Motion.PAN_TILT, instant(1))
    deadman.started(Motion.PAN_TILT, 1.0, instant(1.1))
    deadman.stopped(Motion.PAN_TILT)
    assert deadman.due(instant(2.2)) is Motion.PAN_TILT


def test_a_reopened_link_stops_what_was_allowed_to_run_on() -> None:
    deadman = quiet(*Motion)
    deadman.started(Motion.FOCUS, 10.0, instant(0))
    deadman.connected(instant(1))
    assert deadman.due(instant(1)) is Motion.FOCUS
    assert deadman.stopping == (Motion.FOCUS,)


def test_the_head_is_stopped_before_the_lens() -> None:
    deadman = quiet(*Motion)
    deadman.stop_all(instant(3))
    order_of_stops = list[Motion]()
    while (motion := deadman.due(instant(3))) is not None:
        order_of_stops.append(motion)
        deadman.asked(motion, instant(3))
        deadman.stopped(motion)
    assert order_of_stops == [Motion.PAN_TILT, Motion.ZOOM, Motion.FOCUS]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "stop_all", "connect", "pass", "ask", "confirm"]),
        st.sampled_from(list(Motion)),
    )
)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_happens_no_motion_runs_longer_than_it_was_allowed(steps: list[tuple[str, Motion]]) -> None:
    deadman, now = DeadMan(*Motion), 0.0
    deadman.connected(instant(now))
    running: dict[Motion, float] = dict.fromkeys(Motion, 0.0)
    for step, motion in steps:
        if step == "start":
            deadman.started(motion, 1.0, instant(now))
            running[motion] = now + 1.0
        elif step == "stop_all":
            deadman.stop_all(instant(now))
        elif step == "connect":
            deadman.connected(instant(now))
        elif step == "pass":
            now += 0.4
        elif step == "ask" and deadman.due(instant(now)) is motion:
            deadman.asked(motion, instant(now))
        elif step == "confirm" and motion in deadman.stopping:
            deadman.stopped(motion)
            running.pop(motion, None)
    for motion, until in running.items():
        due = deadman.wake_at
        assert due is not None
        assert deadman.due(instant(max(until, now) + SLOWEST_RETRY)) is not None, motion


def test_the_newest_move_wins_and_the_older_one_gets_its_reply() -> None:
    orders = Orders()
    assert orders.put(order("move", 1), instant(0)) == []
    (reply,) = orders.put(order("move", 2), instant(0))
    assert (reply.command, reply.reason) == ("move-1", "unsent")
    command, replies = orders.take(instant(0))
    assert command is not None
    assert (command.id, replies, len(orders)) == ("move-2", [], 0)


def test_a_zoom_does_not_replace_a_move_but_a_preset_replaces_both() -> None:
    orders = Orders()
    for one in (order("move"), order("zoom"), order("focus"), order("power")):
        assert orders.put(one, instant(0)) == []
    replaced = orders.put(order("preset_recall"), instant(0))
    assert [reply.command for reply in replaced] == ["move-0", "zoom-0", "focus-0"]


def test_an_order_that_waited_too_long_is_never_sent() -> None:
    orders = Orders()
    orders.put(order("home", expires=1), instant(0))
    orders.put(order("power", expires=9), instant(0))
    command, (reply,) = orders.take(instant(2))
    assert command is not None
    assert (command.id, reply.command, reply.reason) == ("power-0", "home-0", "expired")


def test_a_queue_that_is_full_says_so() -> None:
    orders = Orders()
    for number in range(LIMIT):
        assert orders.put(order("preset_store", number), instant(0)) == []
    (reply,) = orders.put(order("preset_store", LIMIT), instant(0))
    assert reply.reason == "refused"
    assert len(orders) == LIMIT


def test_a_stop_is_done_when_everything_stands_still() -> None:
    deadman = quiet(Motion.PAN_TILT, Motion.ZOOM)
    stops = Stops(deadman)
    assert stops.put(order("stop"), instant(0)) == ()
    deadman.stopped(Motion.PAN_TILT)
    assert stops.settled() == ()
    deadman.stopped(Motion.ZOOM)
    (reply,) = stops.settled()
    assert reply.done


def test_of_very_many_stops_none_is_left_without_a_reply() -> None:
    deadman = quiet(Motion.PAN_TILT)
    stops = Stops(deadman)
    replies = [reply for n in range(LIMIT + 5) for reply in stops.put(order("stop", n), instant(0))]
    deadman.stopped(Motion.PAN_TILT)
    replies += stops.settled()
    assert sorted(reply.command for reply in replies) == sorted(f"stop-{n}" for n in range(LIMIT + 5))


def test_stops_that_wait_when_the_link_breaks_are_told_whether_they_were_sent() -> None:
    stops = Stops(quiet(Motion.PAN_TILT))
    stops.put(order("stop", 1), instant(0))
    stops.said()
    stops.put(order("stop", 2), instant(0))
    replies = stops.broken()
    assert [(reply.command, reply.reason) for reply in replies] == [
        ("stop-1", "timeout"),
        ("stop-2", "unsent"),
    ]
    assert stops.settled() == ()
