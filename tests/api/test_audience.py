"""Who listens live: wishes, order, and bounds."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from api.audience import BYTES_AT_ONCE, QUEUED_ITEMS, Interest, Listener
from api.current import Item, Topic
from api.geography import Box


def item(key: int, content: str = "{}", position: tuple[float, float] | None = None) -> Item:
    """A ship."""
    return Item(Topic.VESSELS, key, content.encode(), position)


def drained(listener: Listener) -> Sequence[Item]:
    """Everything that waits, in order."""
    items: list[Item] = []
    while taken := listener.take():
        items.extend(taken)
    return items


def test_what_is_offered_comes_out_in_order() -> None:
    listener = Listener()
    items = [item(number) for number in range(100)]
    assert listener.offer(items)
    assert drained(listener) == items
    assert not listener.take()


def test_beyond_the_bound_only_the_newest_of_each_waits_and_the_rest_is_counted() -> None:
    listener = Listener()
    listener.offer(item(0, f"{n}") for n in range(QUEUED_ITEMS))
    listener.offer(item(n % 3, f"late {n}") for n in range(9))
    assert listener.dropped == 6
    assert [one.json for one in drained(listener)[-3:]] == [b"late 6", b"late 7", b"late 8"]


def test_no_message_is_larger_than_a_client_takes() -> None:
    listener = Listener()
    sizes = [10, BYTES_AT_ONCE, 2 * BYTES_AT_ONCE, 10, 10]
    listener.offer(item(n, "x" * size) for n, size in enumerate(sizes))
    taken: list[list[str | int]] = []
    while items := listener.take():
        taken.append([one.key for one in items])
    assert taken == [[0], [1], [2], [3, 4]]


def test_a_ship_that_leaves_the_box_is_told_once_more() -> None:
    listener = Listener(Interest(box=Box(10, 50, 11, 51)))
    inside, outside = (50.5, 10.5), (52.0, 10.5)
    listener.offer(
        [item(1, "a", outside), item(1, "b", inside), item(1, "c", outside), item(1, "d", outside)]
    )
    assert [one.json for one in drained(listener)] == [b"b", b"c"]
    listener.offer([item(1, "e", inside), item(1, "f", None), item(1, "g", None)])
    assert [one.json for one in drained(listener)] == [b"e", b"f"]


def test_a_new_wish_forgets_what_waits() -> None:
    listener = Listener()
    listener.offer([item(1)])
    listener.change(Interest(topics=frozenset({Topic.READINGS})))
    listener.offer([item(2), Item(Topic.READINGS, "mast", b"{}")])
    assert [one.key for one in drained(listener)] == ["mast"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=300), st.integers(1, 20))
def test_whatever_the_pace_the_newest_of_each_arrives_last(steps: list[tuple[int, bool]], bound: int) -> None:
    listener = Listener()
    newest: dict[str | int, bytes] = {}
    seen: dict[str | int, bytes] = {}
    for number, (key, reads) in enumerate(steps):
        listener.offer([item(key, str(number))] * (QUEUED_ITEMS // bound))
        newest[key] = str(number).encode()
        if reads:
            seen |= {one.key: one.json for one in listener.take()}
        assert len(listener._queue) <= QUEUED_ITEMS + len(newest)
        assert len(listener._overflow) <= len(newest)
    seen |= {one.key: one.json for one in drained(listener)}
    assert seen == newest
