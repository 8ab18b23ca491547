"""Polls of a Modbus device in simulated or real time: when each group is due, and how far it has come."""

import math
from collections.abc import Container, Mapping, MutableMapping, Sequence

from drivers.contract import Event, Fault, Outgoing
from drivers.grid import SILENT_LIMIT, first_after, pause_of, put_off
from drivers.modbus.line import Line
from drivers.modbus.plan import ModbusSettings, PlannedGroup
from drivers.modbus.replies import Exchange, lay_out
from drivers.stamps import Stamps
from telemetry import Instant, Quality, Reading, Value


class Poll:
    """One group of metrics, polled on a grid of its own, and its poll under way.

    due: monotonic second of the next poll. at: when it wants the line next; long ago in mid-poll.
    missed: polls left out because the one before was not done, or the link was down.
    """

    __slots__ = (
        "_share",
        "at",
        "attempt",
        "due",
        "every",
        "exchanges",
        "failures",
        "group",
        "index",
        "missed",
        "prepared",
        "values",
    )

    def __init__(self, group: PlannedGroup, unit: int, line: Line, every: float, share: float) -> None:
        """share: where in its period the first poll is, 0 to 1."""
        self.group = group
        self.every = group.every or every
        self.exchanges: Sequence[Exchange] = [
            lay_out(read.request, unit, line.framing) for read in group.reads
        ]
        self.prepared = [(Outgoing(exchange.frame),) for exchange in self.exchanges]
        self.missed = 0
        self._share = share
        self.due = self.at = -math.inf
        self.reset()

    def reset(self) -> None:
        """Forgets the poll under way."""
        self.index = self.attempt = self.failures = 0
        self.values: MutableMapping[str, Value] = {}

    @property
    def deadline(self) -> float:
        """When it should be done: at the next poll."""
        return self.due if self.at < self.due else self.due + self.every

    def connected(self, moment: float) -> None:
        """The link is open anew: the grid starts again."""
        if self.due > -math.inf:
            self.missed += max(0, math.ceil((moment - self.due) / self.every))
        self.due = self.at = moment + first_after(self.every, self._share)
        self.reset()

    def begin(self, moment: float) -> None:
        """The first request of a poll goes out: moves on along the grid, past what was missed."""
        if moment >= self.due:
            late = int((moment - self.due) / self.every)
            self.missed += late
            self.due += (late + 1) * self.every
        self.at = -math.inf

    def step(self) -> bool:
        """To the next request; whether there is one."""
        self.index += 1
        self.attempt = 0
        return self.index < len(self.exchanges)

    def finish(self) -> Mapping[str, Value]:
        """The values of the poll that is over."""
        values = self.values
        for step in self.group.steps:
            step.apply(values)
        self.at = self.due
        self.reset()
        return values

    def put_off(self, until: float) -> None:
        """The next poll is the last one on the grid until then."""
        self.due = put_off(self.due, until, self.every)
        self.at = self.due

    def bring_back(self, moment: float) -> None:
        """Undoes `put_off`: the next poll is the next one on the grid."""
        if self.at == self.due:
            self.due -= max(0, math.floor((self.due - moment) / self.every)) * self.every
            self.at = self.due


class Polls:
    """All polls of one device: which is next, what comes of them, and how they give way while it is silent.

    silent: requests in a row without an answer.
    """

    def __init__(
        self, device: str, kind: str, polls: Sequence[Poll], settings: ModbusSettings, rest: float
    ) -> None:
        """rest: seconds for which a silent device is left alone at least, because others share its line."""
        self._device, self._kind, self._polls = device, kind, polls
        self._retries = settings.retries
        self._rest = max(rest, min((poll.every for poll in polls), default=0.0))
        self._only = polls[0] if len(polls) == 1 else None
        self._stamps = Stamps()
        self.silent = 0

    @property
    def at(self) -> float:
        """When one of them wants the line next; infinity where there are none."""
        only = self._only
        return only.at if only else min((poll.at for poll in self._polls), default=math.inf)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """Every request of every poll."""
        return [exchange for poll in self._polls for exchange in poll.exchanges]

    @property
    def missed(self) -> int:
        """Polls left out, of all of them."""
        return sum(poll.missed for poll in self._polls)

    def begin(self, moment: float) -> Poll | None:
        """Of those that want the line now, the one that should be done first, begun or gone on with."""
        poll = self._only
        if poll is None:
            wanting = (poll for poll in self._polls if poll.at <= moment)
            poll = min(wanting, key=lambda one: one.deadline, default=None)
        if poll is None or poll.at > moment:
            return None
        if poll.at > -math.inf:
            poll.begin(moment)
        return poll

    def connected(self, moment: float) -> None:
        """The link is open anew."""
        for poll in self._polls:
            poll.connected(moment)

    def soon(self, groups: Container[str], moment: float) -> None:
        """One more poll of these groups, at once."""
        for poll in self._polls:
            if poll.group.name in groups and poll.at > moment:
                poll.at = moment

    def heard(self, moment: float) -> None:
        """The device answered: polls that were put off are on their grids again."""
        if self.silent >= SILENT_LIMIT:
            for poll in self._polls:
                poll.bring_back(moment)
        self.silent = 0

    def answered(self, poll: Poll, body: bytes, now: Instant) -> Sequence[Event]:
        """A reply's data bytes; with the last one of a poll comes its Reading."""
        values = poll.group.reads[poll.index].decode(body)
        if poll.values:
            poll.values.update(values)
        else:
            poll.values = values
        return () if poll.step() else self._finish(poll, now)

    def tries_again(self, poll: Poll, unheard: int) -> bool:
        """Whether the request is worth another try, which is counted; unheard: 1 after a silence, else 0."""
        if self.silent - unheard <= poll.attempt < self._retries:
            poll.attempt += 1
            return True
        return False

    def failed(self, poll: Poll, fault: Fault, now: Instant) -> Sequence[Event]:
        """The poll goes on after a failure, or ends; a silent device is asked one question a poll."""
        poll.failures += 1
        if poll.step() and self.silent < SILENT_LIMIT:
            return (fault,)
        events = (fault, *self._finish(poll, now))
        self.back_off(now.monotonic)
        return events

    def back_off(self, moment: float) -> None:
        """A silent device's polls are put off by 2, 4, 8 … periods or rests, up to 30 s, on their grids."""
        if self.silent < SILENT_LIMIT or not self._polls:
            return
        pause = pause_of(self.silent, self._rest)
        for poll in self._polls:
            poll.reset()
            poll.put_off(moment + pause)

    def _finish(self, poll: Poll, now: Instant) -> Sequence[Event]:
        quality = Quality.UNCERTAIN if poll.failures else Quality.GOOD
        values = poll.finish()
        if not values:
            return ()
        return (Reading(self._device, self._kind, self._stamps.next(now.utc), values, quality),)
