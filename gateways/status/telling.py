"""What of a gateway's status is worth telling now: all of it, what changed, or nothing. No I/O.

A status with thousands of devices costs wire and both ends' time, so it is told less often; in between only
the devices whose condition changed are told.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from broker.statuses import Condition, Key
from broker.wire import GatewayStatus

SAY_EVERY = 10.0  # seconds
ALL_AT_ONCE = 500
"""Up to so many devices, a status has all of them; beyond, it has all so many times less often."""


@dataclass(frozen=True, slots=True)
class News:
    """What to tell. devices: only these; None for all."""

    devices: Collection[Key] | None = None


class Telling:
    """Remembers what was told last. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._head: tuple[Any, ...] = ()
        self._conditions: Mapping[Key, Condition] = {}
        self._told_at = self._told_all_at = float("-inf")

    def next(self, head: GatewayStatus, conditions: Mapping[Key, Condition], now: float) -> News | None:
        """What to tell; None while nothing is new and nobody waits. head: the status without devices."""
        gist = (head.online, head.configuration, tuple(head.refused), tuple(head.alerts.items()))
        is_same = gist == self._head and conditions.keys() == self._conditions.keys()
        if is_same and conditions == self._conditions and now - self._told_at < SAY_EVERY:
            return None
        before, self._conditions = self._conditions, conditions
        self._head, self._told_at = gist, now
        if is_same and not self._is_due(len(conditions), now):
            return News({key for key, condition in conditions.items() if before[key] != condition})
        self._told_all_at = now
        return News()

    def _is_due(self, devices: int, now: float) -> bool:
        return devices <= ALL_AT_ONCE or now - self._told_all_at >= SAY_EVERY * devices / ALL_AT_ONCE
