"""Sparkplug B 3.0 edge nodes and their devices as a source: the host application's side.

A device here is one edge node, or one Sparkplug device behind it (setting `device`). Births tell names,
types and aliases; data comes by alias or name; a death makes what was known bad. When messages are missing
or data comes before a birth, the node is asked to be born again, at most once an interval.
Source: Eclipse Sparkplug 3.0 specification. Which statements of it hold: docs/mqtt-devices.md.
"""

import zlib
from collections.abc import Iterator, Sequence

from drivers.contract import RETAINED, Event, Fault, Listener, Outgoing
from drivers.schemes import MQTT
from drivers.sparkplug.commands import OWN_ACTIONS, Commands, Write
from drivers.sparkplug.node import REBIRTH, Address, Session, bd_seq_of, parse_topic, unreadable
from drivers.sparkplug.payload import SparkplugError, SparkplugPayload, decode_payload
from drivers.sparkplug.readings import Readout
from drivers.sparkplug.values import is_single, value_of
from drivers.sparkplug.words import Read, Settings
from drivers.words import Vocabulary, settings_of
from telemetry import Command, CommandError, Device, Instant, Profile, Reply, Value

VOCABULARY = Vocabulary(settings=Settings, read=Read, write=Write)
LINKS = MQTT
_EVIDENCE = 1024
_FIRST_LOOK = 1.0
"""Seconds after connecting until the node is asked to be born again, unless it was by then."""


class EdgeNode(Listener):
    """Listens to one edge node.

    Faults, by reason: `overlong`, `not_sparkplug`, `before_birth`, `sequence`, `death`, `unknown` (a metric
    no birth told of), `unreadable` (data sets, templates, files, arrays), `value`, `name`, `time`.
    """

    def __init__(self, device: Device, profile: Profile, settings: Settings) -> None:
        self._device = device.id
        self._settings = settings
        self._node = settings.node.replace("{id}", device.id)
        self._session = Session(group=settings.group)
        self._readout = Readout(device, profile, settings, self._session)
        self._commands = Commands(profile, self._node, settings.device, self._session)
        self._jitter = zlib.crc32(device.id.encode()) % 1000 / 1000  # one of several on a node asks first
        self._asked_at: float | None = None
        self._ask_at: float | None = None
        self._outgoing: list[Outgoing] = []
        self.actions = (*OWN_ACTIONS, *profile.actions)

    def connected(self, now: Instant) -> Sequence[Event]:
        """What was missed is not known: the node is asked to be born again."""
        self._session.born.clear()
        self._session.sequence.begin(None)
        self._outgoing.clear()
        if self._session.group:
            self._ask(now, _FIRST_LOOK)
        events = list(self._commands.broken())
        self._set_wake()
        return events

    def wake(self, now: Instant) -> Sequence[Event]:
        """Asks for a rebirth that is due; ends commands that nobody answered."""
        missing = self._session.sequence.missing_since
        if missing is not None and missing + self._settings.reorder <= now.monotonic:
            self._session.sequence.missing_since = None
            self._ask(now)
        if self._ask_at is not None and self._ask_at <= now.monotonic:
            self._ask_at, self._asked_at = None, now.monotonic
            self._outgoing.append(self._commands.rebirth(now))
        events = list(self._commands.overdue(now))
        self._set_wake()
        return events

    def outgoing(self) -> Sequence[Outgoing]:
        """Requests and commands since the last call."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Writes a metric, or asks for a rebirth; done when given to the broker or when the node confirms."""
        try:
            outgoing, reply = self._commands.carry_out(command, now)
        except CommandError as error:
            return (Reply(command.id, command.device, "refused", str(error)),)
        self._outgoing.append(outgoing)
        self._set_wake()
        return () if reply is None else (reply,)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """One message. Retained ones are against the specification and passed over."""
        address = None if origin.startswith(RETAINED) else parse_topic(origin)
        if address is None or not self._is_ours(address) or not chunk:
            return ()
        try:
            payload = decode_payload(chunk)
        except SparkplugError as error:
            return (self._fault(error.reason, f"{origin}: {error}", chunk),)
        events = list(self._take(address, payload, chunk, now))
        self._set_wake()
        return events

    def _is_ours(self, address: Address) -> bool:
        group = self._settings.group or self._session.group
        return address.node == self._node and (not group or address.group == group)

    def _take(
        self, address: Address, payload: SparkplugPayload, chunk: bytes, now: Instant
    ) -> Iterator[Event]:
        self._session.group = address.group
        if address.kind in {"NCMD", "DCMD"}:
            self._heard_command(payload, now)
        elif address.kind == "NDEATH":
            yield from self._node_died(payload, chunk, now)
        elif address.kind == "NBIRTH":
            self._ask_at = None
            yield from self._born(address, payload, chunk, now)
        elif "" not in self._session.born:
            yield from self._before_birth(address, chunk, now)
        else:
            yield from self._in_session(address, payload, chunk, now)

    def _in_session(
        self, address: Address, payload: SparkplugPayload, chunk: bytes, now: Instant
    ) -> Iterator[Event]:
        if not self._session.sequence.take(payload.seq, now):
            yield self._fault("sequence", f"{address}: message {payload.seq} is out of order", chunk)
        if address.device and not self._concerns(address.device):
            return
        if address.kind == "DBIRTH":
            yield from self._born(address, payload, chunk, now)
        elif address.kind == "DDEATH":
            yield from self._device_died(address, payload, chunk, now)
        elif address.device not in self._session.born:
            yield from self._before_birth(address, chunk, now)
        else:
            yield from self._data(address, payload, chunk, now, birth=False)

    def _concerns(self, device: str) -> bool:
        """Whether anything is read of this Sparkplug device or told to it; the others are not remembered."""
        return self._readout.concerns(device) or self._commands.concerns(device)

    def _born(
        self, address: Address, payload: SparkplugPayload, chunk: bytes, now: Instant
    ) -> Iterator[Event]:
        self._session.birth(address, payload)
        names = sorted(unreadable(payload)) if self._readout.concerns(address.device) else []
        if names:
            yield self._fault("unreadable", f"not single values: {', '.join(names)[:200]}", chunk)
        yield from self._data(address, payload, chunk, now, birth=True)
        yield from self._readout.alive(address.device, now)

    def _node_died(self, payload: SparkplugPayload, chunk: bytes, now: Instant) -> Iterator[Event]:
        """Only the death of the session that is known: another number is an older session's."""
        told, known = bd_seq_of(payload), self._session.bd_seq
        if "" in self._session.born and None not in {told, known} and told != known:
            yield self._fault("death", f"a death of session {told}, and the node lives as {known}", chunk)
            return
        self._session.born.clear()
        yield self._fault("death", f"edge node {self._node} is gone", chunk)
        yield from self._readout.gone("", None, now)

    def _device_died(
        self, address: Address, payload: SparkplugPayload, chunk: bytes, now: Instant
    ) -> Iterator[Event]:
        self._session.born.discard(address.device)
        if self._readout.concerns(address.device):
            yield self._fault("death", f"device {address.device} of {self._node} is gone", chunk)
            yield from self._readout.gone(address.device, payload.timestamp, now)

    def _before_birth(self, address: Address, chunk: bytes, now: Instant) -> Iterator[Event]:
        self._ask(now)
        yield self._fault("before_birth", f"{address}: nothing is known of it yet", chunk)

    def _data(
        self, address: Address, payload: SparkplugPayload, chunk: bytes, now: Instant, *, birth: bool
    ) -> Iterator[Event]:
        if not self._readout.concerns(address.device):
            return
        readings, wrong = self._readout.read(address, payload, now, birth=birth)
        for reason, detail in wrong.items():
            yield self._fault(reason, f"{address}: {detail}", chunk)
        if "unknown" in wrong:
            self._ask(now)
        yield from readings
        yield from self._commands.confirmed(address.device, self._values(address, payload))

    def _values(self, address: Address, payload: SparkplugPayload) -> dict[str, Value | None]:
        """What a message says, by the names the birth gave; what cannot be read is left out."""
        values: dict[str, Value | None] = {}
        for metric in payload.metrics if self._commands.wake_at is not None else ():
            announced = self._session.find(address.device, metric)
            if announced is not None and is_single(announced.datatype):
                try:
                    values[announced.name] = value_of(metric, announced.datatype)
                except ValueError:
                    continue  # told as a fault already
        return values

    def _heard_command(self, payload: SparkplugPayload, now: Instant) -> None:
        """Another host, or the driver of another device of this node, asked already: once is enough."""
        if any(metric.name == REBIRTH for metric in payload.metrics):
            self._ask_at, self._asked_at = None, now.monotonic

    def _ask(self, now: Instant, delay: float = 0.0) -> None:
        earliest = now.monotonic + delay + self._jitter
        if self._asked_at is not None:
            earliest = max(earliest, self._asked_at + self._settings.rebirth)
        if self._ask_at is None:
            self._ask_at = earliest

    def _set_wake(self) -> None:
        missing = self._session.sequence.missing_since
        late = None if missing is None else missing + self._settings.reorder
        due = [at for at in (self._ask_at, late, self._commands.wake_at) if at is not None]
        self.wake_at = min(due, default=None)

    def _fault(self, reason: str, detail: str, payload: bytes) -> Fault:
        return Fault(self._device, reason, detail, payload[:_EVIDENCE])


def open_driver(device: Device, profile: Profile) -> EdgeNode:
    """A driver for one edge node or one device behind it. Raises ProfileError naming metric and remedy."""
    return EdgeNode(device, profile, settings_of(profile, Settings))
