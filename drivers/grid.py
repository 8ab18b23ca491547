"""The grid on which a device is asked: where it begins, and how far a silent device is put off."""

import math
from zlib import crc32

SILENT_LIMIT = 3
"""Questions in a row without an answer after which a device is asked less often."""
_SPREAD = 10.0
"""Seconds over which first questions are spread, where the period is longer."""
_LONGEST_PAUSE = 30.0
"""Seconds between two questions to a silent device, at most."""


def share_of(device: str) -> float:
    """Where between 0 and 1 a device begins, the same at every start, so that not all ask at once."""
    return crc32(device.encode()) / 2**32


def first_after(every: float, share: float) -> float:
    """Seconds from the opening of a link to a device's first question."""
    return min(every, _SPREAD) * share


def pause_of(silent: int, base: float) -> float:
    """Seconds for which a device is left alone after so many silences: twice the base, four times, eight."""
    return min(_LONGEST_PAUSE, base * 2.0 ** min(silent - SILENT_LIMIT + 1, 16))


def put_off(due: float, until: float, every: float) -> float:
    """The last place of the grid that is not after a moment; `due` itself where that is later."""
    return due + max(0, math.floor((until - due) / every)) * every
