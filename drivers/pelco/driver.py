"""Pelco-D and Pelco-P cameras: what they are told with a dead-man stop, and where they look if they say it.

Most of these cameras never answer: a command is done when it was sent, stops are said several times, and
the readings tell only whether we are moving the camera, with quality uncertain. Links: `serial://`,
`rfc2217://`, `tcp://` to a converter, `udp://`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drivers.contract import Event, Fault, Outgoing
from drivers.pelco.frames import (
    BadFrame,
    Drive,
    FrameReader,
    PelcoFrame,
    PelcoSaying,
    Position,
    Query,
    What,
    decode_saying,
    encode_saying,
)
from drivers.pelco.plan import PelcoPlan, PelcoRead, PelcoSettings
from drivers.ptz.actions import ENDS_BY_ITSELF
from drivers.ptz.deadman import DeadMan
from drivers.ptz.orders import BROKEN, Orders, Stops
from drivers.ptz.poll import Poll
from drivers.words import Vocabulary, once_a_profile
from telemetry import Action, Command, Device, Instant, Profile, ProfileError, Reply, Value

VOCABULARY = Vocabulary(settings=PelcoSettings, read=PelcoRead)
LINKS = ("serial", "tcp", "udp", "tcp-listen", "rfc2217")

_MOTIONS = ("move", "zoom", "focus")
_SENT = "sent; this camera does not answer"


def open_driver(device: Device, profile: Profile) -> "PelcoDriver":
    """A driver for this camera. Raises ProfileError for a profile, link or address that cannot be used."""
    if not 1 <= device.unit_id <= 255:
        raise ProfileError(f"device {device.id}: Pelco addresses are 1 to 255, not {device.unit_id}")
    return PelcoDriver(device, profile, _plan(profile))


_plan = once_a_profile(PelcoPlan)


@dataclass(slots=True)
class _Asking:
    """A command that asks for the position: what is still to be asked, and what was answered."""

    command: Command
    pending: list[What] = field(default_factory=lambda: [What.PAN, What.TILT, What.ZOOM])
    raws: dict[What, int] = field(default_factory=dict[What, int])


class PelcoDriver:
    """One camera's conversation: it sends a frame, then rests, or waits for an answer if it asked something.

    One frame says everything that moves, so a motion ends with a frame of what goes on.
    """

    def __init__(self, device: Device, profile: Profile, plan: PelcoPlan) -> None:
        self.actions: Sequence[Action] = plan.actions
        self.busy = False
        self.wake_at: float | None = None
        self.address = f"camera {device.unit_id}"
        self._device, self._unit, self._plan = device.id, device.unit_id, plan
        said = plan.settings
        self._reader = FrameReader(said.protocol, said.first_address)
        self._deadman = DeadMan(*plan.motions)
        self._orders, self._stops = Orders(), Stops(self._deadman)
        self._poll = Poll[What, int](device, profile, plan.questions, self._values)
        self._drive, self._was_driven = Drive(), False
        self._frames: list[PelcoSaying] = []
        self._asking: _Asking | None = None
        self._asked: What | None = None
        self._rest_until = 0.0
        self._outgoing: list[Outgoing] = []

    @property
    def urgent(self) -> bool:
        """Whether a command or a stop waits."""
        stop = self._deadman.wake_at
        waits = bool(self._orders or self._frames) or self._asking is not None
        return waits or (stop is not None and self.wake_at is not None and stop <= self.wake_at)

    def connected(self, now: Instant) -> Sequence[Event]:
        """The link is new: whatever may be moving is stopped."""
        self._reader.clear()
        self._outgoing.clear()
        self._frames.clear()
        asking, self._asking, self._asked = self._asking, None, None
        self._deadman.connected(now)
        self._poll.connected(now)
        self.busy, self._rest_until = False, now.monotonic
        sent = () if asking is None else (_reply(asking.command, "timeout", BROKEN),)
        unsent = (*self._orders.end("unsent", BROKEN), *self._stops.broken())
        self._settle()
        return (*sent, *unsent)

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Takes it in; a stop ends every motion at once."""
        if command.action != "stop":
            events: Sequence[Event] = self._orders.put(command, now)
        else:
            self._frames.clear()
            events = (*self._orders.make_way(command), *self._stops.put(command, now))
        self._settle()
        return events

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Looks for the position that was asked for."""
        events: list[Event] = []
        for found in self._reader.feed(chunk):
            if isinstance(found, BadFrame):
                events.append(Fault(self._device, "checksum", "not a Pelco frame", found.frame))
            elif isinstance(found, PelcoFrame) and found.address == self._unit:
                said = decode_saying(found.words, self._plan.settings.protocol)
                if isinstance(said, Position) and said.what is self._asked:
                    events += self._answered(said, now)
        self._settle()
        return events

    def wake(self, now: Instant) -> Sequence[Event]:
        """Says the next thing."""
        if self.wake_at is None or now.monotonic < self.wake_at:
            return ()
        events: list[Event] = []
        if self._asked is not None:
            events += self._unanswered(now)
        elif self.busy:
            self.busy = False
        else:
            events += self._say_next(now)
            events += self._tell_driven(now)
        self._settle()
        return events

    def outgoing(self) -> Sequence[Outgoing]:
        """Whole frames."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def last_word(self, now: Instant) -> Sequence[Outgoing]:
        """Stops whatever may be moving, as often as it is said otherwise."""
        if not self._deadman.unsafe:
            return ()
        self._outgoing.clear()
        for _ in range(self._plan.settings.stops):
            self._send(Drive(), now)
        return self.outgoing()

    def _say_next(self, now: Instant) -> Sequence[Event]:
        """Stops first, then the rest of a command, commands, the poll."""
        if self._deadman.due(now) is not None:
            return self._say_stop(now)
        if self._frames:
            self._send(self._frames.pop(0), now)
            return ()
        if self._asking is not None:
            self._send(Query(self._asking.pending[0]), now)
            return ()
        command, replies = self._orders.take(now)
        if command is not None:
            return (*replies, *self._carry_out(command, now))
        if not self._plan.questions and self._poll.due <= now.monotonic:
            self._poll.skip(now)
            return (*replies, self._poll.reading(now, {}))
        question = self._poll.ask(now)
        if question is not None:
            self._send(Query(question), now)
        return replies

    def _say_stop(self, now: Instant) -> Sequence[Event]:
        while (motion := self._deadman.due(now)) is not None:
            self._drive = self._plan.stopped(self._drive, motion)
            if self._deadman.asked(motion, now) >= self._plan.settings.stops:
                self._deadman.stopped(motion)
        self._send(self._drive, now)
        self._stops.said()
        return self._stops.settled()

    def _carry_out(self, command: Command, now: Instant) -> Sequence[Event]:
        if command.action == "position":
            self._asking = _Asking(command)
            self._send(Query(self._asking.pending[0]), now)
            return ()
        if command.action in _MOTIONS:
            self._drive, motion = self._plan.driven(self._drive, command)
            if motion is not None:
                self._deadman.started(motion, float(command.arguments["hold"]), now)
            self._send(self._drive, now)
            return (_reply(command, detail=_SENT),)
        sayings = self._plan.wire(command)
        if not sayings:
            return (_reply(command, "refused", "this preset is reserved: it does not look somewhere"),)
        if command.action in ENDS_BY_ITSELF:  # a frame that ends one motion would end this one too
            sayings = (Drive(), *sayings) if self._is_driven() else sayings
            self._drive = Drive()
            self._deadman.ended(*self._plan.motions)
        self._frames = list(sayings[1:])
        self._send(sayings[0], now)
        return (*self._stops.settled(), _reply(command, detail=_SENT))

    def _send(self, saying: PelcoSaying, now: Instant) -> None:
        said = self._plan.settings
        frame = PelcoFrame(self._unit, encode_saying(saying, said.protocol))
        self._outgoing.append(Outgoing(frame.encode(said.protocol, said.first_address)))
        self.busy = True
        self._asked = saying.what if isinstance(saying, Query) else None
        self._rest_until = now.monotonic + (said.pause if self._asked is None else said.timeout)

    def _answered(self, position: Position, now: Instant) -> Sequence[Event]:
        self._rest(now, self._plan.settings.pause)
        self._poll.silent = 0
        asking = self._asking
        if asking is None:
            return self._poll.answered(position.raw, now)
        asking.raws[position.what] = position.raw
        asking.pending.remove(position.what)
        return () if asking.pending else self._told(asking)

    def _unanswered(self, now: Instant) -> Sequence[Event]:
        """After it, silence for as long again: a late answer is no later question's."""
        asked = "" if self._asked is None else self._asked.name.lower()
        self._rest(now, self._plan.settings.timeout)
        self._poll.silent += 1
        if self._asking is not None:
            command, self._asking = self._asking.command, None
            return (_reply(command, "timeout", f"no answer in {self._plan.settings.timeout:g} s"),)
        return self._poll.missed(f"{asked}: had no answer", now)

    def _told(self, asking: _Asking) -> Sequence[Event]:
        self._asking = None
        values: dict[str, Value] = {
            what.name.lower(): self._plan.value(what, raw) for what, raw in asking.raws.items()
        }
        return (Reply(asking.command.id, asking.command.device, values=values),)

    def _tell_driven(self, now: Instant) -> Sequence[Event]:
        """A reading at each beginning and end of a motion, where the profile has the metric."""
        driven = self._is_driven()
        if driven == self._was_driven or "driven" not in self._plan.metrics.values():
            return ()
        self._was_driven = driven
        return (self._poll.reading(now, {}),)

    def _is_driven(self) -> bool:
        drive = self._drive
        return any((drive.pan, drive.tilt, drive.zoom, drive.focus))

    def _values(self, raws: Mapping[What, int]) -> tuple[dict[str, Value], bool]:
        return self._plan.reading(raws, driven=self._is_driven())

    def _rest(self, now: Instant, seconds: float) -> None:
        self._asked, self.busy = None, True
        self._rest_until = now.monotonic + seconds

    def _settle(self) -> None:
        if self.busy:
            self.wake_at = self._rest_until
            return
        moments = [self._poll.due]
        if self._deadman.wake_at is not None:
            moments.append(self._deadman.wake_at)
        if self._orders or self._frames or self._asking is not None or self._poll.under_way:
            moments.append(self._rest_until)
        self.wake_at = max(self._rest_until, min(moments))


def _reply(command: Command, reason: str = "", detail: str = "") -> Reply:
    return Reply(command.id, command.device, reason, detail)
