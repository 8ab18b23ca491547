"""Commands to a Modbus device that wait or are under way, each with exactly one Reply in the end."""

import math
from collections.abc import Mapping, Sequence

from drivers.modbus.frames import READ_INPUT_REGISTERS
from drivers.modbus.replies import Exchange, Framing, lay_out
from drivers.modbus.writes import Outcome, Pause, PlannedWrite
from telemetry import Command, Instant, Reply

_INSISTING = 3
"""Further tries of a request that must arrive, such as the end of a pulse."""
MOST_WAITING = 32


class Job:
    """One command: the request it wants to send next, or how long it pauses.

    at: monotonic second from which it wants the line. sent: whether anything of it was ever sent.
    outcome: how it ended, None before. told: whether its Reply was given, though it still goes on to
    the end of its pulse.
    """

    __slots__ = (
        "_insists", "_steps", "at", "attempt", "command", "exchange", "outcome", "sent", "told", "write",
    )  # fmt: skip

    def __init__(self, command: Command, write: PlannedWrite) -> None:
        self.command, self.write = command, write
        self._steps = write.steps(command.arguments)
        self._insists = self.sent = self.told = False
        self.at = -math.inf
        self.attempt = 0
        self.exchange: Exchange | None = None
        self.outcome: Outcome | None = None

    def go_on(self, body: bytes | None, moment: float, unit: int, framing: Framing) -> None:
        """Takes the data bytes of an answer, or begins, or ends a pause; sets what comes next."""
        self.exchange, self.attempt, self.at = None, 0, -math.inf
        try:
            step = next(self._steps) if body is None else self._steps.send(body)
        except StopIteration as stop:
            self.outcome = stop.value
            return
        if isinstance(step, Pause):
            self.at = moment + step.seconds
            return
        self._insists = step.insist
        self.exchange = lay_out(step.request, unit, framing)

    def end(self, reason: str, detail: str) -> None:
        """Ends it without going on."""
        self._steps.close()
        self.outcome = Outcome(reason, detail)

    def may_try_again(self) -> bool:
        """Counts a try without an answer; whether there may be another."""
        self.attempt += 1
        return self.attempt <= (_INSISTING if self._insists else self.write.words.retries)

    @property
    def left_on(self) -> bool:
        """Whether a pulse may have begun whose end is still to be written."""
        if not self.sent or self.write.words.pulse is None or self.outcome is not None:
            return False
        return self.exchange is None or self.exchange.request.function > READ_INPUT_REGISTERS

    @property
    def insists(self) -> bool:
        """Whether the request under way has to arrive."""
        return self._insists

    def reply(self) -> Sequence[Reply]:
        """How it ended, once."""
        if self.told or self.outcome is None:
            return ()
        self.told = True
        return (self._reply(self.outcome),)

    def tell(self, reason: str, detail: str) -> Reply:
        """The Reply of a command that goes on without one."""
        self.told = True
        return self._reply(Outcome(reason, detail))

    def _reply(self, outcome: Outcome) -> Reply:
        command = self.command
        return Reply(command.id, command.device, outcome.reason, outcome.detail, outcome.values)


class Jobs:
    """The commands of one device, in the order in which they came; a pause lets later ones pass."""

    __slots__ = ("_framing", "_unit", "_waiting", "_writes")

    def __init__(self, writes: Mapping[str, PlannedWrite], unit: int, framing: Framing) -> None:
        self._writes, self._unit = writes, unit
        self._framing: Framing = framing
        self._waiting: list[Job] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def at(self) -> float:
        """Monotonic second from which one of them wants the line."""
        return min((job.at for job in self._waiting), default=math.inf)

    def take(self, command: Command) -> Reply | None:
        """Queues a command; a Reply where it cannot be."""
        write = self._writes.get(command.action)
        if write is None:
            return _refused(command, f"this device has no action {command.action}")
        if len(self._waiting) >= MOST_WAITING:
            return _refused(command, f"{MOST_WAITING} commands wait already")
        self._waiting.append(Job(command, write))
        return None

    def next(self, now: Instant) -> Job | None:
        """The one whose turn it is: with an exchange to make, an outcome such as being late, or neither."""
        job = next((job for job in self._waiting if job.at <= now.monotonic), None)
        if job is None:
            return None
        if not job.sent and now.utc > job.command.expires_at:
            job.end("expired", "its time was over before the line was free")
        elif job.exchange is None:
            self.go_on(job, b"" if job.sent else None, now.monotonic)
        return job

    def go_on(self, job: Job, body: bytes | None, moment: float) -> None:
        """The next step of a command; forgets it after the last one."""
        job.go_on(body, moment, self._unit, self._framing)

    def drop(self, job: Job) -> None:
        """Forgets a command that has ended."""
        self._waiting.remove(job)

    def give_up(self, job: Job, detail: str, moment: float) -> Sequence[Reply]:
        """No answer: its Reply; what may have been switched on is still switched off, in silence."""
        replies = () if job.told else (job.tell("timeout", f"{detail}: it may have been done or not"),)
        if job.left_on and not job.insists:
            self.go_on(job, b"", moment)
        else:
            job.end("timeout", detail)
            self.drop(job)
        return replies

    def cut(self, moment: float) -> Sequence[Reply]:
        """The link was opened anew: every command gets its Reply; a pulse still gets its end."""
        replies: list[Reply] = []
        for job in tuple(self._waiting):
            if not job.told:
                reason = "timeout" if job.sent else "unsent"
                replies.append(job.tell(reason, "the link broke before it was done"))
            if not job.left_on:
                self.drop(job)
            elif job.exchange is not None and not job.insists:
                self.go_on(job, b"", moment)
        return replies


def _refused(command: Command, why: str) -> Reply:
    return Reply(command.id, command.device, "refused", why)
