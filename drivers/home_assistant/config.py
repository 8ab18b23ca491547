"""Announcements of Home Assistant's MQTT discovery: what an entity says, where, and in which unit.

Source: Home Assistant documentation, MQTT, sections MQTT discovery (topics, abbreviations, device
discovery) and the pages of sensor, binary_sensor and switch.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.home_assistant.templates import Template, TemplateError, parse_template
from drivers.mqtt_json.paths import scalar_text
from drivers.mqtt_json.payloads import PayloadError
from drivers.mqtt_json.values import finite, number, text
from telemetry import Value

COMPONENTS = frozenset({"sensor", "binary_sensor", "switch"})
_FULL = {
    "avty": "availability",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "cmd_t": "command_topic",
    "cmps": "components",
    "dev": "device",
    "dev_cla": "device_class",
    "ids": "identifiers",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "p": "platform",
    "stat_cla": "state_class",
    "stat_off": "state_off",
    "stat_on": "state_on",
    "stat_t": "state_topic",
    "t": "topic",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
_TEXTUAL = frozenset({"timestamp", "date", "enum", "uuid"})

UNITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "temperature": {"°C": (1, 0), "°F": (5 / 9, -160 / 9), "K": (1, -273.15)},
    "humidity": {"%": (1, 0)},
    "battery": {"%": (1, 0)},
    "moisture": {"%": (1, 0)},
    "pressure": {"hPa": (1, 0), "mbar": (1, 0), "Pa": (0.01, 0), "kPa": (10, 0), "bar": (1000, 0)},
    "atmospheric_pressure": {"hPa": (1, 0), "mbar": (1, 0), "Pa": (0.01, 0), "kPa": (10, 0)},
    "voltage": {"V": (1, 0), "mV": (0.001, 0)},
    "current": {"A": (1, 0), "mA": (0.001, 0)},
    "power": {"W": (1, 0), "kW": (1000, 0), "mW": (0.001, 0)},
    "apparent_power": {"VA": (1, 0)},
    "reactive_power": {"var": (1, 0), "VAr": (1, 0)},
    "power_factor": {"": (1, 0), "%": (0.01, 0)},
    "energy": {"kWh": (1, 0), "Wh": (0.001, 0), "MWh": (1000, 0)},
    "frequency": {"Hz": (1, 0), "kHz": (1000, 0)},
    "illuminance": {"lx": (1, 0)},
    "distance": {"m": (1, 0), "cm": (0.01, 0), "mm": (0.001, 0), "km": (1000, 0)},
    "speed": {"m/s": (1, 0), "km/h": (1 / 3.6, 0)},
    "wind_speed": {"m/s": (1, 0), "km/h": (1 / 3.6, 0)},
    "wind_direction": {"°": (1, 0)},
    "precipitation": {"mm": (1, 0), "cm": (10, 0)},
    "precipitation_intensity": {"mm/h": (1, 0)},
    "duration": {"s": (1, 0), "ms": (0.001, 0), "min": (60, 0), "h": (3600, 0), "d": (86400, 0)},
    "signal_strength": {"dBm": (1, 0), "dB": (1, 0)},
}
"""Device class → announced unit → factor and offset to the class's first unit, in which values are kept."""


class AnnouncementError(ValueError):
    """An entity that cannot be taken. reason: the Fault's word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entity:
    """One announced entity.

    kind: `number`, `text` or `boolean`. unit: factor and offset. on, off: what says so. command: its
    command topic, with the payloads for on and off; empty where it takes none.
    """

    object_id: str
    component: str
    topic: str
    template: Template
    kind: str
    unit: tuple[float, float] = (1, 0)
    on: str = "ON"
    off: str = "OFF"
    command: tuple[str, str, str] = ("", "", "")

    def value(self, document: object) -> Value | None:
        """What a payload says of it; None where it says nothing. Raises PayloadError."""
        found = self.template.value(document)
        if found is None:
            return None
        if self.kind == "boolean":
            said = scalar_text(found)
            if said not in {self.on, self.off}:
                raise PayloadError("value", f"{str(said)[:48]!r} is neither {self.on} nor {self.off}")
            return said == self.on
        if self.kind == "text":
            return text(found)
        factor, offset = self.unit
        value = number(found)
        return value if self.unit == (1, 0) else finite(round(value * factor + offset, 9))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entity or its device says that it is gone."""

    topic: str
    template: Template
    gone: str


def expanded(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with its keys in full and the base topic `~` put in."""
    base = config.get("~")
    full = {_FULL.get(key, key): value for key, value in config.items() if key != "~"}
    if isinstance(base, str):
        full = {key: _based(key, value, base) for key, value in full.items()}
    return {key: expanded(value) if key == "device" and isinstance(value, dict) else value
            for key, value in full.items()}  # fmt: skip


def names_of_device(config: Mapping[str, Any]) -> set[str]:
    """What the device behind a configuration is called: its identifiers and its name."""
    device = config.get("device")
    if not isinstance(device, dict):
        return set()
    identifiers = device.get("identifiers", ())
    listed = identifiers if isinstance(identifiers, list) else [identifiers]
    return {one for one in (*listed, device.get("name")) if isinstance(one, str)}


def entity_of(component: str, object_id: str, config: Mapping[str, Any]) -> Entity:
    """The entity of an expanded configuration. Raises AnnouncementError: `template`, `unit`, `config`."""
    topic = config.get("state_topic")
    if not isinstance(topic, str) or not topic:
        raise AnnouncementError("config", f"{object_id}: it has no state_topic")
    try:
        template = parse_template(_said(config, "value_template"))
    except TemplateError as error:
        raise AnnouncementError("template", f"{object_id}: {error}") from error
    on, off = _said(config, "payload_on", "ON"), _said(config, "payload_off", "OFF")
    if component == "sensor":
        kind, unit = _measure(object_id, config)
        return Entity(object_id, component, topic, template, kind, unit)
    command = (_said(config, "command_topic"), on, off) if component == "switch" else ("", "", "")
    on, off = _said(config, "state_on", on), _said(config, "state_off", off)
    return Entity(object_id, component, topic, template, "boolean", on=on, off=off, command=command)


def places_of(config: Mapping[str, Any]) -> Iterator[Place]:
    """Where the availability is told; what cannot be read of it is left out."""
    listed = config.get("availability")
    places = [expanded(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if "availability_topic" in config:
        places.append(dict(config) | {"topic": config["availability_topic"],
                                      "value_template": config.get("availability_template", "")})  # fmt: skip
    for place in places[:8]:
        topic = place.get("topic")
        try:
            template = parse_template(_said(place, "value_template"))
        except TemplateError:
            continue
        if isinstance(topic, str):
            yield Place(topic, template, _said(place, "payload_not_available", "offline"))


def _measure(object_id: str, config: Mapping[str, Any]) -> tuple[str, tuple[float, float]]:
    kind, unit = _said(config, "device_class"), _said(config, "unit_of_measurement")
    if kind in _TEXTUAL or not (unit or kind or "state_class" in config):
        return "text", (1, 0)
    units = UNITS.get(kind)
    if units is None:
        return "number", (1, 0)
    if unit not in units:
        known = ", ".join(units)
        raise AnnouncementError("unit", f"{object_id}: a {kind} in {unit[:20]!r}; known are {known}")
    return "number", units[unit]


def _said(config: Mapping[str, Any], key: str, default: str = "") -> str:
    """A setting as text; a value that is none counts as left out."""
    said = scalar_text(config.get(key))
    if isinstance(config.get(key), float) and not math.isfinite(config[key]):
        return default
    return default if said is None else said


def _based(key: str, value: Any, base: str) -> Any:
    if not key.endswith("topic") or not isinstance(value, str):
        return value
    if value.startswith("~"):
        return base + value[1:]
    return value[:-1] + base if value.endswith("~") else value
