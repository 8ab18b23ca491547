"""Who speaks when on one link: the drivers that share it, without I/O.

One busy driver at a time has the line; the others wait their turn, the longest due first. A driver
that neither is busy nor wants to be woken is a listener and hears everything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drivers.contract import Driver, Event, Outgoing
from telemetry import Instant

ASIDE_TIME = 60.0  # seconds a device whose driver raised is left out


@dataclass(slots=True)
class Seat:
    """A device's place on the bus."""

    device: str
    open_driver: Callable[[], Driver]
    driver: Driver
    served_at: float = 0.0
    aside_until: float | None = None

    @property
    def due(self) -> float | None:
        """Monotonic second at which it wants to be woken, or put back."""
        return self.driver.wake_at if self.aside_until is None else self.aside_until

    @property
    def listens(self) -> bool:
        """Whether it hears whatever is on the line."""
        return self.aside_until is None and self.driver.wake_at is None and not self.driver.busy


@dataclass(frozen=True, slots=True)
class DriverBug:
    """A driver raised, which none may."""

    device: str
    error: Exception


class Bus:
    """The drivers of one link.

    After any call, `take_events`, `outgoing` and `take_bugs` give what it produced. No call raises; a
    driver that did is left out for a minute, and the link should be opened anew.
    """

    def __init__(self, seats: Sequence[Seat]) -> None:
        self.seats = seats
        self._owner: Seat | None = None
        self._events: list[tuple[str, Sequence[Event]]] = []
        self._outgoing: list[Outgoing] = []
        self._bugs: list[DriverBug] = []

    @property
    def wake_at(self) -> float | None:
        """Monotonic second at which `advance` wants to be called; None while only bytes matter."""
        if self._owner is not None and self._owner.driver.busy:
            return self._owner.driver.wake_at
        return min((seat.due for seat in self.seats if seat.due is not None), default=None)

    def connected(self, now: Instant) -> None:
        """The link was opened anew."""
        self._owner = None
        self._outgoing.clear()
        for seat in self.seats:
            if seat.aside_until is None:
                self._call(seat, now, lambda driver: driver.connected(now))

    def receive(self, chunk: bytes, now: Instant, origin: str) -> None:
        """Bytes came in."""
        for seat in self.seats:
            if seat is self._owner or seat.listens:
                self._call(seat, now, lambda driver: driver.receive(chunk, now, origin))

    def advance(self, now: Instant) -> None:
        """Wakes whoever is due and may speak."""
        owner = self._owner
        if owner is not None and owner.driver.busy:
            if _is_due(owner, now):
                self._wake(owner, now)
            if owner.driver.busy:
                return
        due = sorted((seat for seat in self.seats if _is_due(seat, now)), key=_turn)
        for seat in due:
            self._put_back(seat, now)
            self._wake(seat, now)
            if seat.driver.busy:
                return

    def take_events(self) -> list[tuple[str, Sequence[Event]]]:
        """What the drivers found since the last call, by device."""
        events, self._events = self._events, []
        return events

    def outgoing(self) -> Sequence[Outgoing]:
        """What is to be sent since the last call, in order."""
        chunks, self._outgoing = self._outgoing, []
        return chunks

    def take_bugs(self) -> list[DriverBug]:
        """The drivers that raised since the last call."""
        bugs, self._bugs = self._bugs, []
        return bugs

    def _put_back(self, seat: Seat, now: Instant) -> None:
        if seat.aside_until is not None:
            seat.driver, seat.aside_until = seat.open_driver(), None
            self._call(seat, now, lambda driver: driver.connected(now))

    def _wake(self, seat: Seat, now: Instant) -> None:
        if _is_due(seat, now):
            self._owner = seat
            seat.served_at = now.monotonic
            self._call(seat, now, lambda driver: driver.wake(now))

    def _call(self, seat: Seat, now: Instant, step: Callable[[Driver], Sequence[Event] | None]) -> None:
        try:
            events = step(seat.driver)
            chunks = seat.driver.outgoing()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one driver's bug and told as such
            seat.aside_until = now.monotonic + ASIDE_TIME
            self._owner = None if self._owner is seat else self._owner
            self._bugs.append(DriverBug(seat.device, error))
            return
        if events:
            self._events.append((seat.device, events))
        self._outgoing += chunks


def _is_due(seat: Seat, now: Instant) -> bool:
    return seat.due is not None and seat.due <= now.monotonic


def _turn(seat: Seat) -> float:
    """Longest due first, but nobody twice before one who waits has had a turn."""
    return max(seat.due or 0.0, seat.served_at)
