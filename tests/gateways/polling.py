"""Small drivers for tests: one that asks and counts answers, one that listens, one that has a bug."""

from collections.abc import Sequence

from drivers.contract import Event, Fault, Listener, Outgoing
from drivers.lines import LineSplitter
from telemetry import Action, Argument, Command, Instant, Reading, Reply
from telemetry.words import Title

EPOCH = 1_795_000_000_000_000_000


SET = Action(
    name="set",
    title=Title(en="Set", vi="Đặt"),
    arguments=(Argument(name="value", title=Title(en="Value", vi="Giá trị"), minimum=0),),
)


class Poller:
    """Sends `name?`, expects `name=<number>` and a line end within the time-out.

    A command goes out as `name!value`, and its answer is the reply.
    """

    actions: Sequence[Action] = (SET,)

    def __init__(self, name: str, every: float, timeout: float = 1.0) -> None:
        self.name = name
        self.every = every
        self.timeout = timeout
        self.busy = False
        self.wake_at: float | None = None
        self.sent: list[float] = []
        self.heard: list[bytes] = []
        self.commands: list[Command] = []
        self._asked: Command | None = None
        self._outgoing = b""
        self._due = 0.0
        self._answer = b""

    @property
    def urgent(self) -> bool:
        return bool(self.commands)

    def connected(self, now: Instant) -> Sequence[Event]:
        self.busy, self._answer, self._outgoing = False, b"", b""
        self.commands.clear()
        self._asked = None
        self._due = now.monotonic
        self.wake_at = self._due
        return ()

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        if command.arguments["value"] == 13:
            raise ZeroDivisionError("a bug for the test")
        self.commands.append(command)
        if not self.busy:
            self.wake_at = now.monotonic
        return ()

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        self.heard.append(chunk)
        self._answer += chunk
        if not self.busy or not self._answer.endswith(b"\n"):
            return ()
        name, _, value = self._answer.decode(errors="replace").strip().partition("=")
        if name != self.name:
            return self._end(now, Fault(self.name, "stranger", f"an answer of {name}", chunk))
        if self._asked is not None:
            return self._end(now, Reply(self._asked.id, self.name, values={"value": value}))
        return self._end(now, Reading(self.name, "test", now.utc, {"value": value}))

    def wake(self, now: Instant) -> Sequence[Event]:
        if self.busy:
            return self._end(now, Fault(self.name, "timeout", "no answer"))
        if self.commands:
            self._asked = self.commands.pop(0)
            self._outgoing = f"{self.name}!{self._asked.arguments['value']:g}\n".encode()
        else:
            self.sent.append(now.monotonic)
            self._outgoing = f"{self.name}?\n".encode()
        self.busy, self.wake_at = True, now.monotonic + self.timeout
        return ()

    def outgoing(self) -> Sequence[Outgoing]:
        frame, self._outgoing = self._outgoing, b""
        return (Outgoing(frame),) if frame else ()

    def _end(self, now: Instant, event: Event) -> Sequence[Event]:
        if self._asked is None:
            self._due = max(self._due + self.every, now.monotonic)
        self.busy, self._answer, self._asked = False, b"", None
        self.wake_at = now.monotonic if self.commands else self._due
        return (event,)


class LineListener(Listener):
    """Every line is a reading; `bug` makes it raise, `bad` is a fault."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connections = 0
        self._lines = LineSplitter()

    def connected(self, now: Instant) -> Sequence[Event]:
        self.connections += 1
        self._lines.clear()
        return ()

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        events: list[Event] = []
        for number, line in enumerate(self._lines.feed(chunk)):
            if line == b"bug":
                raise ZeroDivisionError("a bug for the test")
            if line == b"bad":
                events.append(Fault(self.name, "checksum", "a bad line", line))
            else:
                events.append(Reading(self.name, "test", now.utc + number, {"line": line.decode()}))
        return events
