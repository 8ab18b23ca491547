"""The dead-man stop of a camera: which motions run, and when each must be stopped. No I/O.

An operator who vanishes, a browser that closes, a link that breaks or a gateway that is started anew
must never leave a camera turning. Every motion is therefore allowed for a while only, and what may
still be moving is stopped until the camera is known to have heard it.

A driver calls `started` when it sends a motion, `due` for the next stop to send, `asked` when it sent
that stop, and `stopped` when the camera confirmed it (or, where none can answer, when it was said
often enough).
"""

from dataclasses import dataclass
from enum import StrEnum

from telemetry import Instant

RETRY = 0.5
"""Seconds after which a stop that nobody confirmed is sent again."""
SLOWEST_RETRY = 30.0
"""Seconds between two stops to a camera that has long been silent."""
_NEVER = float("inf")


class Motion(StrEnum):
    """What of a camera can be moving, in the order in which it is stopped."""

    PAN_TILT = "pan_tilt"
    ZOOM = "zoom"
    FOCUS = "focus"


@dataclass(slots=True)
class _Run:
    """One motion that may be going on.

    due: monotonic second at which the next stop is to be sent. stopping: whether its time has passed.
    sent: stops sent since then.
    """

    due: float
    stopping: bool = False
    sent: int = 0


class DeadMan:
    """The motions of one camera.

    motions: those the camera has. A new one counts as moving in all of them from its first
    `connected` on: whoever steered it before may have been killed in the middle of a move.
    """

    def __init__(self, *motions: Motion) -> None:
        self.motions = tuple(motion for motion in Motion if motion in motions)
        self._runs = {motion: _Run(_NEVER) for motion in self.motions}

    @property
    def wake_at(self) -> float | None:
        """Monotonic second at which a stop is due; None while nothing can be moving."""
        due = min((run.due for run in self._runs.values()), default=_NEVER)
        return None if due == _NEVER else due

    @property
    def stopping(self) -> tuple[Motion, ...]:
        """The motions whose stop is not confirmed yet, in the order in which they are stopped."""
        return tuple(
            motion for motion in self.motions if (run := self._runs.get(motion)) is not None and run.stopping
        )

    @property
    def unsafe(self) -> tuple[Motion, ...]:
        """The motions that may be going on, whether they are to be stopped yet or not."""
        return tuple(motion for motion in self.motions if motion in self._runs)

    def connected(self, now: Instant) -> None:
        """The link was opened anew: whatever may be moving is to be stopped at once."""
        for run in self._runs.values():
            run.due, run.stopping = now.monotonic, True

    def answers_again(self, now: Instant) -> None:
        """A camera that was silent is heard: stops that it may have missed are due at once."""
        for run in self._runs.values():
            run.due = now.monotonic if run.stopping else run.due

    def started(self, motion: Motion, hold: float, now: Instant) -> None:
        """The motion was sent and may run for so many seconds; a newer one replaces the older."""
        if motion in self.motions:
            self._runs[motion] = _Run(now.monotonic + hold)

    def superseded(self, *motions: Motion) -> None:
        """A motion that ends by itself began: stops that were to be repeated would only end that one."""
        for motion in motions:
            self.stopped(motion)

    def ended(self, *motions: Motion) -> None:
        """The motions ended otherwise: no stop is due any more, also none of one that was to run on."""
        for motion in motions:
            self._runs.pop(motion, None)

    def stop_all(self, now: Instant) -> None:
        """The operator's own stop: every motion ends at once, also one that nobody here began."""
        self._runs = {motion: _Run(now.monotonic, stopping=True) for motion in self.motions}

    def due(self, now: Instant) -> Motion | None:
        """The motion to stop next; None while every one may run on."""
        for motion in self.motions:
            run = self._runs.get(motion)
            if run is not None and run.due <= now.monotonic:
                return motion
        return None

    def asked(self, motion: Motion, now: Instant) -> int:
        """The stop was sent, and is due again unless it is confirmed. How often it was sent by now."""
        run = self._runs.setdefault(motion, _Run(now.monotonic))
        run.stopping = True
        run.due = now.monotonic + min(RETRY * 2 ** min(run.sent, 8), SLOWEST_RETRY)
        run.sent += 1
        return run.sent

    def stopped(self, motion: Motion) -> None:
        """The camera confirmed the stop. A motion started since then runs on."""
        run = self._runs.get(motion)
        if run is not None and run.stopping:
            del self._runs[motion]
