"""What drivers have in common that listen, or ask one question on a fixed grid where the profile says so."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from drivers.contract import Event, Fault, Outgoing
from drivers.grid import SILENT_LIMIT, first_after, pause_of, put_off, share_of
from drivers.schemes import PIPES, check_link
from telemetry import Action, Command, Device, Instant, Profile, ProfileError, Reply


class Grid:
    """One device's turn on its line: idle, or waiting for the answer to its one question.

    A device that stays silent three times in a row is asked ever less often, up to every 30 s, until it
    answers. After a time-out it is left alone for as long again, so that a late answer is no next one's.
    missed: questions left out because the one before was not done, or the link was down.
    """

    def __init__(self, device: str, every: float, timeout: float) -> None:
        self.busy = False
        self.wake_at: float | None = None
        self.missed = 0
        self._every, self._timeout = every, timeout
        self._spread = first_after(every, share_of(device))
        self._due = -math.inf
        self._silent = 0

    def connected(self, now: Instant) -> None:
        """The link is open anew: what was under way is forgotten, the grid starts again."""
        self._due = now.monotonic + self._spread
        self._rest(self._due)

    def due(self, now: Instant) -> bool:
        """Whether something is to be done now: `ask` when not busy, `give_up` when busy."""
        return self.wake_at is not None and now.monotonic >= self.wake_at

    def ask(self, now: Instant) -> None:
        """The question goes out now."""
        late = max(0, math.floor((now.monotonic - self._due) / self._every))
        self.missed += late
        self._due += (late + 1) * self._every
        self.busy = True
        self.wake_at = now.monotonic + self._timeout

    def answered(self) -> None:
        """The answer is complete: the line is free until the next question."""
        self._silent = 0
        self._rest(self._due)

    def give_up(self, now: Instant) -> None:
        """No answer came in time."""
        self._silent += 1
        if self._silent >= SILENT_LIMIT:
            earliest = now.monotonic + pause_of(self._silent, self._every)
            self._due = put_off(self._due, earliest, self._every)
        self._rest(max(self._due, now.monotonic + self._timeout))

    def _rest(self, moment: float) -> None:
        self.busy, self.wake_at = False, moment


class Asker(ABC):
    """A device that speaks by itself or, with `ask`, once it is asked; bytes nobody asked for are dropped.

    ask: the question, empty for a listener. Raises ProfileError for a question without a period, and for one
    on an MQTT link, which has nowhere to send it.
    """

    actions: Sequence[Action] = ()
    urgent = False

    def __init__(self, device: Device, profile: Profile, ask: bytes, timeout: float) -> None:
        self._device, self._kind, self._ask, self._timeout = device.id, profile.kind, ask, timeout
        self._grid: Grid | None = None
        self._outgoing: tuple[Outgoing, ...] = ()
        every = device.every or profile.every
        if ask and every is None:
            raise ProfileError(f"profile {profile.id}: says no period to ask: write every, such as every: 5s")
        if ask:
            check_link(device, "a device that is asked", (*PIPES, "file"))
        if ask and every:
            self._grid = Grid(device.id, every, timeout)

    @property
    def busy(self) -> bool:
        """Whether the answer to a question is awaited."""
        return self._grid is not None and self._grid.busy

    @property
    def wake_at(self) -> float | None:
        """When the next question is due, or its answer overdue; None for a listener."""
        return self._grid.wake_at if self._grid else None

    def connected(self, now: Instant) -> Sequence[Event]:
        """Forgets what is unfinished, a question under way too."""
        self._forget(joining=self._grid is None)
        self._outgoing = ()
        if self._grid:
            self._grid.connected(now)
        return ()

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Refuses: nothing can be told to such a device."""
        return (Reply(command.id, command.device, "refused", "this device takes no commands"),)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """What `chunk` completes. origin: not empty for a whole message, which ends what it began."""
        return self._read(chunk, now, whole=bool(origin)) if self._expects else ()

    def wake(self, now: Instant) -> Sequence[Event]:
        """Asks when it is time, gives up when it is too late."""
        if self._grid is None or not self._grid.due(now):
            return ()
        if self._grid.busy:
            self._grid.give_up(now)
            return (Fault(self._device, "timeout", f"no answer in {self._timeout:g} s to {self._ask!r}"),)
        self._forget(joining=False)
        self._outgoing = (Outgoing(self._ask),)
        self._grid.ask(now)
        return ()

    def outgoing(self) -> Sequence[Outgoing]:
        """The question, once."""
        outgoing, self._outgoing = self._outgoing, ()
        return outgoing

    @property
    def _expects(self) -> bool:
        """Whether what comes now is wanted."""
        return self._grid is None or self._grid.busy

    def _answered(self) -> None:
        """What was asked for is complete."""
        if self._grid:
            self._grid.answered()

    @abstractmethod
    def _read(self, chunk: bytes, now: Instant, *, whole: bool) -> Sequence[Event]:
        """What the bytes say."""

    @abstractmethod
    def _forget(self, *, joining: bool) -> None:
        """Drops what is unfinished. joining: whether the next bytes may begin in the middle of something."""
