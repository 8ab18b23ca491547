"""Regular expressions with a time limit for each line, so that a careless one cannot hold up a gateway.

A pattern that runs out of time on three lines in a row rests for a minute and is then tried again. The
limit is processor time, so a busy machine makes no pattern slow.
"""

from collections.abc import Mapping
from typing import Any

import regex  # type: ignore[import-untyped] # the package has no types

from telemetry import HaidangError, Instant

SLOW_LIMIT = 3
REST = 60.0
"""Seconds for which a pattern rests that was too slow on so many lines in a row."""

Groups = Mapping[str, str | None]
"""The named groups of a line that fits; None for one that took no part."""


class PatternError(HaidangError):
    """A text that is no regular expression."""


class SlowPatternError(HaidangError):
    """A pattern ran out of time on a line. told: whether people know already."""

    def __init__(self, detail: str, *, told: bool) -> None:
        super().__init__(detail)
        self.told = told


class TimedPattern:
    """A regular expression for whole lines. limit: seconds of processor time for one line."""

    def __init__(self, text: str, limit: float) -> None:
        try:
            self._pattern: Any = regex.compile(text)
        except (regex.error, RecursionError, OverflowError, ValueError) as error:
            raise PatternError(f"{text[:60]!r} is not a regular expression: {error}") from error
        self.text = text
        self.groups = frozenset[str](self._pattern.groupindex)
        self._limit = limit
        self._slow = 0
        self._rests_until = float("-inf")

    def match(self, line: str, now: Instant) -> Groups | None:
        """The groups of a line that fits; None for one that does not, and while the pattern rests.

        Raises SlowPatternError when the line took too long.
        """
        if self.rests(now):
            return None
        try:
            found = self._pattern.fullmatch(line, timeout=self._limit)
        except TimeoutError as error:
            raise self._slower(now) from error
        self._slow = 0
        return None if found is None else found.groupdict()

    def rests(self, now: Instant) -> bool:
        """Whether it is left out for now because it was too slow."""
        return now.monotonic < self._rests_until

    def _slower(self, now: Instant) -> SlowPatternError:
        self._slow += 1
        detail = f"{self.text[:80]!r} took more than {self._limit * 1000:g} ms for a line: make it simpler"
        if self._slow >= SLOW_LIMIT:
            self._rests_until = now.monotonic + REST
            detail += f"; it rests for {REST:g} s, and is not told again until it was fast"
        return SlowPatternError(detail, told=self._slow > SLOW_LIMIT)
