"""The commands given to the devices of one link and not ended yet: each ends with one reply. No I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from telemetry import Action, Command, Instant, Reply
from telemetry.commands import find_action
from telemetry.times import NANOSECONDS

MOST_UNDER_WAY = 32
"""Commands that may wait on one link; more are refused."""
LONGEST_WAIT = 3600.0
"""Seconds any command may take, also where the clock was never set and its expiry is decades away."""

Answer = Callable[[Reply], None]
"""Who wants to know how a command ended; called once."""


@dataclass(frozen=True, slots=True)
class _Open:
    command: Command
    answer: Answer
    deadline: float
    sent_before: int


class UnderWay:
    """deadline: monotonic second at which `expire` wants to be called; None while nothing is under way."""

    __slots__ = ("_open", "deadline")

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._open: dict[str, _Open] = {}

    def add(self, command: Command, answer: Answer, now: Instant, sent: int) -> bool:
        """Takes it in; False when too many wait, or one of this id does.

        sent: frames the device was sent so far; later frames may have carried the command.
        """
        if len(self._open) >= MOST_UNDER_WAY or command.id in self._open:
            return False
        left = min((command.expires_at - now.utc) / NANOSECONDS, LONGEST_WAIT)
        self._open[command.id] = _Open(command, answer, now.monotonic + left, sent)
        self._look_ahead()
        return True

    def finish(self, reply: Reply) -> None:
        """A driver's reply. One for a command that has ended, or was never given, is dropped."""
        found = self._open.get(reply.command)
        if found is not None and found.command.device == reply.device:
            self._end(found, reply)

    def expire(self, now: Instant) -> None:
        """Ends what had its time."""
        for one in list(self._open.values()):
            if one.deadline <= now.monotonic:
                self._end(one, reply_to(one.command, "timeout", "the device did not answer in time"))

    def refuse(self, device: str, detail: str) -> None:
        """Ends a device's commands: its driver cannot carry them out."""
        for one in list(self._open.values()):
            if one.command.device == device:
                self._end(one, reply_to(one.command, "refused", detail))

    def break_off(self, sent: Callable[[str], int], why: str, device: str | None = None) -> None:
        """Ends one device's commands, or all: `unsent` where nothing was sent since, else `timeout`.

        sent: frames a device was sent so far.
        """
        for one in list(self._open.values()):
            if device in {None, one.command.device}:
                if sent(one.command.device) == one.sent_before:
                    reply = reply_to(one.command, "unsent", why)
                else:
                    reply = reply_to(one.command, "timeout", f"{why}; it may have been done or not")
                self._end(one, reply)

    def _end(self, one: _Open, reply: Reply) -> None:
        del self._open[one.command.id]
        self._look_ahead()
        one.answer(reply)

    def _look_ahead(self) -> None:
        self.deadline = min((one.deadline for one in self._open.values()), default=None)


def reply_to(command: Command, reason: str, detail: str) -> Reply:
    """The end of this command."""
    return Reply(command.id, command.device, reason, detail)


def checked(command: Command, actions: Sequence[Action]) -> Command:
    """The command as its action wants it, defaults filled in. Raises CommandError."""
    action = find_action(actions, command.action)
    return replace(command, arguments=action.check(command.arguments))
