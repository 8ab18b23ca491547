"""What every link is: an address that opens a byte pipe, and whoever receives what comes through it.

Nothing waits here: a chunk is handled in the callback that brings it, so what its receiver cannot take
yet stays in the wire's own buffers, and the sender notices.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from broker.session import BrokerAddress
from telemetry import LinkError

LARGEST_READ = 65_536  # bytes
PIECE = 4_096
"""Bytes of a stream handed to its receiver at once: worth some milliseconds of work at worst."""


@dataclass(frozen=True, slots=True)
class Home:
    """Whose link it is. broker: the one of `mqtt:` links. owner: the gateway's id, part of our client id."""

    broker: BrokerAddress | None = None
    owner: str = "haidang"


class Link(Protocol):
    """An open byte pipe."""

    def write(self, payload: bytes, to: str = "") -> None:
        """Sends without waiting: one write, one datagram, one message.

        to: for links that carry whole messages, a topic or an origin; empty for whoever spoke last.
        Raises LinkError when the other side does not take it.
        """
        ...

    def pause(self) -> None:
        """Holds the wire back, if it can be held back; at most one piece more is received."""
        ...

    def resume(self) -> None:
        """Lets the wire go on."""
        ...


class Receiver(Protocol):
    """Who is told what happens on a link: `opened` once, `receive` any number of times, `broke` at most once.

    None of these waits and none raises.
    """

    def opened(self, link: Link) -> None:
        """The pipe stands and can be written to."""
        ...

    def receive(self, chunk: bytes, origin: str = "") -> None:
        """Bytes came in, of a stream at most PIECE at once.

        origin: for links that carry whole messages, where this one came from (an MQTT topic, a
        datagram's sender); empty on a plain byte pipe.
        """
        ...

    def broke(self, error: LinkError) -> None:
        """The wire broke; everything that came before has been received."""
        ...


class LinkAddress(Protocol):
    """Where a link goes; a frozen dataclass, since equal addresses are one link that devices share."""

    @property
    def exclusive(self) -> str:
        """What only one link of a machine can have, such as `serial port /dev/ttyUSB0`; empty for nothing."""
        ...

    def open(self, receiver: Receiver, home: Home) -> AbstractAsyncContextManager[None]:
        """The pipe, open as long as the block runs. Raises LinkError when it cannot be opened."""
        ...
