"""The states of incidents and notifications, and the times that move them."""

from dataclasses import dataclass
from enum import StrEnum


class IncidentState(StrEnum):
    """open: firing, nobody answered. acknowledged: firing, somebody has it in hand.
    cleared: no longer firing; fires again as the same incident. closed: over for good.
    """

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    CLOSED = "closed"


FIRING_STATES = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


class Cause(StrEnum):
    """Why a contact is told: it began, it is still or again so, it is over."""

    OPENED = "opened"
    REPEATED = "repeated"
    CLEARED = "cleared"


class NotificationState(StrEnum):
    """pending → sending → sent, back to pending after a failure, failed when given up; cancelled
    when it became untrue before it left. After a crash `sending` means: perhaps sent.
    """

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class IncidentPolicy:
    """When incidents end and when that is told; in seconds.

    reopen_within: an acknowledged incident that fires again so soon is still the same one.
    tell_cleared_after: the all-clear waits so long, and is dropped when the rule fires again meanwhile.
    """

    reopen_within: float = 1800.0
    tell_cleared_after: float = 120.0
