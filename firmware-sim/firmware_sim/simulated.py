"""What every simulated device is: the other side of a wire, as a state machine without I/O.

The mirror of drivers/contract.py. `wires` puts one or several on a pty, a TCP or UDP port or an MQTT
broker, and wires/faults.py spoils what goes out, frame by frame.
"""

from collections.abc import Sequence
from typing import Protocol

from drivers.contract import Outgoing
from telemetry import Instant


class SimulatedDevice(Protocol):
    """A device as its maker built it. Each Outgoing is one whole frame, as faults count them."""

    @property
    def wake_at(self) -> float | None:
        """Monotonic second at which `wake` wants to be called; None for one that only answers."""
        ...

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Bytes as they came off the wire, in any chunking; the answers. Never raises for any bytes.

        origin: as in drivers/contract.py.
        """
        ...

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Called at or after `wake_at`: what the device says by itself."""
        ...
