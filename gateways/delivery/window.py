"""Which batches are under way: go-back-N with cumulative receipts (docs/wire.md). No I/O."""

from dataclasses import dataclass
from enum import Enum, auto

WIDTH = 32  # batches
FIRST_PATIENCE, LONGEST_PATIENCE = 2.0, 30.0  # seconds without a receipt until all is sent again
UNDER_WAY = 0.3  # seconds a batch may take before a repeated receipt means that it was missed


class Verdict(Enum):
    """What a receipt turned out to be."""

    NEWS = auto()
    KNOWN = auto()
    IMPOSSIBLE = auto()
    """It covers what was never sent: the centre knows these numbers from another life of this outbox."""


@dataclass(slots=True)
class Window:
    """The batches between what is receipted (`floor`) and what is `sent`.

    reached: the highest number the centre can know of. resent: how many went out again.
    """

    epoch: str
    floor: int
    reached: int
    sent: int
    resend_at: float | None = None
    resent: int = 0
    _patience: float = FIRST_PATIENCE
    _handed: int = 0

    @property
    def room(self) -> int:
        """How many more may go out now."""
        return WIDTH - (self.sent - self.floor)

    def send(self, seq: int, now: float) -> None:
        """This batch goes out. now: monotonic seconds."""
        self.resent += seq <= self._handed
        self.sent = seq
        self.reached = max(self.reached, seq)
        self._handed = max(self._handed, seq)
        if self.resend_at is None:
            self.resend_at = now + self._patience

    def receive(self, seq: int, now: float) -> Verdict:
        """A receipt for everything up to this number."""
        if seq > self.reached:
            return Verdict.IMPOSSIBLE
        if seq <= self.floor:
            self._hurry(seq, now)
            return Verdict.KNOWN
        self.floor = seq
        self.sent = max(self.sent, seq)
        self._patience = FIRST_PATIENCE
        self.resend_at = now + self._patience if self.sent > self.floor else None
        return Verdict.NEWS

    def _hurry(self, seq: int, now: float) -> None:
        """The centre repeats where it is: it has missed what came behind, and says so when it is back."""
        if seq != self.floor or self.resend_at is None:
            return
        if now - (self.resend_at - self._patience) >= UNDER_WAY:
            self.resend_at = now

    def is_overdue(self, now: float) -> bool:
        """Whether a receipt has been missing for too long."""
        return self.resend_at is not None and now >= self.resend_at

    def go_back(self) -> None:
        """Everything without a receipt goes out again; the next wait is twice as long."""
        self.sent = self.floor
        self.resend_at = None
        self._patience = min(self._patience * 2, LONGEST_PATIENCE)

    def restart(self) -> None:
        """The connection is new: everything without a receipt goes out again."""
        self.sent = self.floor
        self.resend_at = None
        self._patience = FIRST_PATIENCE
