"""A simulated Sparkplug B edge node with its devices: births, data, deaths, rebirths, and faults on request.

Source: Eclipse Sparkplug 3.0, sections 5 and 6.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from drivers.contract import Outgoing
from drivers.sparkplug.node import REBIRTH, Address, parse_topic
from drivers.sparkplug.payload import (
    SparkplugError,
    SparkplugMetric,
    SparkplugPayload,
    decode_payload,
    encode_payload,
)
from drivers.sparkplug.values import Datatype, metric_of, value_of
from telemetry import CommandError, Instant, Value


@dataclass(slots=True)
class Cell:
    """One metric of the node or of a device behind it. device: empty for the node's own."""

    name: str
    datatype: Datatype
    value: Value | None
    device: str = ""


class SparkplugNode:
    """Born when it is woken the first time; reports all values every so many seconds, 0 for never.

    aliases: whether data goes by alias. skip: set it to leave out so many sequence numbers.
    deaf: it hears no requests to be born again.
    """

    def __init__(
        self, group: str, node: str, cells: Sequence[Cell], *, every: float = 5.0, aliases: bool = True
    ) -> None:
        self.group = group
        self.node = node
        self.cells = list(cells)
        self.every = every
        self.aliases = aliases
        self.skip = 0
        self.deaf = False
        self.rebirths = 0
        self.wake_at: float | None = 0.0
        self._bd_seq = 0
        self._seq = 0
        self._born = False

    @property
    def topics(self) -> Sequence[str]:
        """What it subscribes to."""
        return (f"spBv1.0/{self.group}/NCMD/{self.node}", f"spBv1.0/{self.group}/DCMD/{self.node}/+")

    @property
    def will(self) -> Outgoing:
        """Its death, which the broker publishes when it vanishes."""
        metric = metric_of("bdSeq", Datatype.INT64, self._bd_seq, 0)
        payload = SparkplugPayload([replace(metric, timestamp=None)])
        return Outgoing(encode_payload(payload), str(Address(self.group, "NDEATH", self.node)))

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Births the first time, then data."""
        self.wake_at = now.monotonic + self.every if self.every else None
        if not self._born:
            return self.birth(now)
        return [self.data(device, now) for device in self._devices()]

    def birth(self, now: Instant) -> Sequence[Outgoing]:
        """The node's birth certificate and its devices'."""
        self._born, self._seq = True, 0
        told = [metric_of("bdSeq", Datatype.INT64, self._bd_seq, now.utc // 10**6)]
        told.append(metric_of(REBIRTH, Datatype.BOOLEAN, False, now.utc // 10**6))
        node = self._message("NBIRTH", "", [*told, *self._metrics("", now, birth=True)], now)
        devices = [device for device in self._devices() if device]
        return [node, *(self.device_birth(device, now) for device in devices)]

    def device_birth(self, device: str, now: Instant) -> Outgoing:
        """One device's birth certificate."""
        return self._message("DBIRTH", device, self._metrics(device, now, birth=True), now)

    def data(self, device: str, now: Instant) -> Outgoing:
        """All values of the node itself, by the empty name, or of a device."""
        kind = "DDATA" if device else "NDATA"
        return self._message(kind, device, self._metrics(device, now, birth=False), now)

    def device_death(self, device: str, now: Instant) -> Outgoing:
        """A device is gone; the node lives."""
        return self._message("DDEATH", device, (), now)

    def reborn(self, now: Instant) -> Sequence[Outgoing]:
        """A new session: what a node says that was gone and has come back."""
        self._bd_seq = (self._bd_seq + 1) % 256
        return self.birth(now)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """NCMD and DCMD: requests to be born again, and values to be written."""
        address = parse_topic(origin)
        if address is None or address.node != self.node or address.kind not in {"NCMD", "DCMD"}:
            return ()
        try:
            payload = decode_payload(chunk)
        except SparkplugError:
            return ()
        if any(metric.name == REBIRTH for metric in payload.metrics):
            self.rebirths += 1
            return () if self.deaf else self.birth(now)
        changed = [metric for metric in payload.metrics if self._write(address.device, metric)]
        return (self.data(address.device, now),) if changed else ()

    def _write(self, device: str, metric: SparkplugMetric) -> bool:
        for alias, cell in enumerate(self.cells):
            if cell.device == device and (cell.name == metric.name or metric.alias == alias):
                try:
                    cell.value = value_of(metric, cell.datatype)
                except ValueError:
                    return False
                return True
        return False

    def _metrics(self, device: str, now: Instant, *, birth: bool) -> Iterator[SparkplugMetric]:
        for alias, cell in enumerate(self.cells):
            if cell.device != device:
                continue
            known = alias if self.aliases else None
            try:
                metric = metric_of(cell.name, cell.datatype, cell.value, now.utc // 10**6, known)
            except CommandError:
                continue  # a scenario gave it a value of another type: it is left out
            if birth:
                yield metric
            else:
                yield replace(metric, datatype=None, name="" if self.aliases else cell.name)

    def _devices(self) -> Sequence[str]:
        return sorted({"", *(cell.device for cell in self.cells)})

    def _message(
        self,
        kind: str,
        device: str,
        metrics: Sequence[SparkplugMetric] | Iterator[SparkplugMetric],
        now: Instant,
    ) -> Outgoing:
        seq = self._seq = (self._seq + self.skip) % 256
        self.skip, self._seq = 0, (seq + 1) % 256
        payload = SparkplugPayload(list(metrics), now.utc // 10**6, seq)
        return Outgoing(encode_payload(payload), str(Address(self.group, kind, self.node, device)))
