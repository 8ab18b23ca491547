"""How things stand now: newest values, ships, gateways, incidents, each bounded and kept as ready JSON.

No I/O: messages and the time come in, the items that changed go out, for whoever listens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from api.answers import encode
from api.ships import Ship, ship_of
from broker.statuses import merged
from broker.wire import GatewayStatus, LiveReading
from telemetry import Quality, Value, format_utc
from telemetry.times import NANOSECONDS
from vessels.picture import Vessel

MOST_DEVICES = 20_000
MOST_SHIPS = 20_000
MOST_GATEWAYS = 5_000
SHIP_FORGOTTEN_AFTER = 24 * 3600 * NANOSECONDS
FORGET_EVERY = 60 * NANOSECONDS


class Topic(StrEnum):
    """What one can listen to; also the `type` of a live message."""

    READINGS = "readings"
    VESSELS = "vessels"
    GATEWAYS = "gateways"
    INCIDENTS = "incidents"


@dataclass(frozen=True, slots=True)
class Item:
    """Something that changed, as JSON. position: latitude and longitude of a ship that has one."""

    topic: Topic
    key: str | int
    json: bytes
    position: tuple[float, float] | None = None


class Latest(msgspec.Struct, frozen=True):
    """The newest value of everything a device says; a device may say it in several readings.

    observed_at: of the newest reading. earlier: when the values were read that are older than that.
    """

    device: str
    gateway: str
    kind: str
    observed_at: str
    received_at: str
    quality: Quality
    values: Mapping[str, Value]
    earlier: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Afloat:
    """A ship, as heard and as shown."""

    vessel: Vessel
    ship: Ship
    item: Item


@dataclass(frozen=True, slots=True)
class Heard:
    """What a gateway last said of itself. at: the centre's time in UTC nanoseconds, None where the
    broker had kept it from before we listened."""

    status: GatewayStatus
    at: int | None


KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Newest(Generic[KeyT, ValueT]):
    """At most so many entries; what was not renewed for the longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.entries: dict[KeyT, ValueT] = {}

    def put(self, key: KeyT, value: ValueT) -> None:
        """Renews an entry."""
        self.entries.pop(key, None)
        self.entries[key] = value
        if len(self.entries) > self._most:
            del self.entries[next(iter(self.entries))]


class _Device:
    """The newest values of one device, gathered reading by reading."""

    __slots__ = ("_newest", "_times", "_values", "item", "latest")

    def __init__(self, first: LiveReading, now: int) -> None:
        self._newest = first
        self._values: dict[str, Value] = {}
        self._times: dict[str, int] = {}
        self.take(first, now)

    def take(self, reading: LiveReading, now: int) -> bool:
        """False for a reading that is older than all that is known."""
        newer = {
            name: value
            for name, value in reading.values.items()
            if _supersedes(reading.observed_at, self._times.get(name, 0), now)
        }
        if not newer and self._values:
            return False
        self._values |= newer
        self._times |= dict.fromkeys(newer, reading.observed_at)
        if _supersedes(reading.observed_at, self._newest.observed_at, now):
            self._newest = reading
        self.latest = self._summary(self._newest)
        self.item = Item(Topic.READINGS, reading.device, encode(self.latest))
        return True

    def _summary(self, newest: LiveReading) -> Latest:
        times = self._times.items()
        return Latest(
            device=newest.device,
            gateway=newest.gateway,
            kind=newest.kind,
            observed_at=format_utc(newest.observed_at),
            received_at=format_utc(newest.received_at),
            quality=newest.quality,
            values=dict(self._values),
            earlier={name: format_utc(time) for name, time in times if time != newest.observed_at},
        )


def _supersedes(time: int, known: int, now: int) -> bool:
    """Whether something read at `time` replaces what is known; a time to come (a gateway whose clock
    ran ahead) does not hold back what follows."""
    return time >= known or known > now


class Current:
    """Everything that is known of now. Each `take` gives what changed by it."""

    def __init__(self) -> None:
        self._devices: Newest[str, _Device] = Newest(MOST_DEVICES)
        self._ships: Newest[int, Afloat] = Newest(MOST_SHIPS)
        self._gateways: Newest[str, Heard] = Newest(MOST_GATEWAYS)
        self._forget_at = 0
        self._others: dict[Topic, dict[str | int, Item]] = {Topic.GATEWAYS: {}, Topic.INCIDENTS: {}}

    @property
    def ships(self) -> Mapping[int, Afloat]:
        """The ships by MMSI."""
        return self._ships.entries

    @property
    def gateways(self) -> Mapping[str, Heard]:
        """The gateways' statuses by id."""
        return self._gateways.entries

    def latest(self, device: str) -> Latest | None:
        """The newest values of a device, None for one never heard."""
        known = self._devices.entries.get(device)
        return known.latest if known else None

    def snapshot(self, topic: Topic) -> Sequence[Item]:
        """Everything of a topic."""
        if topic is Topic.READINGS:
            return [device.item for device in self._devices.entries.values()]
        if topic is Topic.VESSELS:
            return [afloat.item for afloat in self._ships.entries.values()]
        return list(self._others[topic].values())

    def take_readings(self, readings: Iterable[LiveReading], now: int) -> Sequence[Item]:
        """Newer values; those older than what is known are left aside. now: UTC nanoseconds."""
        items: list[Item] = []
        for reading in readings:
            device = self._devices.entries.get(reading.device)
            if device is None:
                device = _Device(reading, now)
            elif not device.take(reading, now):
                continue
            self._devices.put(reading.device, device)
            items.append(device.item)
        return items

    def take_vessels(self, vessels: Iterable[Vessel], now: int) -> Sequence[Item]:
        """Ships as they are now; those without news for a day are forgotten."""
        items: list[Item] = []
        for vessel in vessels:
            ship = ship_of(vessel)
            position = None if vessel.lat is None or vessel.lon is None else (vessel.lat, vessel.lon)
            item = Item(Topic.VESSELS, vessel.mmsi, encode(ship), position)
            self._ships.put(vessel.mmsi, Afloat(vessel, ship, item))
            items.append(item)
        if now >= self._forget_at:
            self.forget_ships(now)
        return items

    def forget_ships(self, now: int) -> None:
        """Drops the ships that nobody heard for a day. now: UTC nanoseconds."""
        self._forget_at = now + FORGET_EVERY
        oldest = now - SHIP_FORGOTTEN_AFTER
        for mmsi in [m for m, afloat in self._ships.entries.items() if afloat.vessel.last_seen < oldest]:
            del self._ships.entries[mmsi]

    def take_status(self, gateway: str, heard: Heard) -> Heard:
        """What a gateway said of itself, or the broker of it; the devices that it left out as they were."""
        before = self._gateways.entries.get(gateway)
        heard = Heard(merged(before.status if before else None, heard.status), heard.at)
        self._gateways.put(gateway, heard)
        return heard

    def forget(self, topic: Topic, key: str | int) -> None:
        """A gateway whose retained status was removed, an incident that is closed."""
        self._others[topic].pop(key, None)
        if topic is Topic.GATEWAYS:
            self._gateways.entries.pop(str(key), None)

    def show(self, items: Iterable[Item]) -> Sequence[Item]:
        """Gateways or incidents in the form the API gives them; those that really changed."""
        changed = [item for item in items if self._others[item.topic].get(item.key) != item]
        for item in changed:
            self._others[item.topic][item.key] = item
        return changed
