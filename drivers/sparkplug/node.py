"""What a host application knows of one Sparkplug edge node: births, deaths, aliases, sequence numbers.

Source: Eclipse Sparkplug 3.0, sections 5 (operational behavior) and 6.4.5 (aliases).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers.sparkplug.payload import SparkplugMetric, SparkplugPayload
from drivers.sparkplug.values import is_single
from telemetry import Instant

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
_BD_SEQ = "bdSeq"
_KINDS = frozenset({"NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD", "DCMD"})


@dataclass(frozen=True, slots=True)
class Address:
    """A Sparkplug topic. kind: NBIRTH, DDATA …; device: empty for the node itself."""

    group: str
    kind: str
    node: str
    device: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (NAMESPACE, self.group, self.kind, self.node, self.device) if part)


def parse_topic(topic: str) -> Address | None:
    """None for topics of other kinds, such as STATE."""
    levels = topic.split("/")
    if levels[0] != NAMESPACE or len(levels) not in {4, 5} or levels[2] not in _KINDS or not all(levels):
        return None
    if (len(levels) == 5) != (levels[2][0] == "D"):
        return None
    return Address(levels[1], levels[2], levels[3], levels[4] if len(levels) == 5 else "")


@dataclass(frozen=True, slots=True)
class Announced:
    """A metric as its birth certificate told it. device: empty for the node's own."""

    device: str
    name: str
    datatype: int
    alias: int | None = None


@dataclass(slots=True)
class Sequencer:
    """Sequence numbers 0–255 of one node's messages: what is missing, and since when.

    missing_since: monotonic second at which a number was first missed; None while all is in order.
    """

    next: int | None = None
    early: set[int] = field(default_factory=set)
    missing_since: float | None = None

    def begin(self, seq: int | None) -> None:
        """A node's birth sets the count; its number is zero by the book, and taken as it is."""
        self.next = None if seq is None else (seq + 1) % 256
        self.early.clear()
        self.missing_since = None

    def take(self, seq: int | None, now: Instant) -> bool:
        """Whether this message came in its turn. Those that come early are remembered."""
        if self.next is None:
            return True
        if seq is None or seq != self.next:
            if seq is not None and 0 < (seq - self.next) % 256 < 128:
                self.early.add(seq)
            if self.missing_since is None:
                self.missing_since = now.monotonic
            return False
        self.next = self._after(seq)
        return True

    def _after(self, seq: int) -> int:
        """What is expected next: behind this one, and behind those that came early."""
        late = bool(self.early)
        expected = (seq + 1) % 256
        while expected in self.early:
            self.early.remove(expected)
            expected = (expected + 1) % 256
        if late and not self.early:
            self.missing_since = None
        return expected


@dataclass(slots=True)
class Session:
    """The node between its birth and its death.

    born: device names that are alive, the node itself by the empty name. announced: by device and name.
    """

    group: str = ""
    bd_seq: int | None = None
    born: set[str] = field(default_factory=set)
    announced: dict[tuple[str, str], Announced] = field(default_factory=dict)
    by_alias: dict[int, Announced] = field(default_factory=dict)
    sequence: Sequencer = field(default_factory=Sequencer)

    def birth(self, address: Address, payload: SparkplugPayload) -> None:
        """Takes in a birth certificate; a node's own ends everything that was known before."""
        if not address.device:
            self.born.clear()
            self.announced.clear()
            self.by_alias.clear()
            self.bd_seq = bd_seq_of(payload)
            self.sequence.begin(payload.seq)
        self.group = address.group
        self.born.add(address.device)
        self.forget_device(address.device)
        for metric in payload.metrics:
            if metric.name and metric.datatype is not None:
                self._announce(Announced(address.device, metric.name, metric.datatype, metric.alias))

    def forget_device(self, device: str) -> None:
        """Its metrics are not known any more."""
        gone = [key for key in self.announced if key[0] == device]
        for key in gone:
            announced = self.announced.pop(key)
            if announced.alias is not None and self.by_alias.get(announced.alias) is announced:
                del self.by_alias[announced.alias]

    def find(self, device: str, metric: SparkplugMetric) -> Announced | None:
        """What the birth certificate told of this metric; None when it told nothing."""
        named = self.announced.get((device, metric.name)) if metric.name else None
        if named is not None:
            return named
        found = self.by_alias.get(metric.alias) if metric.alias is not None else None
        return found if found is not None and found.device == device else None

    def _announce(self, announced: Announced) -> None:
        self.announced[announced.device, announced.name] = announced
        if announced.alias is not None:
            self.by_alias[announced.alias] = announced


def bd_seq_of(payload: SparkplugPayload) -> int | None:
    """The number that ties a death to its birth."""
    for metric in payload.metrics:
        if metric.name == _BD_SEQ and isinstance(metric.raw, int):
            return metric.raw
    return None


def unreadable(payload: SparkplugPayload) -> Iterator[str]:
    """Names of a birth's metrics whose type is no single value: data sets, templates, files, arrays."""
    for metric in payload.metrics:
        if metric.datatype is not None and not is_single(metric.datatype):
            yield metric.name or f"alias {metric.alias}"
