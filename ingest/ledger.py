"""Which batch is next: each source's batches are taken once and in order, without gaps.

A gateway sends its batches in order and again when no receipt comes, so whatever is not the next
number is either stored already or will come again.
"""

from collections.abc import Collection, Mapping
from enum import Enum, auto

from stores.contract import Source


class Verdict(Enum):
    """What to do with a batch."""

    TAKE = auto()
    STORED = auto()
    """Stored in an earlier life or delivery: only say so again."""
    AHEAD = auto()
    """Something before it is missing: leave it, and say how far it is stored, so that all comes again."""
    UNDER_WAY = auto()
    """Taken and not yet stored: its receipt follows."""


class Ledger:
    """How far each source's batches are taken, and how far they are stored."""

    def __init__(self, stored: Mapping[Source, int]) -> None:
        self._stored = dict(stored)
        self._taken = dict(stored)

    def judge(self, source: Source, seq: int, after: int) -> Verdict:
        """Whether this batch is the next one; if so it counts as taken.

        after: the gateway holds nothing up to this number any more, so the store cannot be waiting
        for it (a new or restored store).
        """
        taken = max(self._taken.get(source, 0), after)
        if seq <= self.stored(source):
            return Verdict.STORED
        if seq <= taken:
            return Verdict.UNDER_WAY
        if seq > taken + 1:
            return Verdict.AHEAD
        self._taken[source] = seq
        return Verdict.TAKE

    @property
    def sources(self) -> Collection[Source]:
        """Everybody ever heard of, by now."""
        return tuple(self._stored)

    def stored(self, source: Source) -> int:
        """The highest number stored, 0 for a source never seen."""
        return self._stored.get(source, 0)

    def settle(self, marks: Mapping[Source, int]) -> None:
        """These are stored now."""
        for source, seq in marks.items():
            self._stored[source] = max(seq, self.stored(source))
