"""Seeded smooth randomness: the same seed, name and instant always give the same value."""

import math
import random
from functools import lru_cache


@lru_cache(maxsize=4096)
def _knot(seed: int, name: str, index: int) -> float:
    return random.Random(f"{seed}/{name}/{index}").uniform(-1, 1)


def smooth(seed: int, name: str, at: float, period: float) -> float:
    """A value from -1 to 1 that wanders freely over `period` seconds and never jumps."""
    index = math.floor(at / period)
    share = at / period - index
    ease = share * share * (3 - 2 * share)
    return _knot(seed, name, index) * (1 - ease) + _knot(seed, name, index + 1) * ease
