"""The gateway's time, read in this one place."""

import time
from datetime import UTC, datetime

from telemetry import Instant
from telemetry.times import NANOSECONDS

EARLIEST = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * NANOSECONDS
"""UTC nanoseconds. A clock before this was never set: what it stamps is uncertain."""


def now() -> Instant:
    """This instant, by the wall clock and by the one that never jumps."""
    return Instant(time.time_ns(), time.monotonic())
