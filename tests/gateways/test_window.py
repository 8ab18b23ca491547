"""Go-back-N: what goes out, again and when, whatever receipts say."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.delivery.window import FIRST_PATIENCE, LONGEST_PATIENCE, WIDTH, Verdict, Window


def window(floor: int = 0, reached: int = 0) -> Window:
    return Window("e", floor, max(floor, reached), floor)


def test_no_more_than_the_width_is_under_way() -> None:
    sending = window()
    for seq in range(1, WIDTH + 1):
        assert sending.room > 0
        sending.send(seq, 0)
    assert sending.room == 0
    assert sending.receive(10, 1) is Verdict.NEWS
    assert sending.room == 10


def test_a_receipt_may_come_twice_late_or_for_a_part() -> None:
    sending = window()
    for seq in range(1, 6):
        sending.send(seq, 0)
    assert sending.receive(3, 0) is Verdict.NEWS
    assert sending.receive(3, 0) is Verdict.KNOWN
    assert sending.receive(1, 0) is Verdict.KNOWN
    assert sending.receive(5, 0) is Verdict.NEWS
    assert (sending.floor, sending.resend_at) == (5, None)


def test_a_centre_that_repeats_where_it_is_gets_what_it_missed_without_the_wait() -> None:
    sending = window()
    sending.send(1, 10.0)
    sending.receive(1, 10.1)
    sending.send(2, 20.0)
    sending.send(3, 20.1)
    assert sending.receive(1, 20.2) is Verdict.KNOWN
    assert not sending.is_overdue(20.2)
    assert sending.receive(1, 20.4) is Verdict.KNOWN
    assert sending.is_overdue(20.4)


def test_without_a_receipt_everything_goes_out_again_ever_more_patiently() -> None:
    sending = window()
    now, waits = 0.0, []
    for _ in range(6):
        for seq in (1, 2, 3):
            sending.send(seq, now)
        assert sending.resend_at is not None
        assert not sending.is_overdue(sending.resend_at - 0.01)
        waits.append(sending.resend_at - now)
        now = sending.resend_at
        assert sending.is_overdue(now)
        sending.go_back()
        assert sending.sent == 0
    assert waits == [2, 4, 8, 16, 30, 30]
    assert (waits[0], waits[-1]) == (FIRST_PATIENCE, LONGEST_PATIENCE)
    assert sending.resent == 15


def test_a_receipt_for_what_was_sent_before_going_back_is_believed() -> None:
    sending = window()
    for seq in (1, 2, 3):
        sending.send(seq, 0)
    sending.go_back()
    sending.send(1, 2)
    assert sending.receive(3, 2) is Verdict.NEWS
    assert (sending.sent, sending.floor, sending.resend_at) == (3, 3, None)


def test_a_receipt_for_what_an_earlier_process_sent_is_believed_and_for_more_is_not() -> None:
    sending = window(floor=2, reached=7)
    assert sending.receive(8, 0) is Verdict.IMPOSSIBLE
    assert sending.receive(7, 0) is Verdict.NEWS
    assert sending.floor == 7


def test_a_new_connection_starts_from_the_oldest() -> None:
    sending = window()
    for seq in (1, 2, 3):
        sending.send(seq, 0)
    sending.receive(1, 0)
    sending.restart()
    assert (sending.sent, sending.room, sending.resend_at) == (1, WIDTH, None)


@settings(max_examples=200)
@given(st.lists(st.one_of(st.integers(0, 60), st.sampled_from(["send", "back", "restart"])), max_size=200))
def test_whatever_happens_the_floor_rises_and_stays_below_what_was_sent(steps: list[int | str]) -> None:
    sending, last = window(), 0
    for step in steps:
        floor = sending.floor
        if step == "send" and sending.room > 0:
            sending.send(sending.sent + 1, 0)
            last = max(last, sending.sent)
        elif step == "back":
            sending.go_back()
        elif step == "restart":
            sending.restart()
        elif isinstance(step, int):
            sending.receive(step, 0)
        assert floor <= sending.floor <= sending.sent <= last
        assert 0 <= sending.room <= WIDTH
        assert (sending.resend_at is None) or sending.sent > sending.floor
