"""The requests of an ONVIF driver to its link: which wait for their answers, and until when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivers.contract import Outgoing
from drivers.onvif import messages as m
from drivers.ptz.deadman import Motion
from telemetry import Command, Instant

GIVE_UP = 20.0
"""Seconds after which an answer is not waited for any more; the link gives its own well before."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request whose answer is awaited. commands: those it carries out. motions: those it stops."""

    verb: str
    deadline: float
    commands: tuple[Command, ...] = ()
    motions: tuple[Motion, ...] = ()


class Requests:
    """Those of one camera."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._number = 0
        self._pending: dict[str, Pending] = {}
        self._outgoing: list[Outgoing] = []

    @property
    def stopping(self) -> bool:
        """Whether the answer to a stop is awaited."""
        return any(pending.motions for pending in self._pending.values())

    @property
    def commanding(self) -> bool:
        """Whether the answer to a command is awaited."""
        return any(pending.commands for pending in self._pending.values())

    @property
    def deadlines(self) -> list[float]:
        """Monotonic seconds until which answers are awaited."""
        return [pending.deadline for pending in self._pending.values()]

    def polling(self, verb: str) -> bool:
        """Whether the answer to such a poll is awaited."""
        return any(one.verb == verb and not one.commands for one in self._pending.values())

    def key(self) -> str:
        """The id of the next request."""
        self._number += 1
        return f"{self._device}/{self._number}"

    def greet(self) -> None:
        """Asks what the camera has; a Hello answers it, whenever there is one."""
        self._outgoing.append(Outgoing(m.encode(m.Ask(self.key())), m.HELLO))

    def send(
        self,
        verb: str,
        ask: m.Ask,
        now: Instant,
        commands: tuple[Command, ...] = (),
        motions: tuple[Motion, ...] = (),
    ) -> None:
        """Asks; its answer is awaited."""
        self._pending[ask.id] = Pending(verb, now.monotonic + GIVE_UP, commands, motions)
        self._outgoing.append(Outgoing(m.encode(ask), verb))

    def take(self, key: str) -> Pending | None:
        """The request that an answer is for, which is then awaited no more."""
        return self._pending.pop(key, None)

    def overdue(self, now: Instant) -> Iterator[Pending]:
        """Those not answered in time, which are then awaited no more."""
        for key in [key for key, pending in self._pending.items() if pending.deadline <= now.monotonic]:
            yield self._pending.pop(key)

    def clear(self) -> Sequence[Command]:
        """Forgets everything; the commands that were sent and not answered."""
        sent = [command for pending in self._pending.values() for command in pending.commands]
        self._pending.clear()
        self._outgoing.clear()
        return sent

    def outgoing(self) -> Sequence[Outgoing]:
        """What is to be sent since the last call."""
        sent, self._outgoing = self._outgoing, []
        return sent
