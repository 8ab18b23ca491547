"""No two readings of one device share a time stamp."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.stamps import Stamps

SECOND = 1_000_000_000


@given(st.lists(st.integers(0, 50) | st.integers(0, 5).map(lambda s: s * SECOND), max_size=60))
def test_up_to_sixty_four_stamps_in_a_row_are_all_different_whatever_the_clock_does(clock: list[int]) -> None:
    stamps = Stamps()
    given_out = [stamps.next(utc) for utc in clock]
    assert len(set(given_out)) == len(given_out)


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=40).map(sorted))
def test_stamps_of_a_clock_that_goes_forward_rise_and_are_the_clocks_own_where_free(clock: list[int]) -> None:
    stamps = Stamps()
    previous = -1
    for utc in clock:
        stamp = stamps.next(utc)
        assert stamp == max(utc, previous + 1)
        previous = stamp


def test_a_burst_of_one_tick_follows_by_nanoseconds() -> None:
    stamps = Stamps()
    assert [stamps.next(7) for _ in range(1000)] == list(range(7, 1007))


def test_stamps_follow_a_clock_that_is_set_back() -> None:
    stamps = Stamps()
    stamps.next(3600 * SECOND)
    assert stamps.next(10 * SECOND) == 10 * SECOND
    assert stamps.next(11 * SECOND) == 11 * SECOND


def test_a_device_that_says_an_earlier_second_again_gets_a_stamp_beside_it() -> None:
    stamps = Stamps()
    assert [stamps.next(second * SECOND) for second in (10, 11, 10)] == [
        10 * SECOND,
        11 * SECOND,
        10 * SECOND + 1,
    ]


def test_a_clock_that_trembles_by_less_than_a_millisecond_does_not_turn_the_order() -> None:
    stamps = Stamps()
    assert stamps.next(SECOND) < stamps.next(SECOND - 5000) < stamps.next(SECOND - 1)
