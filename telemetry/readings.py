"""A reading: what one device said at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = float | int | bool | str
"""A measured value. Numbers are finite; in the stores every number is a 64-bit float."""


class Quality(StrEnum):
    """How far a reading is to be believed, after OPC UA's three severities (Part 8, 6.3)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Reading:
    """One device, one instant, one or several named values in the profile's units.

    `kind` is the profile's kind and becomes the measurement. `observed_at` is the gateway's time,
    in nanoseconds since 1970-01-01T00:00:00Z; two readings of one device never share it.
    """

    device: str
    kind: str
    observed_at: int
    values: Mapping[str, Value]
    quality: Quality = Quality.GOOD
