"""The Modbus client: polls one unit on fixed grids, writes what it is told, believes no reply but its own.

It speaks RTU, ASCII and MBAP. A link that starts with `tcp` or `udp` speaks MBAP, a serial one RTU;
`?framing=rtu`, `?framing=ascii` or `?framing=tcp` in the link says otherwise. docs/modbus.md is the
manual of what a profile may say.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from drivers.contract import Event, Fault, Outgoing
from drivers.grid import share_of
from drivers.modbus.doubt import Doubt
from drivers.modbus.frames import DIAGNOSTICS
from drivers.modbus.jobs import Job, Jobs
from drivers.modbus.line import LINKS, Line, line_of
from drivers.modbus.plan import ModbusSettings, Plan
from drivers.modbus.polls import Poll, Polls
from drivers.modbus.replies import Answer, Exchange, ReplyFinder
from drivers.modbus.values import MetricRead
from drivers.modbus.writes import ModbusWrite, PlannedWrite
from drivers.words import Vocabulary, once_a_profile
from telemetry import Action, Command, Device, Instant, Profile, ProfileError

__all__ = ["LINKS", "VOCABULARY", "ModbusDriver", "open_driver"]

VOCABULARY = Vocabulary(ModbusSettings, MetricRead, ModbusWrite)

_RESTS = 10.0
"""Time-outs for which a silent unit on a shared line is left alone at least, twice, four times that later."""
_DRAIN = 0.05
"""Seconds without a byte after which a line counts as quiet; converters pause inside a frame."""
_TURNAROUND = 0.1
"""Seconds that units get to carry out a broadcast (Serial Line V1.02 §2.4.1)."""
_UNIT_BEHIND_GATEWAY_SILENT = (10, 11)
_LATE_LIMIT = 3
"""Late replies in a row after which the line itself is in doubt."""
_ONCE_LATE = "raise timeout in its settings"
_ALWAYS_LATE = _ONCE_LATE + "; it happens again and again, so look for a converter that holds bytes back"

_IDLE, _WAITING, _QUIET = 0, 1, 2


def open_driver(device: Device, profile: Profile) -> "ModbusDriver":
    """A driver for this device. Raises ProfileError for a profile, link or unit that cannot be used."""
    model = _model(profile)
    plan = model.plan
    line = line_of(device, plan.settings.gap)
    broadcast = line.serial and device.unit_id == 0
    if line.serial and not (1 <= device.unit_id <= 247 or (broadcast and model.writes)):
        raise ProfileError(
            f"device {device.id}: unit ids on a serial line are 1 to 247, not {device.unit_id}; "
            "0 is every unit, for a model with actions, and is only written to"
        )
    every = device.every or profile.every
    if every is None and any(group.every is None for group in plan.groups):
        raise ProfileError(f"profile {profile.id}: says no poll period: write every, such as every: 1s")
    groups = () if broadcast else plan.groups
    polls = [Poll(group, device.unit_id, line, every or 1.0, share_of(device.id)) for group in groups]
    rest = _RESTS * plan.settings.timeout if line.serial else 0.0
    return ModbusDriver(device, model, line, Polls(device.id, profile.kind, polls, plan.settings, rest))


@dataclass(frozen=True, slots=True)
class Model:
    """A device model's profile, compiled."""

    profile: Profile
    plan: Plan
    writes: Mapping[str, PlannedWrite]


@once_a_profile
def _model(profile: Profile) -> Model:
    plan = Plan(profile)
    writes = {one.name: PlannedWrite(profile, one, plan.settings) for one in profile.actions}
    return Model(profile, plan, writes)


class ModbusDriver:
    """One unit's conversation. It is idle, waiting for a reply, or letting the line fall quiet.

    After each exchange it gives the line away, so a dead unit costs its neighbours one time-out at a time;
    it is asked ever less often, up to every 30 s, until it answers. Commands go before polls.

    A late reply never becomes the answer to another request: MBAP has transaction identifiers. RTU and
    ASCII have none, so after a time-out the unit is left alone for as long as the time-out was, and then
    asked something first whose answer cannot be confused with the one it may still owe.
    """

    def __init__(self, device: Device, model: Model, line: Line, polls: Polls) -> None:
        self.actions: Sequence[Action] = model.profile.actions
        self.busy = self.urgent = False
        self.wake_at: float | None = None
        self.address = f"unit {device.unit_id}" if line.serial and device.unit_id else ""
        self._device, self._plan, self._line, self._polls = device.id, model.plan, line, polls
        self._timeout = model.plan.settings.timeout
        self._broadcast = line.serial and device.unit_id == 0
        self._jobs = Jobs(model.writes, device.unit_id, line.framing)
        self._doubt = Doubt(device.unit_id, line.framing, polls.exchanges)
        self._asked: Exchange | None = None
        self._poll: Poll | None = None
        self._job: Job | None = None
        self._transaction = crc32(device.id.encode()) & 0xFFFF
        self._finder = ReplyFinder()
        self._outgoing: tuple[Outgoing, ...] = ()
        self._state, self._late, self._gave_up = _IDLE, 0, False
        self._ready_at = self._quiet_until = -math.inf

    @property
    def missed(self) -> int:
        """Polls left out because the one before was not done, or the link was down."""
        return self._polls.missed

    def connected(self, now: Instant) -> Sequence[Event]:
        """The link is open anew: what was under way is forgotten, the grids start again."""
        events = self._jobs.cut(now.monotonic)
        self.urgent = bool(self._jobs)
        awaited = self._line.serial and (self._state == _WAITING or self._gave_up)
        self._ready_at = now.monotonic + (self._timeout if awaited else 0.0)
        self._doubt.left_open(self._asked if self._state == _WAITING else None)
        self._outgoing, self._gave_up, self._late = (), False, 0
        self._polls.connected(now.monotonic)
        self._rest(now.monotonic)
        return events

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Queues it: it goes out when the line is free, before any poll."""
        if refusal := self._jobs.take(command):
            return (refusal,)
        self.urgent = True
        if self._state == _IDLE and self._ready_at > -math.inf:
            self._rest(now.monotonic)
        return ()

    def outgoing(self) -> Sequence[Outgoing]:
        """The request to send, once."""
        outgoing, self._outgoing = self._outgoing, ()
        return outgoing

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Looks for the reply; bytes that come while none is expected are dropped."""
        if self._state != _WAITING:
            return self._unasked(chunk, now)
        body = self._finder.body_at_once(chunk)
        if body is not None:
            return self._answered(body, now)
        events: list[Event] = []
        for found in self._finder.feed(chunk):
            if isinstance(found, Answer):
                events += self._refused(found, now) if found.code else self._answered(found.body, now)
            else:
                self._doubt.heard()
                events.append(Fault(self._device, found.reason, found.detail, found.frame))
        if self._state == _WAITING and self._finder.damage and self.wake_at is not None:
            self.wake_at = min(self.wake_at, now.monotonic + _DRAIN)
        return events

    def wake(self, now: Instant) -> Sequence[Event]:
        """Sends what is due, gives up what is overdue."""
        if self.wake_at is None or now.monotonic < self.wake_at:
            return ()
        if self._state == _WAITING:
            return self._unanswered(now)
        if self._state == _IDLE:
            if not self._doubt.settled and self._ready_at <= now.monotonic:
                question = self._doubt.question()
                self._send(question, (Outgoing(question.frame),), now)
                return ()
            if self._jobs and (job := self._jobs.next(now)):
                return self._begin_job(job, now)
            if poll := self._polls.begin(now.monotonic):
                self._poll = poll
                self._send(poll.exchanges[poll.index], poll.prepared[poll.index], now)
                return ()
        self._rest(now.monotonic)
        return ()

    def _begin_job(self, job: Job, now: Instant) -> Sequence[Event]:
        if self._broadcast and job.write.needs_answers:
            job.end("refused", "a broadcast is never answered, and this action has to read")
        if job.outcome or job.exchange is None:
            return self._job_over(job, now)
        self._job, job.sent = job, True
        self._send(job.exchange, (Outgoing(job.exchange.frame),), now)
        self.wake_at = now.monotonic + (_TURNAROUND if self._broadcast else self._timeout)
        return ()

    def _send(self, exchange: Exchange, prepared: tuple[Outgoing, ...], now: Instant) -> None:
        if self._line.serial:
            self._finder.expect(exchange)
            self._outgoing = prepared
        else:
            self._transaction = self._transaction + 1 & 0xFFFF
            transaction = self._transaction.to_bytes(2)
            self._finder.expect(exchange, transaction)
            self._outgoing = (Outgoing(transaction + exchange.frame),)
        self._asked, self._gave_up = exchange, False
        self._state, self.busy = _WAITING, True
        self.wake_at = now.monotonic + self._timeout

    def _answered(self, body: bytes, now: Instant) -> Sequence[Event]:
        if self._polls.silent:
            self._polls.heard(now.monotonic)
        if self._poll is None:
            return self._job_answered(body, now) if self._job else self._settled(now)
        events = self._polls.answered(self._poll, body, now)
        self._let_go(now)
        return events

    def _refused(self, answer: Answer, now: Instant) -> Sequence[Event]:
        if answer.code in _UNIT_BEHIND_GATEWAY_SILENT:
            self._polls.silent += 1
        else:
            self._polls.heard(now.monotonic)
        if self._poll is not None:
            fault = self._fault("refused", f"answered {answer.refusal}", answer.frame)
            events = self._polls.failed(self._poll, fault, now)
            self._let_go(now)
            return events
        if self._job is None:
            return self._settled(now, refused=True)
        self._job.end("refused", f"the device answered {answer.refusal}")
        return self._job_over(self._job, now)

    def _settled(self, now: Instant, *, refused: bool = False) -> Sequence[Event]:
        """The question that clears up what was left open was answered; a refused read says too little."""
        if refused and self._asked and self._asked.request.function != DIAGNOSTICS:
            self._doubt.left_open(self._asked)
        else:
            self._doubt.settle()
        self._let_go(now)
        return ()

    def _unanswered(self, now: Instant) -> Sequence[Event]:
        if self._broadcast:
            return self._job_answered(b"", now)
        damage = self._finder.damage
        if damage is None:
            self._polls.silent += 1
            self._gave_up = True
            self._doubt.left_open(self._asked)
            fault = self._fault("timeout", f"had no answer in {self._timeout:g} s", self._finder.evidence)
        else:
            fault = self._fault(damage.reason, f"had a damaged answer: {damage.detail}", damage.frame)
        events = self._give_up(fault, damage is None, now)
        self._settle(now, heard=damage is not None)
        return events

    def _give_up(self, fault: Fault, unheard: bool, now: Instant) -> Sequence[Event]:
        if self._poll is not None:
            again = self._polls.tries_again(self._poll, unheard)
            return () if again else self._polls.failed(self._poll, fault, now)
        if self._job is None:
            self._polls.back_off(now.monotonic)
            return (fault,)
        if self._job.may_try_again():
            return ()
        replies = self._jobs.give_up(self._job, fault.detail, now.monotonic)
        self.urgent = bool(self._jobs)
        return (fault, *replies)

    def _fault(self, reason: str, what: str, frame: bytes) -> Fault:
        return Fault(self._device, reason, f"{self._asked}: {what}", frame)

    def _unasked(self, chunk: bytes, now: Instant) -> Sequence[Event]:
        """Bytes out of turn: they keep the line from being quiet, and a late reply is told."""
        if self._state == _QUIET:
            self.wake_at = min(now.monotonic + _DRAIN, self._quiet_until)
        if not self._gave_up or not any(isinstance(found, Answer) for found in self._finder.feed(chunk)):
            return ()
        self._gave_up = False
        self._doubt.heard()
        self._late += 1
        hint = _ONCE_LATE if self._late < _LATE_LIMIT else _ALWAYS_LATE
        detail = f"answered after its time-out of {self._timeout:g} s and was not believed: {hint}"
        return (Fault(self._device, "late", detail, chunk),)

    def _job_answered(self, body: bytes, now: Instant) -> Sequence[Event]:
        job = self._job
        if job is None:
            return ()
        self._jobs.go_on(job, body, now.monotonic)
        return self._job_over(job, now)

    def _job_over(self, job: Job, now: Instant) -> Sequence[Event]:
        """An exchange of a command is over, and with its last one the command: what it wrote is read anew."""
        if job.outcome is not None:
            self._jobs.drop(job)
            self.urgent = bool(self._jobs)
            if not job.outcome.reason:
                self._polls.soon(self._plan.touched(job.write), now.monotonic)
        self._let_go(now)
        return job.reply()

    def _let_go(self, now: Instant) -> None:
        """After an answer: the silence between frames, then the line is free."""
        self._late = 0
        self._ready_at = now.monotonic + self._plan.settings.delay
        if self._line.gap and self._state == _WAITING:
            self._fall_quiet(now, self._line.gap)
        else:
            self._rest(now.monotonic)

    def _settle(self, now: Instant, *, heard: bool) -> None:
        """After no answer: on a serial line the unit is left alone, lest a late one be taken for another."""
        if self._line.serial:
            self._ready_at = now.monotonic + (0.0 if heard else self._timeout)
            self._fall_quiet(now, _DRAIN if heard or self._finder.evidence else self._line.gap)
        else:
            self._rest(now.monotonic)

    def _fall_quiet(self, now: Instant, seconds: float) -> None:
        """Holds the line until it was silent for so long, but no longer than a time-out."""
        self._poll = self._job = None
        self._state, self.busy = _QUIET, True
        self.wake_at = now.monotonic + seconds
        self._quiet_until = now.monotonic + max(self._timeout, seconds)

    def _rest(self, moment: float) -> None:
        """Lets others have the line until the next thing to do."""
        self._state, self.busy = _IDLE, False
        self._poll = self._job = None
        due = self._polls.at
        if self._jobs:
            waiting = self._jobs.at
            self.urgent = waiting <= max(due, moment)
            due = min(due, waiting)
        self.wake_at = max(due, self._ready_at, moment) if due < math.inf else None
