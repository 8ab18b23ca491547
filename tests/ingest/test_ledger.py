"""Which batch is next."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.ledger import Ledger, Verdict
from stores.contract import Source

SOURCE = Source("dinh-vu", "e1")


def test_batches_are_taken_in_order_and_each_once() -> None:
    ledger = Ledger({})
    assert ledger.judge(SOURCE, 1, 0) is Verdict.TAKE
    assert ledger.judge(SOURCE, 1, 0) is Verdict.UNDER_WAY
    assert ledger.judge(SOURCE, 3, 0) is Verdict.AHEAD
    ledger.settle({SOURCE: 1})
    assert ledger.judge(SOURCE, 1, 0) is Verdict.STORED
    assert ledger.judge(SOURCE, 2, 1) is Verdict.TAKE


def test_a_restarted_ingest_goes_on_where_the_store_stopped() -> None:
    ledger = Ledger({SOURCE: 41})
    assert ledger.judge(SOURCE, 41, 40) is Verdict.STORED
    assert ledger.judge(SOURCE, 42, 40) is Verdict.TAKE


def test_a_new_store_takes_up_a_gateway_that_has_delivered_for_long() -> None:
    ledger = Ledger({})
    assert ledger.judge(SOURCE, 1001, 1000) is Verdict.TAKE


def test_a_new_epoch_begins_at_one_whatever_the_old_had_reached() -> None:
    ledger = Ledger({SOURCE: 500})
    assert ledger.judge(Source("dinh-vu", "e2"), 1, 0) is Verdict.TAKE


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=80))
def test_however_batches_come_each_number_is_taken_once_and_in_order(
    arrivals: list[tuple[int, bool]],
) -> None:
    ledger = Ledger({})
    taken: list[int] = []
    for seq, settle in arrivals:
        if ledger.judge(SOURCE, seq, 0) is Verdict.TAKE:
            taken.append(seq)
        if settle and taken:
            ledger.settle({SOURCE: taken[-1]})
    assert taken == list(range(1, len(taken) + 1))


def test_sources_may_be_settled_while_all_are_gone_through() -> None:
    ledger = Ledger({SOURCE: 1})
    for source in ledger.sources:
        ledger.settle({source: 2, Source("dinh-vu", "e2"): 1})
    assert set(ledger.sources) == {SOURCE, Source("dinh-vu", "e2")}
