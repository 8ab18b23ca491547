"""Devices that announce themselves by Home Assistant's MQTT discovery.

Announcements on `homeassistant/<component>/[<node>/]<object>/config` become entities, and what is then said
on their state topics readings, under names made from the object ids: no profile lists them. A profile may
list some to give them titles and units. The link must bring the announcements and the state topics.
Source: Home Assistant documentation, MQTT, MQTT discovery.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drivers.contract import RETAINED, Event, Fault, HearsRetained, Listener, Outgoing
from drivers.home_assistant.config import (
    COMPONENTS,
    AnnouncementError,
    Entity,
    Place,
    entity_of,
    expanded,
    names_of_device,
    places_of,
)
from drivers.metric_names import metric_name
from drivers.mqtt_json.paths import scalar_text
from drivers.mqtt_json.payloads import PayloadError, decode
from drivers.schemes import MQTT
from drivers.stamps import Stamps
from drivers.words import Vocabulary, Words, read_of, settings_of
from telemetry import (
    Action,
    Argument,
    Command,
    Device,
    Instant,
    Profile,
    Quality,
    Reading,
    Reply,
    Title,
    Value,
)
from telemetry.commands import Kind

MOST_ENTITIES = 300
_EVIDENCE = 1024
EVERY_NODE = "*"


class Settings(Words):
    """node: which announced device is this one, by its node id in the topic, an identifier or its name;
    `{id}` in it is this device's id, `*` takes all. prefix: where announcements are made. retained: what to
    make of states the broker had kept: `ignore`, or `uncertain` to take them now, with that quality.
    """

    node: str = "{id}"
    prefix: str = "homeassistant"
    retained: Literal["ignore", "uncertain"] = "ignore"


class Read(Words):
    """entity: the name made from its object id; empty for the number of entities that are taken."""

    entity: str


VOCABULARY = Vocabulary(settings=Settings, read=Read)
LINKS = MQTT
SWITCH = Action(
    name="switch",
    title=Title(en="Switch an entity", vi="Bật tắt một thực thể"),
    arguments=(
        Argument(name="entity", title=Title(en="Entity", vi="Thực thể"), kind=Kind.TEXT),
        Argument(name="on", title=Title(en="On", vi="Bật"), kind=Kind.FLAG),
    ),
)


@dataclass(frozen=True, slots=True)
class _Announcement:
    topic: str
    component: str
    node: str
    object_id: str


class Announced(HearsRetained, Listener):
    """Listens to one announced device.

    Faults, by reason: `not_json`, `duplicate_key`, `deep`, `overlong`, `template`, `unit`, `config`, `name`,
    `many`, `value`, `offline`.
    """

    actions = (SWITCH,)

    def __init__(self, device: Device, profile: Profile, settings: Settings) -> None:
        self._device = device.id
        self._kind = profile.kind
        self._settings = settings
        self._node = settings.node.replace("{id}", device.id)
        listed = {metric.name: read_of(profile, metric, Read).entity for metric in profile.metrics}
        self._titled = {entity: name for name, entity in listed.items() if entity}
        self._counts = tuple(name for name, entity in listed.items() if not entity)
        self._announced: dict[str, dict[str, Entity]] = {}
        self._places: dict[str, Place] = {}
        self._gone: set[str] = set()
        self._stamps = Stamps()
        self._outgoing: list[Outgoing] = []

    def connected(self, now: Instant) -> Sequence[Event]:
        """What was announced still holds; what was to be sent is not sent any more."""
        self._outgoing.clear()
        return ()

    def outgoing(self) -> Sequence[Outgoing]:
        """The messages of the commands taken since the last call."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Publishes what the entity announced for on or off; done once given to the broker."""
        wanted = str(command.arguments["entity"])
        entity = self._entities().get(wanted)
        if entity is None or not entity.command[0] or any(sign in entity.command[0] for sign in "+#\0"):
            known = ", ".join(name for name, one in self._entities().items() if one.command[0]) or "none"
            detail = f"no switch {wanted[:48]!r} was announced; there are {known[:200]}"
            return (Reply(command.id, command.device, "refused", detail),)
        topic, on, off = entity.command
        self._outgoing.append(Outgoing((on if command.arguments["on"] else off).encode(), topic))
        return (Reply(command.id, command.device, detail="given to the broker"),)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """One message: an announcement, an availability or a state."""
        topic = origin.removeprefix(RETAINED)
        retained = origin.startswith(RETAINED)
        levels = topic.removeprefix(self._settings.prefix + "/").split("/")
        if topic.startswith(self._settings.prefix + "/") and levels[-1] == "config":
            return list(self._announcement(topic, levels[:-1], chunk, now))
        states = () if retained and self._settings.retained == "ignore" else tuple(self._said_on(topic))
        place = self._places.get(topic)
        if not chunk or (not states and place is None):
            return ()
        try:
            document = decode(chunk, plain=True)
        except PayloadError as error:
            return (self._fault(error.reason, f"{topic}: {error}", chunk),)
        events = list[Event](self._availability(place, document, chunk) if place else ())
        return events + list(self._states(states, document, chunk, now, retained=retained))

    def _announcement(self, topic: str, levels: list[str], chunk: bytes, now: Instant) -> Iterator[Event]:
        if len(levels) not in {2, 3} or levels[0] not in COMPONENTS | {"device"}:
            return
        made = _Announcement(topic, levels[0], levels[1] if len(levels) == 3 else "", levels[-1])
        before = self._count()
        if not chunk:
            self._announced.pop(topic, None)
        else:
            try:
                document = decode(chunk, plain=False)
            except PayloadError as error:
                yield self._fault(error.reason, f"{topic}: {error}", chunk)
                return
            yield from self._announce(made, document, chunk)
        if self._count() != before and self._counts:
            values: dict[str, Value] = dict.fromkeys(self._counts, self._count())
            yield self._reading(values, now, Quality.GOOD)

    def _announce(self, made: _Announcement, document: object, chunk: bytes) -> Iterator[Fault]:
        config = expanded(document) if isinstance(document, dict) else {}
        topic, node = made.topic, made.node
        called = (
            names_of_device(config) | {node} | ({made.object_id} if made.component == "device" else set())
        )
        if self._node != EVERY_NODE and self._node not in called:
            return
        prefix = f"{node or min(called - {''}, default='')}_" if self._node == EVERY_NODE else ""
        self._announced.pop(topic, None)
        for kind, one, said in _entities_in(made.component, made.object_id, config):
            try:
                self._take(topic, prefix, entity_of(kind, one, said))
            except AnnouncementError as error:
                yield self._fault(error.reason, f"{topic}: {error}", chunk)
        for place in places_of(config):
            if len(self._places) < MOST_ENTITIES:
                self._places[place.topic] = place

    def _take(self, topic: str, prefix: str, entity: Entity) -> None:
        made = metric_name(prefix + entity.object_id)
        name = self._titled.get(made, made)
        if name in self._entities() or (name in self._counts):
            raise AnnouncementError("name", f"{entity.object_id} would be {name}, like another")
        if self._count() >= MOST_ENTITIES:
            raise AnnouncementError(
                "many", f"more than {MOST_ENTITIES} entities; name a node in the settings"
            )
        self._announced.setdefault(topic, {})[name] = entity

    def _said_on(self, topic: str) -> Iterator[tuple[str, Entity]]:
        for entities in self._announced.values():
            for name, entity in entities.items():
                if entity.topic == topic:
                    yield name, entity

    def _states(
        self,
        states: Sequence[tuple[str, Entity]],
        document: object,
        chunk: bytes,
        now: Instant,
        *,
        retained: bool,
    ) -> Iterator[Event]:
        values: dict[str, Value] = {}
        for name, entity in states:
            try:
                value = entity.value(document)
            except PayloadError as error:
                yield self._fault(error.reason, f"{name}: {error}", chunk)
            else:
                values |= {} if value is None else {name: value}
        if values:
            yield self._reading(values, now, Quality.UNCERTAIN if retained else Quality.GOOD)

    def _availability(self, place: Place, document: object, chunk: bytes) -> Iterator[Fault]:
        try:
            gone = scalar_text(place.template.value(document)) == place.gone
        except PayloadError:
            gone = False
        if gone and place.topic not in self._gone:
            yield self._fault("offline", f"{place.topic}: the device is offline", chunk)
        (self._gone.add if gone else self._gone.discard)(place.topic)

    def _entities(self) -> Mapping[str, Entity]:
        return {name: one for entities in self._announced.values() for name, one in entities.items()}

    def _count(self) -> int:
        return sum(map(len, self._announced.values()))

    def _reading(self, values: dict[str, Value], now: Instant, quality: Quality) -> Reading:
        return Reading(self._device, self._kind, self._stamps.next(now.utc), values, quality)

    def _fault(self, reason: str, detail: str, payload: bytes) -> Fault:
        return Fault(self._device, reason, detail, payload[:_EVIDENCE])


def open_driver(device: Device, profile: Profile) -> Announced:
    """A driver for one announced device. Raises ProfileError naming the metric and the remedy."""
    return Announced(device, profile, settings_of(profile, Settings))


def _entities_in(
    component: str, object_id: str, config: Mapping[str, Any]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Component, object id and configuration of each entity; a device's announcement has several."""
    if component != "device":
        yield component, object_id, config
        return
    listed = config.get("components")
    shared = {key: value for key, value in config.items() if key not in {"components", "device"}}
    for name, one in (listed if isinstance(listed, dict) else {}).items():
        full = expanded(one) if isinstance(one, dict) else {}
        platform = scalar_text(full.get("platform"))
        if platform in COMPONENTS:
            yield platform, name, shared | full
