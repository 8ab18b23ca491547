"""Who listens live: what each wants, and what waits for each. No I/O.

A listener that does not keep up never costs memory or holds up the others: beyond a bound only the
newest state of each thing waits for it, and how much it did not get to see is counted.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from api.current import Item, Topic
from api.geography import Box

QUEUED_ITEMS = 2_000
BYTES_AT_ONCE = 1 << 18
"""Clients such as Python's websockets take messages up to a mebibyte."""


@dataclass(frozen=True, slots=True)
class Interest:
    """What a listener wants. devices: None for all. box: None for ships everywhere."""

    topics: frozenset[Topic] = frozenset(Topic)
    devices: frozenset[str] | None = None
    box: Box | None = None


@dataclass(slots=True)
class Listener:
    """One listener and what waits for it. dropped: states replaced by newer ones before they were sent."""

    interest: Interest = field(default_factory=Interest)
    dropped: int = 0
    _queue: deque[Item] = field(default_factory=deque[Item])
    _overflow: dict[tuple[Topic, str | int], Item] = field(
        default_factory=dict[tuple[Topic, "str | int"], Item]
    )
    _inside: set[str | int] = field(default_factory=set["str | int"])

    def offer(self, items: Iterable[Item]) -> bool:
        """Queues what is wanted of the items. Returns whether anything waits."""
        for item in items:
            if self._wants(item):
                self._put(item)
        return bool(self._queue)

    def take(self) -> Sequence[Item]:
        """The next items to send, in order, and forgets them."""
        taken: list[Item] = []
        size = 0
        while self._queue and (not taken or size + len(self._queue[0].json) <= BYTES_AT_ONCE):
            taken.append(self._queue.popleft())
            size += len(taken[-1].json)
        if not self._queue:
            self._queue.extend(self._overflow.values())
            self._overflow.clear()
        return taken

    def change(self, interest: Interest) -> None:
        """Wants something else from now on; what waits is forgotten."""
        self.interest = interest
        self._queue.clear()
        self._overflow.clear()
        self._inside.clear()

    def _put(self, item: Item) -> None:
        if len(self._queue) < QUEUED_ITEMS and not self._overflow:
            self._queue.append(item)
            return
        key = (item.topic, item.key)
        self.dropped += key in self._overflow
        self._overflow[key] = item

    def _wants(self, item: Item) -> bool:
        if item.topic not in self.interest.topics:
            return False
        if item.topic is Topic.READINGS:
            return self.interest.devices is None or item.key in self.interest.devices
        if item.topic is Topic.VESSELS and self.interest.box is not None:
            return self._near(item, self.interest.box)
        return True

    def _near(self, item: Item, box: Box) -> bool:
        """A ship inside the box; and once more when it has left, so that nobody shows it inside for ever."""
        was_inside = item.key in self._inside
        if item.position is not None and box.contains(*item.position):
            self._inside.add(item.key)
            return True
        self._inside.discard(item.key)
        return was_inside
