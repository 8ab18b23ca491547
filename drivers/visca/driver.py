"""VISCA cameras: commands with a dead-man stop, and a poll of power, position, zoom and focus mode.

Serial (`serial://`, several cameras on one chain), over TCP without numbers as many makers do
(`tcp://camera:5678`), or VISCA over IP (`udp://camera:52381`); `?framing=visca` or
`?framing=visca-ip` in the link says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from drivers.contract import Event, Fault, Outgoing, Overhears
from drivers.grid import SILENT_LIMIT
from drivers.ptz.actions import ENDS_BY_ITSELF
from drivers.ptz.deadman import DeadMan, Motion
from drivers.ptz.orders import BROKEN, Orders, Stops
from drivers.ptz.poll import Poll
from drivers.visca.commands import AddressSet, Cancel, Clear, Inquiry
from drivers.visca.conversation import SEQUENCE, Changed, Conversation, Exchange, Outcome, Purpose, is_full
from drivers.visca.frames import ERRORS, NOT_EXECUTABLE, Damage
from drivers.visca.plan import POSITION, CameraPlan, ViscaRead, ViscaSettings
from drivers.visca.session import NumberedSession, PlainSession, Session
from drivers.words import Vocabulary, once_a_profile
from telemetry import Action, Command, Device, Instant, Profile, ProfileError, Reply

VOCABULARY = Vocabulary(settings=ViscaSettings, read=ViscaRead)
_FRAMINGS = {"serial": "visca", "rfc2217": "visca", "tcp": "visca", "tcp-listen": "visca", "udp": "visca-ip"}
LINKS = tuple(_FRAMINGS)

_LINES = ("serial", "rfc2217")
_ROOM = 0.2
"""Seconds after which a command for which the camera had no room is tried again."""
_FULL_LIMIT = 25
"""How often that is done."""
_STOP_TRIES = 4
"""Stops without an answer after which the operator is told so; they go on all the same."""


def open_driver(device: Device, profile: Profile) -> "ViscaDriver":
    """A driver for this camera. Raises ProfileError for a profile, link or address that cannot be used."""
    plan = _plan(profile)
    if not plan.inquiries:
        raise ProfileError(f"profile {profile.id}: has no metrics: name at least one")
    try:
        parts = urlsplit(device.link)
    except ValueError as error:
        raise ProfileError(f"device {device.id}: its link is not a URL: {error}") from error
    framing = parse_qs(parts.query).get("framing", [_FRAMINGS.get(parts.scheme, "")])[0]
    if framing not in ("visca", "visca-ip"):
        raise ProfileError(
            f"device {device.id}: VISCA has no framing {framing!r}: use udp://host:52381, tcp://host:5678 or "
            "serial:///dev/ttyUSB0?baudrate=9600, with ?framing=visca or ?framing=visca-ip where it differs"
        )
    if not 1 <= device.unit_id <= 7:
        raise ProfileError(f"device {device.id}: VISCA addresses are 1 to 7, not {device.unit_id}")
    on_line, said = parts.scheme in _LINES, plan.settings
    any_address = not on_line if said.any_address is None else said.any_address
    address_set = on_line if said.address_set is None else said.address_set
    session: Session = PlainSession(device.unit_id, any_address=any_address)
    if framing == "visca-ip":
        loose = said.sequence == "loose"
        session = NumberedSession(device.unit_id, any_address=any_address, loose=loose)
    poll = Poll(device, profile, plan.inquiries, plan.reading)
    return ViscaDriver(device, plan, session, poll, address_set=address_set)


_plan = once_a_profile(CameraPlan)


@dataclass(slots=True)
class _Asking:
    """The command `position`: what is still to be asked, and what was answered."""

    command: Command
    plan: CameraPlan
    pending: list[Inquiry] = field(default_factory=lambda: list(POSITION))
    answers: dict[Inquiry, bytes] = field(default_factory=dict[Inquiry, bytes])

    def ended(self, outcome: Outcome) -> Reply | None:
        """What came of a question: None while another is to be asked."""
        inquiry = self.pending.pop(0)
        if outcome.kind == "unanswered":
            return _reply(self.command, "timeout", f"no answer in {self.plan.settings.timeout:g} s")
        if outcome.kind == "done":
            self.answers[inquiry] = outcome.payload
            if self.pending:
                return None
        if not self.answers:
            return _reply(self.command, "refused", _refusal(outcome.code))
        return Reply(self.command.id, self.command.device, values=self.plan.values(self.answers))


class ViscaDriver(Overhears):
    """One camera's conversation.

    What is said next, in this order: that the camera shall count anew (over IP), stops, addresses and
    IF_Clear after the link was opened, the question that ends a doubt, the operator's commands, the
    poll. Every exchange ends by itself, and the line is free between two.
    """

    def __init__(
        self,
        device: Device,
        plan: CameraPlan,
        session: Session,
        poll: Poll[Inquiry, bytes],
        *,
        address_set: bool,
    ) -> None:
        self.actions: Sequence[Action] = plan.actions
        self.wake_at: float | None = None
        self.address = f"camera {device.unit_id}"
        self._device, self._unit = device.id, device.unit_id
        self._plan, self._poll = plan, poll
        self._counts, self._address_set = session.counts, address_set
        said = plan.settings
        self._talk = Conversation(
            session, timeout=said.timeout, retries=said.retries, completion=said.completion
        )
        self._deadman = DeadMan(*plan.motions)
        self._orders = Orders()
        self._stops = Stops(self._deadman)
        self._asking: _Asking | None = None
        self._first: list[Exchange] = []
        self._then: list[Exchange] = []
        self._hold_until = 0.0
        self._refusals = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._talk.flight is not None

    @property
    def urgent(self) -> bool:
        """Whether a command or a stop waits."""
        stop = self._deadman.wake_at
        waits = bool(self._orders) or self._asking is not None
        return waits or (stop is not None and self.wake_at is not None and stop <= self.wake_at)

    def connected(self, now: Instant) -> Sequence[Event]:
        """The link is new: what was awaited ends, whatever may be moving is stopped, all else begins anew."""
        broken = [one.command for one in self._talk.connected() if one.purpose is Purpose.ORDER]
        broken += [self._asking.command] if self._asking is not None else []
        self._asking = None
        self._deadman.connected(now)
        self._poll.connected(now)
        self._refusals, self._hold_until = 0, now.monotonic
        unsent = [*self._orders.end("unsent", BROKEN), *self._stops.broken()]
        self._prepare()
        self._settle(now)
        return [*(_reply(one, "timeout", BROKEN) for one in broken if one is not None), *unsent]

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Takes it in; a stop ends every motion at once."""
        put = self._stop if command.action == "stop" else self._orders.put
        events = put(command, now)
        self._settle(now)
        return events

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Looks for answers of this camera."""
        events: list[Event] = []
        for found in self._talk.receive(chunk, now):
            if isinstance(found, Damage):
                events.append(Fault(self._device, found.reason, found.detail, found.frame))
            elif isinstance(found, Changed):
                text = "a camera of the chain was switched on or off: addresses are given anew"
                events.append(Fault(self._device, "restart", text, chunk[:16]))
                self._prepare()
            else:
                events += self._ended(found, now)
        self._settle(now)
        return events

    def wake(self, now: Instant) -> Sequence[Event]:
        """Gives up what is overdue, and says the next thing."""
        if self.wake_at is None or now.monotonic < self.wake_at:
            return ()
        events: list[Event] = []
        free = not self.busy
        for outcome in self._talk.expire(now):
            events += self._ended(outcome, now)
        if free:
            events += self._say_next(now)
        self._settle(now)
        return events

    def outgoing(self) -> Sequence[Outgoing]:
        """Whole packets, or datagrams."""
        return [Outgoing(frame) for frame in self._talk.outgoing()]

    def last_word(self, now: Instant) -> Sequence[Outgoing]:
        """Stops whatever may be moving."""
        return [Outgoing(self._talk.shout(self._plan.stop(motion))) for motion in self._deadman.unsafe]

    def _prepare(self) -> None:
        self._first = [Exchange(Purpose.RESET, None)] if self._counts else []
        self._then = [Exchange(Purpose.PREPARE, AddressSet())] if self._address_set else []
        self._then += [] if self._counts else [Exchange(Purpose.PREPARE, Clear())]

    def _stop(self, command: Command, now: Instant) -> Sequence[Event]:
        events: list[Event] = [*self._orders.make_way(command), *self._stops.put(command, now)]
        self._then = [exchange for exchange in self._then if exchange.purpose is not Purpose.CANCEL]
        for socket, exchange in self._talk.running():
            self._then.append(Exchange(Purpose.CANCEL, Cancel(socket)))
            if exchange.command is not None:
                events.append(_reply(exchange.command, "refused", "stopped before it was done"))
                exchange.command = None
        return events

    def _say_next(self, now: Instant) -> Sequence[Event]:
        """Starts what is most pressing; the replies to commands that waited too long."""
        events: list[Event] = []
        motion = self._deadman.due(now)
        if self._first:
            self._talk.start(self._first.pop(0), now)
        elif motion is not None and not (self._then and self._poll.silent):
            events += self._say_stop(motion, now)
        elif self._then:
            self._talk.start(self._then.pop(0), now)
        elif self._talk.doubtful and self._poll.silent < SILENT_LIMIT:
            self._talk.start(Exchange(Purpose.BARRIER, Inquiry.VERSION), now)
        elif self._asking is not None:
            self._talk.start(Exchange(Purpose.POSITION, self._asking.pending[0]), now)
        elif self._orders and self._hold_until <= now.monotonic:
            events += self._say_order(now)
        else:
            self._say_poll(now)
        return events

    def _say_stop(self, motion: Motion, now: Instant) -> Sequence[Event]:
        self._talk.start(Exchange(Purpose.STOP, self._plan.stop(motion), motion=motion), now)
        self._stops.said()
        if self._deadman.asked(motion, now) <= _STOP_TRIES:
            return ()
        return self._stops.unanswered()

    def _say_order(self, now: Instant) -> Sequence[Event]:
        command, replies = self._orders.take(now)
        if command is None:
            return replies
        if command.action == "position":
            self._asking = _Asking(command, self._plan)
            self._talk.start(Exchange(Purpose.POSITION, POSITION[0]), now)
            return replies
        motion = self._plan.motion(command)
        if motion is not None:
            self._deadman.started(motion, float(command.arguments["hold"]), now)
        self._talk.start(Exchange(Purpose.ORDER, self._plan.wire(command), command), now)
        return replies

    def _say_poll(self, now: Instant) -> None:
        if not self._poll.under_way and self._poll.due <= now.monotonic and self._poll.silent >= SILENT_LIMIT:
            self._prepare()
            self._talk.start((self._first or self._then).pop(0), now)
            return
        inquiry = self._poll.ask(now)
        if inquiry is not None:
            self._talk.start(Exchange(Purpose.POLL, inquiry), now)

    def _ended(self, outcome: Outcome, now: Instant) -> Sequence[Event]:
        exchange = outcome.exchange
        if outcome.kind == "unanswered":
            self._poll.silent += 1
        elif outcome.next_address is None:
            if self._poll.silent >= SILENT_LIMIT:
                self._deadman.answers_again(now)
            self._poll.silent = 0
        match exchange.purpose:
            case Purpose.STOP:
                return self._stop_ended(outcome)
            case Purpose.ORDER if exchange.command is not None:
                return self._order_ended(outcome, exchange.command, now)
            case Purpose.POSITION:
                return self._position_ended(outcome)
            case Purpose.POLL:
                return _polled(self._poll, outcome, now)
            case _:
                return self._prepared(outcome, now)

    def _stop_ended(self, outcome: Outcome) -> Sequence[Event]:
        exchange, motion = outcome.exchange, outcome.exchange.motion
        if outcome.kind == "unanswered" or motion is None:
            return ()
        if is_full(outcome):
            if not exchange.redone:
                sockets = [socket for socket, _ in self._talk.running()] or (1, 2)
                self._first = [Exchange(Purpose.CANCEL, Cancel(socket)) for socket in sockets]
                self._first.append(Exchange(Purpose.STOP, exchange.said, motion=motion, redone=1))
            return ()
        exchange.motion = None
        if not self._talk.doubtful:
            self._deadman.stopped(motion)
        return self._stops.settled()

    def _order_ended(self, outcome: Outcome, command: Command, now: Instant) -> Sequence[Event]:
        if outcome.kind == "accepted" or (outcome.kind == "done" and not outcome.exchange.accepted):
            self._deadman.superseded(*ENDS_BY_ITSELF.get(command.action, ()))
        if outcome.kind == "accepted":
            return self._stops.settled()
        if is_full(outcome) and self._refusals < _FULL_LIMIT:
            self._refusals += 1
            self._hold_until = now.monotonic + _ROOM
            self._orders.back(command)
            return ()
        self._refusals = 0
        return (*self._stops.settled(), _end_of(command, outcome, self._plan.settings.timeout))

    def _position_ended(self, outcome: Outcome) -> Sequence[Event]:
        reply = None if self._asking is None else self._asking.ended(outcome)
        if reply is None:
            return ()
        self._asking = None
        return (reply,)

    def _prepared(self, outcome: Outcome, now: Instant) -> Sequence[Event]:
        said, cameras = outcome.exchange.said, outcome.next_address
        if cameras is not None and self._unit >= cameras:
            text = f"the chain has {cameras - 1} cameras, and none has the address {self._unit}"
            return (Fault(self._device, "address", text),)
        if not isinstance(said, Clear | None):
            return ()
        if outcome.kind == "done":
            self._talk.doubtful = False
        elif outcome.kind == "unanswered" and self._poll.silent >= SILENT_LIMIT:
            return self._poll.missed("the camera does not answer", now)
        return ()

    def _settle(self, now: Instant) -> None:
        """When to be woken: at once while something waits to be said."""
        if self.busy:
            self.wake_at = self._talk.deadline
            return
        moments = [self._poll.due, self._talk.unfinished_at]
        if self._deadman.wake_at is not None:
            moments.append(self._deadman.wake_at)
        if self._orders:
            moments.append(max(now.monotonic, self._hold_until))
        if self._first or self._then or self._asking is not None or self._poll.under_way:
            moments.append(now.monotonic)
        self.wake_at = min(moments)


def _reply(command: Command, reason: str = "", detail: str = "") -> Reply:
    return Reply(command.id, command.device, reason, detail)


def _end_of(command: Command, outcome: Outcome, timeout: float) -> Reply:
    match outcome.kind:
        case "done":
            return _reply(command)
        case "refused":
            return _reply(command, "refused", _refusal(outcome.code))
        case "unanswered":
            return _reply(command, "timeout", f"no answer in {timeout:g} s")
        case _:
            return _reply(command, "timeout", "accepted, but the camera never said that it is done")


def _polled(poll: Poll[Inquiry, bytes], outcome: Outcome, now: Instant) -> Sequence[Event]:
    if outcome.kind == "done":
        return poll.answered(outcome.payload, now)
    said = outcome.exchange.said
    what = said.name.lower().replace("_", " ") if isinstance(said, Inquiry) else ""
    if outcome.kind == "refused":
        quiet = outcome.code == NOT_EXECUTABLE
        return poll.refused(now, "" if quiet else f"{what}: {_refusal(outcome.code)}")
    return poll.missed(f"{what}: had no answer", now)


def _refusal(code: int) -> str:
    if code == SEQUENCE:
        return "the camera refuses our sequence numbers"
    if code == NOT_EXECUTABLE:
        return "not executable now: in standby, or in another mode (focus needs focus_mode manual)"
    return ERRORS.get(code, f"error {code:#04x}")
