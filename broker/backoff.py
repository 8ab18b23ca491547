"""How long to wait before the next try: doubling, with jitter, and from the start again once one held."""

import random
from dataclasses import dataclass

FIRST_DELAY, LONGEST_DELAY = 0.2, 15.0  # seconds
HELD = 2.0  # seconds after which a try counts as having held


@dataclass(slots=True)
class Backoff:
    """The waits of one thing that is tried again and again."""

    _delay: float = FIRST_DELAY

    def after(self, held: float) -> float:
        """Seconds to wait after a try that held so many seconds, 0 for one that failed."""
        if held > HELD:
            self._delay = FIRST_DELAY
        wait = self._delay * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
        self._delay = min(self._delay * 2, LONGEST_DELAY)
        return wait
