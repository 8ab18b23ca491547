"""Cameras that speak ONVIF (Profiles S and T): position, health, events and an operator's commands.

The link (gateways/onvif/link.py) speaks SOAP and hands over whole messages (drivers/onvif/messages.py);
this driver decides what is asked when and what the answers mean. Requests do not share a line, so it is
never busy: a camera that is slow to say where it looks can be stopped all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drivers.contract import Event, Fault, Outgoing
from drivers.onvif import messages as m
from drivers.onvif.events import EventMetrics
from drivers.onvif.orders import Interpreter, actions_of
from drivers.onvif.plan import VOCABULARY, Plan, Source, plan
from drivers.onvif.requests import GIVE_UP, Requests
from drivers.ptz.deadman import DeadMan, Motion
from drivers.ptz.orders import BROKEN, LIMIT, Orders
from drivers.schemes import ONVIF
from drivers.stamps import Stamps
from drivers.words import once_a_profile
from telemetry import Action, Command, Device, Instant, Profile, Reading, Reply, Value

__all__ = ["LINKS", "VOCABULARY", "Camera", "open_driver"]

LINKS = ONVIF
EVERY = 5.0  # seconds between two positions where neither device nor profile says
_EVIDENCE = 512
_STRANGE = "this driver needs a link that begins with onvif:, and hears something from"


@dataclass(frozen=True, slots=True)
class Model:
    """A device model's profile, compiled."""

    plan: Plan
    actions: Sequence[Action]
    interpreter: Interpreter


class Camera:
    """One camera.

    Faults, by reason: those of its link's answers and notices, `message` (the link and the driver
    misunderstand each other) and `value` (an event says something its profile does not expect).
    """

    busy = False

    def __init__(self, device: Device, profile: Profile, model: Model) -> None:
        self.actions = model.actions
        self._device = device.id
        self._kind = profile.kind
        self._every = device.every or profile.every or EVERY
        self._plan = model.plan
        self._interpreter = model.interpreter
        self._stamps = Stamps()
        self._deadman = DeadMan(Motion.PAN_TILT, Motion.ZOOM)
        self._events = EventMetrics(self._plan.events)
        self._hello: m.Hello | None = None
        self._requests = Requests(device.id)
        self._orders = Orders()
        self._stops: list[Command] = []
        self._hello_due: float | None = None
        self._position_due = self._clock_due = self._command_due = 0.0

    @property
    def urgent(self) -> bool:
        """Whether a command or a stop is due to be sent."""
        return self._may_stop or self._may_command

    @property
    def wake_at(self) -> float | None:
        """The next poll, stop, command or deadline; nothing else is asked before the camera said hello."""
        times = self._requests.deadlines
        if self._hello is None:
            times += () if self._hello_due is None else (self._hello_due,)
        else:
            times += (self._clock_due,) if self._hello.head is None else (self._clock_due, self._position_due)
        if self._may_stop and self._deadman.wake_at is not None:
            times.append(self._deadman.wake_at)
        if self._may_command or (self._may_stop and self._stops):
            times.append(self._command_due)
        return min(times, default=None)

    def connected(self, now: Instant) -> Sequence[Event]:
        """The link was opened anew; its first word is what the camera has."""
        sent = [self._reply(command, "timeout", BROKEN) for command in self._requests.clear()]
        unsent = self._end_waiting("unsent", BROKEN)
        self._events.clear()
        self._hello, self._hello_due = None, now.monotonic
        self._deadman.connected(now)
        return [*sent, *unsent]

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Takes it in; it is sent from `wake`. A stop overtakes everything, and ends it."""
        self._command_due = now.monotonic
        if command.action != "stop":
            return self._orders.put(command, now)
        if len(self._stops) >= LIMIT:
            return (self._reply(command, "refused", f"{LIMIT} stops wait for this camera already"),)
        self._stops.append(command)
        return self._orders.make_way(command)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """One message of the link; its origin says which kind."""
        try:
            if origin == m.HELLO:
                return list(self._greet(m.decode(m.Hello, chunk), now))
            if origin == m.ANSWER:
                return list(self._answered(m.decode(m.Answer, chunk), now))
            if origin == m.EVENT:
                return list(self._happened(m.decode(m.Happening, chunk), chunk, now))
            if origin == m.NOTICE:
                notice = m.decode(m.Notice, chunk)
                return (Fault(self._device, notice.reason, notice.detail),)
        except ValueError as error:
            return (Fault(self._device, "message", str(error), chunk[:_EVIDENCE]),)
        return (Fault(self._device, "message", f"{_STRANGE} {origin[:40]!r}", chunk[:_EVIDENCE]),)

    def wake(self, now: Instant) -> Sequence[Event]:
        """Ends what was not answered, then sends stops, commands and polls, in this order."""
        events = list(self._expire(now))
        if self._hello is None:
            self._ask_for_hello(now)
        else:
            if self._hello.head is None:
                events += self._end_waiting("refused", "this camera has no head that moves")
            else:
                self._send_stop(now)
                events += self._send_command(self._hello.head, now)
            self._send_polls(self._hello, now)
        return events

    def outgoing(self) -> Sequence[Outgoing]:
        """Requests for the link."""
        return self._requests.outgoing()

    @property
    def _may_stop(self) -> bool:
        """Stops go out one at a time, so that a slow camera is not buried under them."""
        if self._hello is None or self._requests.stopping:
            return False
        return bool(self._stops) or (self._hello.head is not None and self._deadman.wake_at is not None)

    @property
    def _may_command(self) -> bool:
        """Commands go out one at a time too: the newest move replaces what still waits."""
        return self._hello is not None and len(self._orders) > 0 and not self._requests.commanding

    def _ask_for_hello(self, now: Instant) -> None:
        if self._hello_due is not None and self._hello_due <= now.monotonic:
            self._hello_due = now.monotonic + GIVE_UP
            self._requests.greet()

    def _greet(self, hello: m.Hello, now: Instant) -> Iterator[Event]:
        self._hello = hello
        self._position_due = now.monotonic
        self._clock_due = now.monotonic + self._clock_every(hello)
        told: dict[Source, Value | None] = {
            "model": hello.model,
            "firmware": hello.firmware,
            "serial": hello.serial,
            "clock": hello.clock,
        }
        yield from self._reading(told, now)

    def _answered(self, answer: m.Answer, now: Instant) -> Iterator[Event]:
        pending = self._requests.take(answer.id)
        if pending is None:
            return
        values: dict[Source, Value | None] = {}
        if not answer.reason:
            for motion in pending.motions:
                self._deadman.stopped(motion)
            values = self._plan.told(pending.verb, answer, self._hello)
            yield from self._reading(values, now)
        elif not pending.commands:
            yield Fault(self._device, answer.reason, answer.detail)
        for command in pending.commands:
            yield self._reply(command, answer.reason, answer.detail, values)

    def _happened(self, event: m.Happening, chunk: bytes, now: Instant) -> Iterator[Event]:
        values, wrong = self._events.take(event)
        for text in wrong:
            yield Fault(self._device, "value", text, chunk[:_EVIDENCE])
        if values:
            yield Reading(self._device, self._kind, self._stamps.next(now.utc), values)

    def _reading(self, told: Mapping[Source, Value | None], now: Instant) -> Iterator[Event]:
        if values := self._plan.metrics(told):
            yield Reading(self._device, self._kind, self._stamps.next(now.utc), values)

    def _expire(self, now: Instant) -> Iterator[Event]:
        for pending in self._requests.overdue(now):
            detail = f"no answer to {pending.verb} within {GIVE_UP:g} s"
            if not pending.commands:
                yield Fault(self._device, "timeout", detail)
            for command in pending.commands:
                yield self._reply(command, "timeout", detail)

    def _end_waiting(self, reason: str, detail: str) -> Sequence[Reply]:
        """The replies to the commands that were not sent, none of which will be."""
        stops, self._stops = self._stops, []
        return [*(self._reply(stop, reason, detail) for stop in stops), *self._orders.end(reason, detail)]

    def _send_stop(self, now: Instant) -> None:
        if not self._may_stop:
            return
        if self._stops:
            self._deadman.stop_all(now)
        motions: list[Motion] = []
        while (motion := self._deadman.due(now)) is not None:
            self._deadman.asked(motion, now)
            motions.append(motion)
        if not motions:
            return
        commands, self._stops = tuple(self._stops), []
        key = self._requests.key()
        ask = m.Ask(key, stop_pan_tilt=Motion.PAN_TILT in motions, stop_zoom=Motion.ZOOM in motions)
        self._requests.send(m.STOP, ask, now, commands, tuple(motions))

    def _send_command(self, head: m.Head, now: Instant) -> Sequence[Event]:
        if not self._may_command:
            return ()
        command, expired = self._orders.take(now)
        if command is not None:
            verb, ask = self._interpreter.ask(command, head, self._requests.key())
            if verb == m.MOVE:
                motion = Motion.ZOOM if ask.zoom is not None else Motion.PAN_TILT
                self._deadman.started(motion, ask.hold, now)
            self._requests.send(verb, ask, now, (command,))
        return expired

    def _send_polls(self, hello: m.Hello, now: Instant) -> None:
        if hello.head is not None and self._position_due <= now.monotonic:
            self._position_due = max(self._position_due + self._every, now.monotonic)
            self._poll(m.POSITION, now)
        if self._clock_due <= now.monotonic:
            self._clock_due = max(self._clock_due + self._clock_every(hello), now.monotonic)
            self._poll(m.CLOCK, now)

    def _clock_every(self, hello: m.Hello) -> float:
        """A camera without a head has nothing else to ask to see that it lives."""
        every = self._plan.settings.clock_every
        return every if hello.head is not None else min(every, self._every)

    def _poll(self, verb: str, now: Instant) -> None:
        """Asks, unless the last of its kind is still unanswered."""
        if not self._requests.polling(verb):
            self._requests.send(verb, m.Ask(self._requests.key()), now)

    def _reply(
        self, command: Command, reason: str, detail: str, told: Mapping[Source, Value | None] | None = None
    ) -> Reply:
        return Reply(command.id, self._device, reason, detail, self._plan.metrics(told or {}))


def open_driver(device: Device, profile: Profile) -> Camera:
    """A driver for one camera. Raises ProfileError naming the metric or action and the remedy."""
    return Camera(device, profile, _model(profile))


@once_a_profile
def _model(profile: Profile) -> Model:
    planned = plan(profile)
    actions = actions_of(profile, planned.settings)
    return Model(planned, actions, Interpreter.of(profile, planned))
