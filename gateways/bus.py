"""Who speaks when on one link: the drivers that share it, without I/O.

One exchange at a time: while a driver is busy it has the line. Then the one with a command comes first, else
the one that has been due longest; nobody comes twice while another waits. Bytes go to the driver that asked
last. A Listener, one that Overhears, and a driver that neither is busy nor wants to be woken hear everything,
and so does one that has the link for itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVarTuple

from drivers.contract import RETAINED, Driver, Event, HearsRetained, Listener, Outgoing, Overhears
from telemetry import Command, Instant

ASIDE_TIME = 60.0  # seconds a device whose driver raised is left out

Given = TypeVarTuple("Given")


@dataclass(slots=True, eq=False)
class Seat:
    """A device's place on the bus.

    sent: frames its driver sent so far. leaving: only its exchange under way is waited for.
    """

    device: str
    open_driver: Callable[[], Driver]
    driver: Driver
    served_at: float = 0.0
    aside_until: float | None = None
    sent: int = 0
    leaving: bool = False
    round: int = 0

    @property
    def due(self) -> float | None:
        """Monotonic second at which it wants to be woken, or put back."""
        if self.leaving:
            return None
        return self.driver.wake_at if self.aside_until is None else self.aside_until

    @property
    def listens(self) -> bool:
        """Whether it hears whatever is on the line."""
        driver = self.driver
        return isinstance(driver, Listener | Overhears) or (driver.wake_at is None and not driver.busy)


@dataclass(frozen=True, slots=True)
class DriverBug:
    """A driver raised, which none may."""

    device: str
    error: Exception


class Bus:
    """The drivers of one link.

    After any call, `take_events`, `take_outgoing` and `take_bugs` give what it produced. No call raises; a
    driver that did is left out for a minute, and the link should be opened anew.
    """

    __slots__ = ("_owner", "_round", "bugs", "events", "outgoing", "seats")

    def __init__(self, seats: Iterable[Seat] = ()) -> None:
        self.seats = list(seats)
        self.events: list[tuple[str, Sequence[Event]]] = []
        self.outgoing: list[Outgoing] = []
        self.bugs: list[DriverBug] = []
        self._owner: Seat | None = None
        self._round = 0

    @property
    def wake_at(self) -> float | None:
        """Monotonic second at which `advance` wants to be called; None while only bytes matter."""
        owner = self._owner
        if owner is not None and owner.driver.busy:
            return owner.driver.wake_at
        if len(self.seats) == 1:
            return self.seats[0].due
        return min((due for seat in self.seats if (due := seat.due) is not None), default=None)

    def seat(self, device: str) -> Seat | None:
        """The place of this device."""
        return next((seat for seat in self.seats if seat.device == device and not seat.leaving), None)

    def add(self, seat: Seat, now: Instant | None = None) -> None:
        """Another device shares the link. now: given when the link is open."""
        self.seats.append(seat)
        if now is not None:
            self._call(seat, now, seat.driver.connected, now)

    def remove(self, device: str) -> None:
        """A device goes; the line is free for others when its exchange under way has ended."""
        for seat in self.seats:
            seat.leaving = seat.leaving or seat.device == device
        self._dismiss()

    def connected(self, now: Instant) -> None:
        """The link was opened anew."""
        self._owner = None
        self._dismiss()
        self.outgoing.clear()
        for seat in self.seats:
            if seat.aside_until is None:
                self._call(seat, now, seat.driver.connected, now)

    def command(self, seat: Seat, command: Command, now: Instant) -> None:
        """A command for one of them; `advance` lets it go out before any poll."""
        self._call(seat, now, seat.driver.command, command, now)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> None:
        """Bytes came in."""
        alone = len(self.seats) == 1
        kept = bool(origin) and origin.startswith(RETAINED)
        for seat in self.seats:
            if kept and not isinstance(seat.driver, HearsRetained):
                continue
            if seat.aside_until is None and (alone or seat is self._owner or seat.listens):
                self._call(seat, now, seat.driver.receive, chunk, now, origin)

    def advance(self, now: Instant) -> None:
        """Wakes whoever is due and may speak, each once at most."""
        owner = self._owner
        if owner is not None and owner.driver.busy:
            due = owner.driver.wake_at
            if due is None or due > now.monotonic:
                return
            if not owner.leaving:
                self._wake(owner, now)
                if owner.driver.busy:
                    return
        if owner is not None and owner.leaving:
            self._owner = None
            self._dismiss()
        if len(self.seats) == 1 and self.seats[0].aside_until is None:
            self._wake(self.seats[0], now)
            return
        self._round += 1
        while (seat := self._next(now)) is not None:
            seat.round = self._round
            self._put_back(seat, now)
            self._wake(seat, now)
            if seat.driver.busy:
                return

    def take_events(self) -> list[tuple[str, Sequence[Event]]]:
        """What the drivers found since the last call, by device."""
        events, self.events = self.events, []
        return events

    def take_outgoing(self) -> Sequence[Outgoing]:
        """What is to be sent since the last call, in order."""
        frames, self.outgoing = self.outgoing, []
        return frames

    def take_bugs(self) -> list[DriverBug]:
        """The drivers that raised since the last call."""
        bugs, self.bugs = self.bugs, []
        return bugs

    def _next(self, now: Instant) -> Seat | None:
        """Who is due and was not woken in this round: first who has a command, then the longest due."""
        chosen: Seat | None = None
        first = (True, 0.0)
        for seat in self.seats:
            due = seat.due
            if due is None or due > now.monotonic or seat.round == self._round:
                continue
            turn = (not seat.driver.urgent, max(due, seat.served_at))
            if chosen is None or turn < first:
                chosen, first = seat, turn
        return chosen

    def _put_back(self, seat: Seat, now: Instant) -> None:
        if seat.aside_until is not None:
            seat.driver, seat.aside_until = seat.open_driver(), None
            self._call(seat, now, seat.driver.connected, now)

    def _wake(self, seat: Seat, now: Instant) -> None:
        due = seat.driver.wake_at
        if due is not None and due <= now.monotonic:
            self._owner = seat
            seat.served_at = now.monotonic
            self._call(seat, now, seat.driver.wake, now)

    def _dismiss(self) -> None:
        """Who leaves is gone once it does not have the line."""
        owner = self._owner
        kept = owner if owner is not None and owner.driver.busy else None
        self.seats = [seat for seat in self.seats if not seat.leaving or seat is kept]
        if owner not in self.seats:
            self._owner = None

    def _call(
        self, seat: Seat, now: Instant, step: Callable[[*Given], Sequence[Event]], *given: *Given
    ) -> None:
        try:
            events = step(*given)
            frames = seat.driver.outgoing()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one driver's bug and told as such
            seat.aside_until = now.monotonic + ASIDE_TIME
            self._owner = None if self._owner is seat else self._owner
            self.bugs.append(DriverBug(seat.device, error))
            return
        if events and not seat.leaving:
            self.events.append((seat.device, events))
        if frames:
            seat.sent += len(frames)
            self.outgoing += frames
