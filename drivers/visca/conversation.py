"""VISCA's rules of talking: one packet awaits its answer at a time, accepted commands run on in sockets.

Nothing in an answer of a serial camera says what it answers, so after an answer that did not come the
conversation is in doubt until the caller has asked something whose answer cannot be mistaken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from drivers.ptz.deadman import Motion
from drivers.visca.commands import (
    AddressSet,
    Cancel,
    Clear,
    Focus,
    FocusMode,
    Inquiry,
    Memory,
    PanTilt,
    Preset,
    ViscaCommand,
    Zoom,
    encode_command,
)
from drivers.visca.frames import (
    BROADCAST,
    BUFFER_FULL,
    CANCELLED,
    NO_SOCKET,
    Ack,
    AddressReply,
    Answer,
    Cleared,
    Completion,
    Damage,
    NetworkChange,
    Refusal,
)
from drivers.visca.session import Heard, ResetDone, Session, Trouble
from telemetry import Command, Instant

SEQUENCE = -1
"""The code of a refusal for the header's sake."""
_REDONE_LIMIT = 3
"""How often a packet goes out under a new number because the camera held something against the old."""
_SHORT = 3.0
"""Seconds for which a command that takes no time may run."""


class Purpose(Enum):
    """Why something is said."""

    RESET = "reset"
    PREPARE = "prepare"
    STOP = "stop"
    CANCEL = "cancel"
    ORDER = "order"
    POSITION = "position"
    POLL = "poll"
    BARRIER = "barrier"


@dataclass(slots=True)
class Exchange:
    """One packet and what became of it. command, motion: on whose behalf, if it is an order or a stop."""

    purpose: Purpose
    said: ViscaCommand | Inquiry | None
    command: Command | None = None
    motion: Motion | None = None
    token: int = 0
    sends: int = 0
    redone: int = 0
    accepted: bool = False
    frame: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """accepted: it runs in a socket now, and another outcome follows. code: of a refusal."""

    exchange: Exchange
    kind: Literal["accepted", "done", "refused", "unanswered", "unfinished"]
    payload: bytes = b""
    code: int = 0
    next_address: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A camera of the chain was switched on or off."""


@dataclass(slots=True)
class _Running:
    exchange: Exchange
    until: float


class Conversation:
    """One camera's. timeout: seconds until an answer is late. retries: further tries of a numbered packet.

    completion: seconds an accepted command may run. doubtful: whether a late answer may still come.
    """

    def __init__(self, session: Session, *, timeout: float, retries: int, completion: float) -> None:
        self.doubtful = False
        self.deadline = float("inf")
        self._session = session
        self._timeout, self._completion = timeout, completion
        self._retries = retries if session.numbered else 0
        self._flight: Exchange | None = None
        self._parked: Exchange | None = None
        self._running: dict[int, _Running] = {}
        self._lost: list[Exchange] = []
        self._outgoing: list[bytes] = []
        self._past: list[int] = []

    @property
    def flight(self) -> Exchange | None:
        """What awaits its answer."""
        return self._flight

    def running(self) -> Sequence[tuple[int, Exchange]]:
        """The accepted commands that run, by socket."""
        return [(socket, one.exchange) for socket, one in sorted(self._running.items())]

    @property
    def unfinished_at(self) -> float:
        """Monotonic second at which the first accepted command has run for too long."""
        return min((one.until for one in self._running.values()), default=float("inf"))

    def connected(self) -> Sequence[Exchange]:
        """The link is new. What was under way, whose end nobody will hear."""
        self._session.open()
        under_way = [one.exchange for one in self._running.values()]
        under_way += [one for one in (self._flight, self._parked) if one is not None]
        self._running.clear()
        self._outgoing.clear()
        self._flight = self._parked = None
        self.doubtful = False
        return under_way

    def start(self, exchange: Exchange, now: Instant) -> None:
        """Says it, and awaits the answer."""
        if exchange.said is None:
            exchange.frame = self._session.reset()
        else:
            to = BROADCAST if isinstance(exchange.said, AddressSet) else None
            exchange.frame, exchange.token = self._session.send(encode_command(exchange.said), to)
            self._past = [*self._past[-15:], exchange.token]
        exchange.sends = 0
        self._flight = exchange
        self._send(now)

    def shout(self, said: ViscaCommand) -> bytes:
        """The frame of something whose answer nobody will hear."""
        return self._session.send(encode_command(said))[0]

    def outgoing(self) -> Sequence[bytes]:
        """Whole frames to send, and forgets them."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def receive(self, chunk: bytes, now: Instant) -> Iterator[Outcome | Changed | Damage]:
        """What these bytes mean for what was said."""
        for received in self._session.receive(chunk):
            if isinstance(received, Damage):
                yield received
            elif isinstance(received, ResetDone):
                if self._flight is not None and self._flight.purpose is Purpose.RESET:
                    yield from self._reset_ended("done", now)
            elif isinstance(received, Trouble):
                yield from self._troubled(received, now)
            else:
                yield from self._heard(received, now)

    def expire(self, now: Instant) -> Iterator[Outcome]:
        """Says again or gives up what is overdue."""
        for socket, running in tuple(self._running.items()):
            if running.until <= now.monotonic:
                del self._running[socket]
                yield Outcome(running.exchange, "unfinished")
        flight = self._flight
        if flight is None or self.deadline > now.monotonic:
            return
        if flight.sends <= self._retries:
            self._send(now)
        elif flight.purpose is Purpose.RESET:
            yield from self._reset_ended("unanswered", now)
        else:
            self._flight = None
            self.doubtful = self.doubtful or not self._session.numbered
            yield Outcome(flight, "unanswered")

    def _send(self, now: Instant) -> None:
        if self._flight is not None:
            self._flight.sends += 1
            self._outgoing.append(self._flight.frame)
            self.deadline = now.monotonic + self._timeout

    def _heard(self, heard: Heard, now: Instant) -> Iterator[Outcome | Changed | Damage]:
        answer, flight = heard.answer, self._flight
        if isinstance(answer, NetworkChange):
            yield Changed()
            return
        if heard.token is not None and heard.token not in self._past:
            yield Damage("sequence", self._wrong_number(heard.token), heard.frame)
            return
        awaited = flight is not None and heard.token in (None, flight.token)
        outcome = self._answered(heard, flight, now) if flight is not None and awaited else None
        ended = self._finished(heard) if outcome is None or _cancels(heard.answer) else None
        lost, self._lost = self._lost, []
        yield from (Outcome(exchange, "unfinished") for exchange in lost)
        yield from (one for one in (outcome, ended) if one is not None)
        if (
            outcome is None
            and ended is None
            and awaited
            and isinstance(answer, Completion)
            and answer.payload
        ):
            yield Damage("unexpected", "an answer to something else than was asked", heard.frame)

    def _answered(self, heard: Heard, flight: Exchange, now: Instant) -> Outcome | None:
        """What the answer means for the packet in flight; None when it is not its answer."""
        outcome: Outcome | None = None
        match heard.answer, flight.said:
            case AddressReply(next_address), AddressSet():
                outcome = Outcome(flight, "done", next_address=next_address)
            case ((Completion(payload=b"") | Cleared()), Clear()):
                outcome = Outcome(flight, "done")
            case Completion(_, payload), Inquiry() as asked if asked.fits(payload):
                outcome = Outcome(flight, "done", payload)
            case Refusal(socket, code), Cancel() if code in (CANCELLED, NO_SOCKET):
                outcome = Outcome(flight, "done")
            case Refusal(socket, code), _ if not (code == CANCELLED and socket in self._running):
                outcome = Outcome(flight, "refused", code=code)
            case ((Ack() | Completion()), (Inquiry() | AddressSet() | Clear() | Cancel() | None)):
                pass
            case Ack(socket), _:
                if socket in self._running:  # that one ended, and its completion got lost
                    self._lost.append(self._running[socket].exchange)
                self._running[socket] = _Running(flight, now.monotonic + self._patience(flight))
                flight.accepted = True
                outcome = Outcome(flight, "accepted")
            case Completion(socket, b""), _ if socket not in self._running:
                outcome = Outcome(flight, "done")
            case _:
                pass
        return None if outcome is None else self._end(outcome)

    def _patience(self, flight: Exchange) -> float:
        """Seconds until a completion that has not come will not come any more."""
        match flight.said:
            case PanTilt() | Zoom() | Focus() | FocusMode() | Memory(Preset.STORE | Preset.CLEAR):
                return min(self._completion, _SHORT)
            case _:
                return self._completion

    def _finished(self, heard: Heard) -> Outcome | None:
        """What the answer means for a command that runs; None when it is none's."""
        match heard.answer:
            case Completion(socket, b"") | Refusal(socket):
                running = self._running.get(socket)
                if running is None or heard.token not in (None, running.exchange.token):
                    return None
                del self._running[socket]
                if isinstance(heard.answer, Refusal):
                    return Outcome(running.exchange, "refused", code=heard.answer.code)
                return Outcome(running.exchange, "done")
            case _:
                return None

    def _end(self, outcome: Outcome) -> Outcome:
        self._flight = None
        if outcome.exchange.purpose is Purpose.BARRIER:
            self.doubtful = False
        return outcome

    def _troubled(self, trouble: Trouble, now: Instant) -> Iterator[Outcome | Damage]:
        flight = self._flight
        if flight is None or flight.said is None:
            return
        again = trouble.fault == "sequence" and flight.sends > 1
        if again and not isinstance(flight.said, Inquiry):
            yield self._end(Outcome(flight, "done"))  # it was carried out the first time, its answer got lost
        elif flight.redone >= _REDONE_LIMIT:
            yield self._end(Outcome(flight, "refused", code=SEQUENCE))
        elif again:
            flight.redone += 1
            self.start(flight, now)
        else:
            flight.redone, self._parked = flight.redone + 1, flight
            yield Damage("sequence", f"the camera refuses our {trouble.fault}: it is made to count anew", b"")
            self.start(Exchange(Purpose.RESET, None), now)

    def _reset_ended(self, how: Literal["done", "unanswered"], now: Instant) -> Iterator[Outcome]:
        reset, self._flight = self._flight, None
        if self._parked is not None:
            parked, self._parked = self._parked, None
            self.start(parked, now)
        elif reset is not None:
            yield Outcome(reset, how)

    def _wrong_number(self, token: int) -> str:
        asked = "nothing" if self._flight is None else f"number {self._flight.token}"
        return (
            f"answers number {token} where {asked} was asked; if the camera always does, "
            "write sequence: loose in its settings"
        )


def _cancels(answer: Answer) -> bool:
    """Whether it ends the cancelling and the cancelled alike."""
    return isinstance(answer, Refusal) and answer.code == CANCELLED


def is_full(outcome: Outcome) -> bool:
    """Whether the camera had no room for it."""
    return outcome.kind == "refused" and outcome.code == BUFFER_FULL
