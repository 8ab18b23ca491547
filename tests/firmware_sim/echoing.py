"""The plainest simulated devices: one that answers, one that speaks by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.contract import Outgoing
from telemetry import Instant


@dataclass(slots=True)
class Echo:
    """Answers each chunk that begins with its address, and remembers all it heard, with its origin."""

    address: bytes = b""
    heard: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])
    wake_at: float | None = None

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """The chunk itself."""
        self.heard.append((chunk, origin))
        return (Outgoing(chunk),) if chunk.startswith(self.address) else ()

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Never called."""
        return ()


@dataclass(slots=True)
class Ticker:
    """Says a line every so many seconds from the first second on."""

    every: float
    line: bytes = b"tick\r\n"
    wake_at: float | None = 0.0

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Deaf."""
        return ()

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Its line."""
        self.wake_at = now.monotonic + self.every
        return (Outgoing(self.line),)
