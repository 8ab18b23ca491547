"""The poll of a camera: which question is asked when, and the reading that the answers make."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from drivers.contract import Event, Fault
from drivers.grid import SILENT_LIMIT, first_after, pause_of, put_off, share_of
from drivers.stamps import Stamps
from telemetry import Device, Instant, Profile, ProfileError, Quality, Reading, Value

Q = TypeVar("Q")
A = TypeVar("A")
Read = Callable[[Mapping[Q, A]], tuple[dict[str, Value], bool]]
"""The values that answers tell, and whether they are all that could be expected."""


class Poll(Generic[Q, A]):
    """On a fixed grid, every question in turn. silent: exchanges in a row without an answer.

    Raises ProfileError when neither device nor profile says how often.
    """

    def __init__(self, device: Device, profile: Profile, questions: Sequence[Q], read: Read[Q, A]) -> None:
        every = device.every or profile.every
        if every is None:
            raise ProfileError(f"profile {profile.id}: says no poll period: write every, such as every: 5s")
        self.silent = 0
        self.due = math.inf
        self._device, self._kind, self._every = device.id, profile.kind, every
        self._questions, self._read = questions, read
        self._spread = first_after(every, share_of(device.id))
        self._stamps = Stamps()
        self._pending: list[Q] = []
        self._answers: dict[Q, A] = {}

    @property
    def under_way(self) -> bool:
        """Whether a question is still to be asked."""
        return bool(self._pending)

    def connected(self, now: Instant) -> None:
        """The link is new: so is the grid."""
        self.silent = 0
        self.due = now.monotonic + self._spread
        self._pending = []

    def ask(self, now: Instant) -> Q | None:
        """The next question, if it is time."""
        if not self._pending and self.due <= now.monotonic:
            self.skip(now)
            self._pending, self._answers = list(self._questions), {}
        return self._pending[0] if self._pending else None

    def skip(self, now: Instant) -> None:
        """On to the next place of the grid."""
        if self.due <= now.monotonic:
            self.due = put_off(self.due, now.monotonic, self._every) + self._every

    def answered(self, answer: A, now: Instant) -> Sequence[Event]:
        """The camera answered the question; with the last answer comes a Reading."""
        if self._pending:
            self._answers[self._pending.pop(0)] = answer
        return self._finished(now)

    def refused(self, now: Instant, fault: str = "") -> Sequence[Event]:
        """The camera will not answer this question. fault: what to hold against it."""
        self._pending = self._pending[1:]
        told = (Fault(self._device, "refused", fault),) if fault else ()
        return (*told, *self._finished(now))

    def missed(self, what: str, now: Instant) -> Sequence[Event]:
        """No answer: the rest of this poll is left out, and the next ones when that goes on."""
        self._pending = []
        if self.silent >= SILENT_LIMIT:
            earliest = now.monotonic + pause_of(self.silent, self._every)
            self.due = put_off(self.due, earliest, self._every)
        return (Fault(self._device, "timeout", what), *self._finished(now))

    def reading(self, now: Instant, answers: Mapping[Q, A]) -> Reading:
        """A reading of these answers; uncertain where more could be expected."""
        values, complete = self._read(answers)
        quality = Quality.GOOD if complete else Quality.UNCERTAIN
        return Reading(self._device, self._kind, self._stamps.next(now.utc), values, quality)

    def _finished(self, now: Instant) -> Sequence[Event]:
        if self._pending or not self._answers:
            return ()
        answers, self._answers = self._answers, {}
        return (self.reading(now, answers),)
