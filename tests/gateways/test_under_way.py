"""Commands that wait for their end: each gets one reply, whatever happens."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.commands.under_way import LONGEST_WAIT, MOST_UNDER_WAY, UnderWay, checked
from telemetry import Command, CommandError, Instant, Reply
from tests.gateways.polling import EPOCH, SET

COMMAND = Command("c1", "lamp", "set", {"value": 1}, EPOCH + 5_000_000_000)


def at(seconds: float) -> Instant:
    return Instant(EPOCH + round(seconds * 1e9), seconds)


def test_a_driver_s_reply_ends_a_command_once_and_a_stranger_s_does_not() -> None:
    replies: list[Reply] = []
    under_way = UnderWay()
    assert under_way.add(COMMAND, replies.append, at(0), 0)
    under_way.finish(Reply("c1", "another device"))
    under_way.finish(Reply("c2", "lamp"))
    assert replies == []
    under_way.finish(Reply("c1", "lamp", values={"value": 1}))
    under_way.finish(Reply("c1", "lamp", "timeout"))
    under_way.expire(at(100))
    assert replies == [Reply("c1", "lamp", values={"value": 1})]
    assert under_way.deadline is None


def test_without_a_reply_it_times_out_at_its_expiry_and_not_before() -> None:
    replies: list[Reply] = []
    under_way = UnderWay()
    under_way.add(COMMAND, replies.append, at(0), 0)
    under_way.add(replace(COMMAND, id="c2", expires_at=EPOCH + 9_000_000_000), replies.append, at(0), 0)
    assert under_way.deadline == 5
    under_way.expire(at(4.9))
    assert replies == []
    under_way.expire(at(5))
    assert [(reply.command, reply.reason) for reply in replies] == [("c1", "timeout")]
    assert under_way.deadline == 9


def test_where_the_clock_was_never_set_a_command_does_not_wait_for_decades() -> None:
    under_way = UnderWay()
    under_way.add(COMMAND, lambda _: None, Instant(0, 7), 0)
    assert under_way.deadline == 7 + LONGEST_WAIT


def test_what_was_sent_may_have_been_done_and_what_was_not_was_not() -> None:
    replies: list[Reply] = []
    under_way = UnderWay()
    under_way.add(COMMAND, replies.append, at(0), 3)
    under_way.add(replace(COMMAND, id="c2", device="other"), replies.append, at(0), 3)
    sent = {"lamp": 3, "other": 4}
    under_way.break_off(sent.__getitem__, "the link broke")
    assert [(reply.command, reply.reason, reply.detail) for reply in replies] == [
        ("c1", "unsent", "the link broke"),
        ("c2", "timeout", "the link broke; it may have been done or not"),
    ]


def test_more_than_a_bounded_number_and_a_second_of_one_id_are_not_taken() -> None:
    under_way = UnderWay()
    assert under_way.add(COMMAND, lambda _: None, at(0), 0)
    assert not under_way.add(COMMAND, lambda _: None, at(0), 0)
    for number in range(MOST_UNDER_WAY - 1):
        assert under_way.add(replace(COMMAND, id=f"d{number}"), lambda _: None, at(0), 0)
    assert not under_way.add(replace(COMMAND, id="one more"), lambda _: None, at(0), 0)


def test_arguments_are_checked_against_the_action_and_go_on_as_it_wants_them() -> None:
    with pytest.raises(CommandError, match="value is a number from 0"):
        checked(replace(COMMAND, arguments={"value": -1}), [SET])
    with pytest.raises(CommandError, match="there is no action 'sett'; did you mean set"):
        checked(replace(COMMAND, action="sett"), [SET])
    assert checked(COMMAND, [SET]) == COMMAND


STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 9), st.integers(0, 2)),
    st.tuples(st.just("finish"), st.integers(0, 9), st.integers(0, 2)),
    st.tuples(st.just("expire"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("break"), st.just(0), st.integers(0, 2)),
    st.tuples(st.just("refuse"), st.just(0), st.integers(0, 2)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_each_command_taken_gets_exactly_one_reply(
    steps: list[tuple[str, int, int]],
) -> None:
    under_way, taken, replied = UnderWay(), Counter[str](), Counter[str]()
    for now, (step, number, device) in enumerate(steps):
        command = Command(f"c{number}", f"d{device}", "set", {}, EPOCH + (now + number) * 10**9)
        if step == "add":
            taken[command.id] += under_way.add(
                command, lambda reply: replied.update([reply.command]), at(now), 0
            )
        elif step == "finish":
            under_way.finish(Reply(command.id, command.device))
        elif step == "expire":
            under_way.expire(at(now))
        elif step == "break":
            under_way.break_off(lambda _: 0, "broke", None if device == 2 else f"d{device}")
        else:
            under_way.refuse(f"d{device}", "a bug")
        assert all(replied[one] <= taken[one] for one in taken)
    under_way.break_off(lambda _: 0, "the end")
    assert replied == taken
    assert under_way.deadline is None
