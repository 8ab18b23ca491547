"""What every driver is: one conversation with one device, as a state machine without I/O.

Bytes and the time come in; events and bytes to send go out. The link's owner (gateways/pump.py)
does the reading, writing and waiting, and when several devices share one link it gives the line to
one busy driver at a time. `Driver` is what all have; `Listener` is a base for those that only listen;
HearsRetained, Overhears, Addressed and LastWord are what a driver may be besides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from telemetry import Action, Command, Device, Instant, Profile, Reading, Reply

RETAINED = "\0"
"""Begins the origin of an MQTT message that the broker had kept from before: no topic has this character.
Only a driver marked HearsRetained is given such messages."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a device or its wire did wrong. The bytes it happened on are kept as evidence.

    reason: a short fixed word that is counted, one of those in docs/faults.md. detail: a sentence for people.
    """

    device: str
    reason: str
    detail: str
    frame: bytes = b""


Event = Reading | Fault | Reply


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Bytes to send at once: one frame, one datagram, one MQTT message.

    to: for links that carry whole messages, where it goes (an MQTT topic, the origin of a datagram);
    empty on a plain byte pipe and for whoever spoke last.
    """

    payload: bytes
    to: str = ""


class Driver(Protocol):
    """A listener (AIS, NMEA, MQTT) is never busy; a poller (Modbus) is, from its request until its answer.

    A poller gives the line back after each exchange, also in the middle of a poll of several: the
    link's owner decides who speaks next, and a command waits for one exchange at most.
    No method raises for anything a device can send: bad input is a Fault. An exception is a bug.
    Whatever comes, memory stays bounded. Each Command has exactly one Reply, from whichever method.
    """

    @property
    def actions(self) -> Sequence[Action]:
        """What the device can be told: the driver's own actions and those of its profile."""
        ...

    @property
    def busy(self) -> bool:
        """Whether an exchange is under way: no other driver may send on this link until it ends."""
        ...

    @property
    def wake_at(self) -> float | None:
        """Monotonic second at which `wake` wants to be called; None while only bytes matter."""
        ...

    @property
    def urgent(self) -> bool:
        """Whether a command waits for the line: this driver is woken before those that only poll."""
        ...

    def connected(self, now: Instant) -> Sequence[Event]:
        """The link was opened, for the first time or anew: half frames and exchanges under way are forgotten.

        Commands end too, each with a Reply: `unsent`, or `timeout` once it was sent. None goes out
        later, since whoever gave it was told when the link broke; only the end of what one began may,
        such as the stop of a motion or the end of a pulse.
        """
        ...

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Takes in a command that was checked against its action; its Reply follows, now or later.

        A poller sends what has to be sent for it from `wake`, when the line is free; a listener may have
        it outgoing at once.
        """
        ...

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Bytes as they came off the link, in any chunking.

        origin: for links that carry whole messages, where this one came from (an MQTT topic, if need be
        behind RETAINED; a datagram's sender); empty on a plain byte pipe.
        """
        ...

    def wake(self, now: Instant) -> Sequence[Event]:
        """Called at or after `wake_at`, and for a poller only while the line is free or its own."""
        ...

    def outgoing(self) -> Sequence[Outgoing]:
        """What is to be sent since the last call, in order, and forgets it."""
        ...


class Open(Protocol):
    """How a protocol's module makes a driver."""

    def __call__(self, device: Device, profile: Profile) -> Driver:
        """A driver for this device. Raises ProfileError when the profile cannot be used."""
        ...


class Listener:
    """What drivers that only listen have in common: they never ask for the line and take no commands."""

    actions: Sequence[Action] = ()
    busy = False
    urgent = False
    wake_at: float | None = None

    def connected(self, now: Instant) -> Sequence[Event]:
        """Nothing to forget."""
        return ()

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Refuses: nothing can be sent to such a device."""
        return (Reply(command.id, command.device, "refused", "this device takes no commands"),)

    def wake(self, now: Instant) -> Sequence[Event]:
        """Nothing waits."""
        return ()

    def outgoing(self) -> Sequence[Outgoing]:
        """A listener sends nothing."""
        return ()


class HearsRetained:
    """Marks a driver that also wants MQTT messages which the broker had kept: nobody knows when they were
    said, so no other driver is given them."""


class Overhears:
    """Marks a poller that hears the line while another has it: what its device answers may come long after
    the line was given back, such as a camera's word that it has arrived."""


@runtime_checkable
class Addressed(Protocol):
    """A driver whose device answers to an address on its line, and whose answers say nothing else."""

    @property
    def address(self) -> str:
        """What only one device of a link may be, such as `unit 3`; empty where answers are told apart."""
        ...


@runtime_checkable
class LastWord(Protocol):
    """A driver with something to say before it is left for good, such as a stop to what it moves."""

    def last_word(self, now: Instant) -> Sequence[Outgoing]:
        """What is sent at once, without waiting for an answer. The driver is not called again."""
        ...
