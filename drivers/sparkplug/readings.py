"""Readings out of Sparkplug messages: which metrics are wanted, when they were so, and what is stale."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from drivers.metric_names import metric_name
from drivers.mqtt_json.payloads import PayloadError
from drivers.mqtt_json.values import instant, scaling
from drivers.sparkplug.node import Address, Announced, Session
from drivers.sparkplug.payload import SparkplugMetric, SparkplugPayload
from drivers.sparkplug.values import is_single, value_of
from drivers.sparkplug.words import Read, Settings
from drivers.stamps import Stamps
from drivers.words import place, read_of
from telemetry import Device, Instant, Profile, ProfileError, Quality, Reading, Value

MOST_NAMES = 500
_GOOD, _BAD = 192, 0
"""Values of a metric's property `Quality` (section 6.4.7); any other counts as uncertain."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    device: str
    metric: str
    scaled: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class _Known:
    device: str
    timestamp: int | None
    value: Value


@dataclass(frozen=True, slots=True)
class _Found:
    utc: int
    quality: Quality
    name: str
    value: Value


class Readout:
    """What one device's profile wants of an edge node's messages, and the last it heard of it."""

    def __init__(self, device: Device, profile: Profile, settings: Settings, session: Session) -> None:
        self._device = device.id
        self._kind = profile.kind
        self._settings = settings
        self._session = session
        self._wanted, self._alive = _wanted(profile, settings)
        self._named: dict[tuple[str, str], str] = {}
        self._last: dict[str, _Known] = {}
        self._stale: set[str] = set()
        self._stamps = Stamps()

    def concerns(self, device: str) -> bool:
        """Whether metrics of this Sparkplug device are wanted."""
        return device == self._settings.device or any(one == device for one, _ in self._wanted)

    def read(
        self, address: Address, payload: SparkplugPayload, now: Instant, *, birth: bool
    ) -> tuple[Sequence[Reading], Mapping[str, str]]:
        """The readings of a message, and what was wrong with it: reason → the first detail."""
        found: list[_Found] = []
        wrong: dict[str, str] = {}
        for metric in payload.metrics:
            try:
                one = self._found(address, metric, payload, now, birth=birth)
            except PayloadError as error:
                wrong.setdefault(error.reason, str(error))
            else:
                found += [one] if one else []
        if any(not self._when(metric.timestamp, now)[1] for metric in payload.metrics):
            wrong.setdefault("time", "the node's clock cannot be right and wants setting")
        return list(self._readings(found)), wrong

    def alive(self, device: str, now: Instant) -> Iterator[Reading]:
        """This Sparkplug device is there: what it says from now on is fresh."""
        self._stale.discard(device)
        if self._alive and device == self._settings.device:
            yield self._reading(now.utc, dict.fromkeys(self._alive, True), Quality.GOOD)

    def gone(self, device: str, milliseconds: int | None, now: Instant) -> Iterator[Reading]:
        """A Sparkplug device is gone, or by the empty name the node with all of them: what was known of
        them last is bad from then on."""
        utc, _ = self._when(milliseconds, now)
        gone = {device} if device else {one.device for one in self._last.values()} | {""}
        fresh = gone - self._stale
        values = {name: known.value for name, known in self._last.items() if known.device in fresh}
        self._stale |= gone
        if values:
            yield self._reading(utc, values, Quality.BAD)
        if self._alive and (not device or device == self._settings.device):
            yield self._reading(utc, dict.fromkeys(self._alive, False), Quality.GOOD)

    def _found(
        self,
        address: Address,
        metric: SparkplugMetric,
        payload: SparkplugPayload,
        now: Instant,
        *,
        birth: bool,
    ) -> _Found | None:
        announced = self._session.find(address.device, metric)
        if announced is None:
            if birth:
                return None
            raise PayloadError("unknown", f"no birth told of {metric.name or f'alias {metric.alias}'}")
        wanted = self._want(announced)
        value = _single(metric, announced) if wanted else None
        if wanted is None or value is None:
            return None
        if not isinstance(value, bool | str):
            value = wanted.scaled(value)
        known = self._last.get(wanted.metric)
        stale = announced.device in self._stale
        told = _Known(announced.device, metric.timestamp, value)
        if birth and not stale and known == told:
            return None
        if not metric.historical:
            self._last[wanted.metric] = told
        utc, clock_is_right = self._when(metric.timestamp or payload.timestamp, now)
        if stale and not metric.historical:  # known anew from the birth on, whenever it was measured
            utc = max(utc, self._when(payload.timestamp, now)[0])
        return _Found(utc, _quality(metric, clock_is_right=clock_is_right), wanted.metric, value)

    def _want(self, announced: Announced) -> _Wanted | None:
        key = announced.device, announced.name
        if key in self._wanted:
            return self._wanted[key]
        own = announced.device == self._settings.device and is_single(announced.datatype)
        control = announced.name == "bdSeq" or announced.name.startswith(("Node Control/", "Device Control/"))
        if not self._settings.every_metric or not own or control:
            return None
        if key not in self._named:
            self._named[key] = self._new_name(announced.name)
        return _Wanted(announced.device, self._named[key], scaling(1.0, 0.0))

    def _new_name(self, announced: str) -> str:
        name = metric_name(announced)
        taken = {*self._named.values(), *(one.metric for one in self._wanted.values()), *self._alive}
        if name in taken:
            raise PayloadError(
                "name", f"{announced[:80]!r} would be {name}, like another: list it in a profile"
            )
        if len(self._named) >= MOST_NAMES:
            raise PayloadError("name", f"more than {MOST_NAMES} metrics: list those that matter in a profile")
        return name

    def _when(self, milliseconds: int | None, now: Instant) -> tuple[int, bool]:
        """The time, and whether the node's clock can be right."""
        if milliseconds is None:
            return now.utc, True
        try:
            return instant(milliseconds * 1_000_000, now), True
        except PayloadError:
            return now.utc, False

    def _readings(self, found: Sequence[_Found]) -> Iterator[Reading]:
        groups: dict[tuple[int, Quality], dict[str, Value]] = {}
        for one in sorted(found, key=lambda one: one.utc):
            groups.setdefault((one.utc, one.quality), {})[one.name] = one.value
        for (utc, quality), values in groups.items():
            yield self._reading(utc, values, quality)

    def _reading(self, utc: int, values: Mapping[str, Value], quality: Quality) -> Reading:
        return Reading(self._device, self._kind, self._stamps.next(utc), values, quality)


def _wanted(profile: Profile, settings: Settings) -> tuple[dict[tuple[str, str], _Wanted], tuple[str, ...]]:
    wanted: dict[tuple[str, str], _Wanted] = {}
    alive: list[str] = []
    for metric in profile.metrics:
        read = read_of(profile, metric, Read)
        device = settings.device if read.device is None else read.device
        if not read.metric:
            alive.append(metric.name)
        elif (device, read.metric) in wanted:
            raise ProfileError(f"{place(profile, metric)}: {read.metric!r} is read already: once is enough")
        else:
            wanted[device, read.metric] = _Wanted(device, metric.name, scaling(read.scale, read.offset))
    return wanted, tuple(alive)


def _single(metric: SparkplugMetric, announced: Announced) -> Value | None:
    if not is_single(announced.datatype):
        return None
    try:
        return value_of(metric, announced.datatype)
    except ValueError as error:
        raise PayloadError("value", f"{announced.name}: {error}") from error


def _quality(metric: SparkplugMetric, *, clock_is_right: bool) -> Quality:
    if metric.quality is not None and metric.quality != _GOOD:
        return Quality.BAD if metric.quality == _BAD else Quality.UNCERTAIN
    return Quality.GOOD if clock_is_right else Quality.UNCERTAIN
