"""What every driver is: one conversation with one device, as a state machine without I/O.

Bytes and the time come in; events and bytes to send go out. The link's owner (gateways/pump.py)
does the reading, writing and waiting, and when several devices share one link it gives the line to
one busy driver at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from telemetry import Device, Instant, Profile, Reading


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a device or its wire did wrong. The bytes it happened on are kept as evidence.

    reason: a short fixed word that is counted, such as `checksum`, `timeout`, `exception`.
    detail: a sentence for people.
    """

    device: str
    reason: str
    detail: str
    frame: bytes = b""


Event = Reading | Fault


class Driver(Protocol):
    """A listener (AIS, NMEA, MQTT) is never busy; a poller (Modbus) is, from its request until its answer.

    No method raises for anything a device can send: bad input is a Fault. An exception is a bug.
    """

    @property
    def busy(self) -> bool:
        """Whether an exchange is under way: no other driver may send on this link until it ends."""
        ...

    @property
    def wake_at(self) -> float | None:
        """Monotonic second at which `wake` wants to be called; None while only bytes matter."""
        ...

    def connected(self, now: Instant) -> None:
        """The link was opened anew: forget half frames and any exchange under way."""
        ...

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Bytes as they came off the link, in any chunking.

        origin: for links that carry whole messages, where this one came from (an MQTT topic, a
        datagram's sender); empty on a plain byte pipe.
        """
        ...

    def wake(self, now: Instant) -> Sequence[Event]:
        """Called at or after `wake_at`, and for a poller only while the line is free or its own."""
        ...

    def outgoing(self) -> bytes:
        """The bytes to send since the last call, and forgets them."""
        ...


class Open(Protocol):
    """How a protocol's module makes a driver."""

    def __call__(self, device: Device, profile: Profile) -> Driver:
        """A driver for this device. Raises ProfileError when the profile cannot be used."""
        ...


class Listener:
    """What drivers that only listen have in common: they never ask for the line."""

    busy = False
    wake_at: float | None = None

    def connected(self, now: Instant) -> None:
        """Nothing to forget."""

    def wake(self, now: Instant) -> Sequence[Event]:
        """Nothing waits."""
        return ()

    def outgoing(self) -> bytes:
        """A listener sends nothing."""
        return b""
