"""The poll of a VISCA camera: what is asked when, and the reading it makes."""

import math
from collections.abc import Sequence
from zlib import crc32

from drivers.contract import Event, Fault
from drivers.stamps import Stamps
from drivers.visca_commands import Inquiry
from drivers.visca_conversation import Outcome
from drivers.visca_frames import ERRORS, NOT_EXECUTABLE
from drivers.visca_plan import CameraPlan
from telemetry import Instant, Quality, Reading

SILENT_LIMIT = 3
"""Exchanges in a row without an answer after which a camera is polled less often."""
_BACK_OFF = 30.0
"""Seconds between two polls of a silent camera, at most."""
_SPREAD = 10.0
"""Seconds over which first polls are spread, where the period is longer."""


class Poll:
    """On a fixed grid, every question of the plan in turn.

    A camera in standby refuses to say where it looks: then its reading has what it did say. silent:
    exchanges in a row without an answer.
    """

    def __init__(self, device: str, kind: str, plan: CameraPlan, every: float) -> None:
        self.silent = 0
        self.due = math.inf
        self._device, self._kind, self._plan, self._every = device, kind, plan, every
        self._spread = min(every, _SPREAD) * crc32(device.encode()) / 2**32
        self._stamps = Stamps()
        self._pending: list[Inquiry] = []
        self._answers: dict[Inquiry, bytes] = {}
        self._failed = False

    @property
    def under_way(self) -> bool:
        """Whether a question is still to be asked."""
        return bool(self._pending)

    def connected(self, now: Instant) -> None:
        """The link is new: so is the grid."""
        self.silent = 0
        self.due = now.monotonic + self._spread
        self._start_anew()

    def ask(self, now: Instant) -> Inquiry | None:
        """The next question, if it is time."""
        if not self._pending and self.due <= now.monotonic:
            self.due += (math.floor((now.monotonic - self.due) / self._every) + 1) * self._every
            self._start_anew()
            self._pending = list(self._plan.inquiries)
        return self._pending[0] if self._pending else None

    def ended(self, outcome: Outcome, now: Instant) -> Sequence[Event]:
        """What came of a question: with the last one a Reading."""
        events: list[Event] = []
        if not self._pending:
            return events
        inquiry = self._pending.pop(0)
        if outcome.kind == "done":
            self._answers[inquiry] = outcome.payload
        elif outcome.kind == "refused":
            self._failed = True
            if outcome.code != NOT_EXECUTABLE:
                text = f"{inquiry.name.lower()}: {ERRORS.get(outcome.code, f'error {outcome.code}')}"
                events.append(Fault(self._device, "refused", text))
        else:
            events += self.missed(f"{inquiry.name.lower()}: had no answer", now)
        if not self._pending and self._answers:
            events.append(self._reading(now))
        return events

    def missed(self, what: str, now: Instant) -> Sequence[Event]:
        """No answer: the rest of this poll is left out, and the next ones when that goes on."""
        self._failed = True
        self._pending = []
        if self.silent >= SILENT_LIMIT:
            doublings = min(self.silent - SILENT_LIMIT + 1, 16)
            earliest = now.monotonic + min(_BACK_OFF, self._every * 2**doublings)
            self.due += max(0, math.floor((earliest - self.due) / self._every)) * self._every
        return (Fault(self._device, "timeout", what),)

    def _start_anew(self) -> None:
        self._pending, self._answers, self._failed = [], {}, False

    def _reading(self, now: Instant) -> Reading:
        values = self._plan.reading(self._answers)
        standby = self._plan.values(self._answers).get("power") is False
        quality = Quality.UNCERTAIN if self._failed and not standby else Quality.GOOD
        return Reading(self._device, self._kind, self._stamps.next(now.utc), values, quality)
