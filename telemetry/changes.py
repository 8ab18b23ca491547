"""A firing and a clearing: what a rule says of a device, from the stream to the duty officer."""

from dataclasses import dataclass
from enum import StrEnum

from telemetry.words import Title


class Severity(StrEnum):
    """How much a firing matters; only critical incidents are repeated until somebody acknowledges."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule's condition came true for a device.

    at: UTC nanoseconds; the reading's `observed_at`, or the centre's time for a silent device.
    value: the number that broke the limit, or the seconds of silence. detail: one sentence.
    notify: ids of the contacts to tell.
    """

    rule_id: str
    device: str
    at: int
    value: float
    severity: Severity
    title: Title
    detail: Title
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clearing:
    """A firing rule's condition no longer holds for a device; `at` as in Firing.

    value: the number that cleared it, None where no reading did (the rule or the device was removed).
    """

    rule_id: str
    device: str
    at: int
    value: float | None


Change = Firing | Clearing
