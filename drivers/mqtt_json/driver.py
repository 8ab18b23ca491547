"""Devices that publish JSON, or plain single values, over MQTT.

The profile's metrics say under which path of the payload a value stands and, where a device spreads its
values over several topics, on which: see drivers/mqtt_json/words.py for the words. All values of one
message are one Reading, or one a record where the profile says `each`. An empty payload only clears a
retained message and passes silently.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivers.contract import RETAINED, Event, Fault, HearsRetained, Listener, Outgoing
from drivers.mqtt_json.actions import GIVEN, Answers, Publishing
from drivers.mqtt_json.names import Names, given_names
from drivers.mqtt_json.paths import Step, parse_path, scalar_text, walk
from drivers.mqtt_json.payloads import LONGEST_PAYLOAD, PayloadError, decode
from drivers.mqtt_json.values import LONGEST_TEXT, Converter, converter, instant
from drivers.mqtt_json.where import Condition, all_hold, conditions
from drivers.mqtt_json.words import Availability, Read, Settings, Write
from drivers.schemes import MQTT
from drivers.stamps import Stamps
from drivers.words import Vocabulary, place, read_of, settings_of
from telemetry import (
    Command,
    CommandError,
    Device,
    Instant,
    Metric,
    Profile,
    ProfileError,
    Quality,
    Reading,
    Reply,
    Value,
)
from telemetry.topics import check_filter, ends_with

__all__ = ["LINKS", "LONGEST_PAYLOAD", "LONGEST_TEXT", "VOCABULARY", "Publisher", "open_driver"]

VOCABULARY = Vocabulary(settings=Settings, read=Read, write=Write)
LINKS = MQTT
MOST_RECORDS = 1_000
_EVIDENCE = 1024
_REMEMBERED_TOPICS = 512


@dataclass(frozen=True, slots=True)
class _Wanted:
    metric: str
    topics: tuple[str, ...]
    steps: tuple[Step, ...]
    where: tuple[Condition, ...]
    convert: Converter
    retained: bool


@dataclass(frozen=True, slots=True)
class _Availability:
    topic: str
    steps: tuple[Step, ...]
    offline: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one device's profile wants, with the device's names put in."""

    wanted: tuple[_Wanted, ...]
    where: tuple[Condition, ...]
    each: tuple[Step, ...]
    time: tuple[tuple[Step, ...], ...]
    zone: str
    availability: _Availability | None


@dataclass(frozen=True, slots=True)
class _Message:
    payload: bytes
    topic: str
    retained: bool
    now: Instant


class Publisher(HearsRetained, Listener):
    """Listens to one device's topics, and publishes what its actions say.

    Faults, by reason: `overlong`, `not_json`, `duplicate_key`, `deep`, `value` (one value is wrong, the
    others are read), `channel`, `records`, `no_values` (none of the profile's paths is there), `time` (the
    reading then carries the gateway's time and is uncertain), `offline` (the device, or the broker in its
    name, says that it is gone). The first kilobyte of the payload is kept with each.
    """

    def __init__(self, device: Device, profile: Profile, plan: _Plan, names: Names) -> None:
        self._device = device.id
        self._kind = profile.kind
        self._plan = plan
        self._by_topic: dict[str, tuple[tuple[_Wanted, ...], bool]] = {}
        self._stamps = Stamps()
        self._offline = False
        self._publishing = {action.name: Publishing(profile, action, names) for action in profile.actions}
        self._answers = Answers()
        self._outgoing: list[Outgoing] = []
        self.actions = profile.actions

    def connected(self, now: Instant) -> Sequence[Event]:
        """Answers that were awaited are not expected any more."""
        events = list(self._answers.broken())
        self.wake_at = None
        self._outgoing.clear()
        return events

    def wake(self, now: Instant) -> Sequence[Event]:
        """Ends commands that no answer came for."""
        events = list(self._answers.overdue(now))
        self.wake_at = self._answers.wake_at
        return events

    def outgoing(self) -> Sequence[Outgoing]:
        """The messages of the commands taken since the last call."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Publishes at once; done then, or when the answer comes that the profile waits for."""
        publishing = self._publishing.get(command.action)
        if publishing is None:
            return super().command(command, now)
        try:
            outgoing = publishing.outgoing(command)
            awaited = publishing.awaited(command, now.monotonic)
            if awaited:
                self._answers.expect(awaited)
                self.wake_at = self._answers.wake_at
        except CommandError as error:
            return (Reply(command.id, command.device, "refused", str(error)),)
        self._outgoing.append(outgoing)
        return () if awaited else (Reply(command.id, command.device, detail=GIVEN),)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """One message: its payload and, as origin, its topic."""
        retained, topic = origin.startswith(RETAINED), origin.removeprefix(RETAINED)
        wanted, tells = self._known(topic)
        if retained:
            wanted = tuple(one for one in wanted if one.retained)
        answers = not retained and self._answers.wants(topic)
        if not chunk or not (wanted or tells or answers):
            return ()
        message = _Message(chunk, topic, retained, now)
        try:
            document = decode(chunk, plain=not any(one.steps for one in wanted))
        except PayloadError as error:
            return (self._fault(error.reason, f"{topic}: {error}", chunk),)
        events = list[Event](self._answers.answered(topic, document) if answers else ())
        self.wake_at = self._answers.wake_at
        events += self._told_availability(document, message) if tells else ()
        return events + list(self._events(wanted, document, message))

    def _known(self, topic: str) -> tuple[tuple[_Wanted, ...], bool]:
        """What stands on this topic, and whether availability does; remembered, since a shared link brings
        everybody's messages."""
        known = self._by_topic.get(topic)
        if known is None:
            state = self._plan.availability
            wanted = tuple(one for one in self._plan.wanted if _is_on(topic, one.topics))
            known = wanted, state is not None and ends_with(topic, state.topic)
            if len(self._by_topic) >= _REMEMBERED_TOPICS:
                self._by_topic.clear()
            self._by_topic[topic] = known
        return known

    def _told_availability(self, document: object, message: _Message) -> Iterator[Fault]:
        state = self._plan.availability
        if state is None:
            return
        offline = scalar_text(walk(document, state.steps)) in state.offline
        if offline and not self._offline:
            yield self._fault("offline", f"{message.topic}: the device is offline", message.payload)
        self._offline = offline

    def _events(self, wanted: Sequence[_Wanted], document: object, message: _Message) -> Iterator[Event]:
        if not wanted or not all_hold(self._plan.where, document):
            return
        if not self._plan.each:
            yield from self._record(wanted, document, message)
            return
        records = walk(document, self._plan.each)
        if not isinstance(records, list) or len(records) > MOST_RECORDS:
            wrong = "no list is there" if not isinstance(records, list) else f"more than {MOST_RECORDS}"
            yield self._fault("records", f"the records of the profile's `each`: {wrong}", message.payload)
            return
        for record in records:
            yield from self._record(wanted, record, message)

    def _record(self, wanted: Sequence[_Wanted], document: object, message: _Message) -> Iterator[Event]:
        values: dict[str, Value] = {}
        wrong: dict[str, str] = {}
        asked = [one for one in wanted if all_hold(one.where, document)]
        for one in asked:
            try:
                value = _found(one, document)
            except PayloadError as error:
                reason = error.reason if error.reason != "value" else f"value {one.metric}"
                wrong.setdefault(reason, f"{one.metric}: {error}")
            else:
                if value is not None:
                    values[one.metric] = value
        for reason, detail in wrong.items():
            yield self._fault(reason.partition(" ")[0], detail, message.payload)
        if values:
            yield from self._reading(values, document, message)
        elif asked and not wrong:
            yield self._fault("no_values", "none of the profile's paths is in this payload", message.payload)

    def _reading(self, values: dict[str, Value], document: object, message: _Message) -> Iterator[Event]:
        utc, quality = message.now.utc, Quality.UNCERTAIN if message.retained else Quality.GOOD
        told = next((time for path in self._plan.time if (time := walk(document, path)) is not None), None)
        if told is not None:
            try:
                utc = instant(told, message.now, self._plan.zone)
            except PayloadError as error:
                quality = Quality.UNCERTAIN
                yield self._fault("time", str(error), message.payload)
        yield Reading(self._device, self._kind, self._stamps.next(utc), values, quality)

    def _fault(self, reason: str, detail: str, payload: bytes) -> Fault:
        return Fault(self._device, reason, detail, payload[:_EVIDENCE])


def open_driver(device: Device, profile: Profile) -> Publisher:
    """A driver for one publishing device. Raises ProfileError naming the metric and the remedy."""
    settings = settings_of(profile, Settings)
    names = Names(f"profile {profile.id}", given_names(device.id, settings.names))
    try:
        plan = _plan(profile, settings, names)
    except ValueError as error:
        raise ProfileError(f"profile {profile.id}: settings: {error}") from error
    publisher = Publisher(device, profile, plan, names)
    names.check_used(Settings.model_fields.keys())
    return publisher


def _plan(profile: Profile, settings: Settings, names: Names) -> _Plan:
    return _Plan(
        wanted=tuple(_wanted(profile, metric, settings, names) for metric in profile.metrics),
        where=conditions(settings.where, names.fill),
        each=parse_path(settings.each, names.fill),
        time=tuple(parse_path(path, names.fill) for path in settings.time if path),
        zone=settings.utc_offset,
        availability=_availability(settings.availability, names),
    )


def _wanted(profile: Profile, metric: Metric, settings: Settings, names: Names) -> _Wanted:
    read = read_of(profile, metric, Read)
    scaled = (read.scale, read.offset) != (1.0, 0.0)
    if read.type != "number" and (metric.unit != "1" or (scaled and not read.bytes)):
        raise ProfileError(
            f"{place(profile, metric)}: a {read.type} has no unit, scale or offset: leave them out"
        )
    try:
        return _Wanted(
            metric.name,
            tuple(_tail(topic, names) for topic in read.topic or settings.topic if topic),
            parse_path(read.path, names.fill),
            conditions(read.where, names.fill),
            converter(read, {channel.lower(): length for channel, length in settings.channels.items()}),
            (read.retained or settings.retained) == "uncertain",
        )
    except ValueError as error:
        raise ProfileError(f"{place(profile, metric)}: read: {error}") from error


def _availability(said: Availability | None, names: Names) -> _Availability | None:
    if said is None:
        return None
    return _Availability(_tail(said.topic, names), parse_path(said.path, names.fill), frozenset(said.offline))


def _tail(topic: str, names: Names) -> str:
    return check_filter(names.fill(topic))


def _is_on(topic: str, tails: tuple[str, ...]) -> bool:
    return not tails or any(ends_with(topic, tail) for tail in tails)


def _found(one: _Wanted, document: object) -> Value | None:
    found = walk(document, one.steps)
    return None if found is None else one.convert(found)
