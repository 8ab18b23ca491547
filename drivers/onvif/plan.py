"""What an ONVIF profile says, checked: which values and events make which metrics, and what degrees mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from drivers.onvif.messages import CLOCK, POSITION, Answer, Hello, Range
from drivers.words import Vocabulary, Words, place, read_of, settings_of
from telemetry import Profile, ProfileError, Value

LONGEST_TEXT = 200
_DECIMALS = 5
"""Finer than any head: cameras send 32-bit floats."""
_TRUE = frozenset({"true", "1", "on", "active", "yes"})
_FALSE = frozenset({"false", "0", "off", "inactive", "no"})

Source = Literal["pan", "tilt", "zoom", "moving", "error", "clock", "model", "firmware", "serial"]


def plain_topic(topic: str) -> str:
    """A topic without its namespaces' prefixes and without the `//.` that some cameras add."""
    return "/".join(level.rpartition(":")[2].strip() for level in topic.strip().strip("/.").split("/"))


def _check_topic(topic: str) -> str:
    plain = plain_topic(topic)
    if not all(plain.split("/")):
        raise ValueError("a topic is names joined by slashes, such as tns1:VideoSource/MotionAlarm")
    return plain


def _check_ends(ends: Range) -> Range:
    if ends[0] == ends[1]:
        raise ValueError("two different angles are needed: those of the lower and of the upper end")
    return ends


Ends = Annotated[Range, AfterValidator(_check_ends)]


class Settings(Words):
    """pan_degrees, tilt_degrees: which angles the lower and the upper end of the camera's range are; left
    out, positions are −1 to 1. presets: first and last number. auxiliary: what the camera switches by
    auxiliary commands. without: actions that this model lacks. clock_every: seconds between two looks
    at the camera's clock.
    """

    pan_degrees: Ends | None = None
    tilt_degrees: Ends | None = None
    presets: tuple[int, int] = (1, 255)
    auxiliary: tuple[Literal["wiper", "washer", "light"], ...] = ()
    without: tuple[str, ...] = ()
    clock_every: float = Field(default=60.0, ge=1, le=86_400)


class EventRead(Words):
    """One notification that says something of a metric.

    topic: as the camera calls it; prefixes are left out of account. item: the data item with the value;
    a count needs none.
    source: only notifications whose source has these items. inverted: true means false.
    """

    topic: Annotated[str, AfterValidator(_check_topic)]
    item: str = ""
    source: dict[str, str] = Field(default={})
    inverted: bool = False


class Read(Words):
    """Where a metric comes from: a `value` of the camera, or one or several `events`.

    type: of the events' items; a `count` is how often it happened since the gateway began. A boolean that
    several sources speak of, such as the rules of one camera, is true while any of them says so.
    """

    value: Source | None = None
    events: tuple[EventRead, ...] = ()
    type: Literal["boolean", "number", "text", "count"] = "boolean"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.value is None) == (not self.events):
            raise ValueError("write either value or events")
        if self.type != "count" and not all(event.item for event in self.events):
            raise ValueError("an event needs the item that has the value, unless its type is count")
        return self


class Write(Words):
    """An action of the profile's own. auxiliary: the command's text as the camera lists it."""

    auxiliary: str = Field(min_length=1, max_length=100)


VOCABULARY = Vocabulary(settings=Settings, read=Read, write=Write)


@dataclass(frozen=True, slots=True)
class Axis:
    """How one axis of the camera's own space becomes a metric. ends: what its two ends are there."""

    ends: Range

    def metric(self, position: float, space: Range) -> float:
        """The metric's value. space: lowest and highest of the camera's range."""
        return _rescaled(position, space, self.ends)

    def position(self, value: float, space: Range) -> float:
        """The position in the camera's space, within its range."""
        low, high = sorted(space)
        return min(max(_rescaled(value, self.ends, space), low), high)


@dataclass(frozen=True, slots=True)
class EventMetric:
    """A metric that events tell."""

    metric: str
    type: str
    read: EventRead

    def value(self, text: str) -> Value | None:
        """The metric's value; None when the text is none."""
        if self.type == "text":
            return text[:LONGEST_TEXT]
        if self.type == "number":
            return _number(text)
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            return None
        return (word in _TRUE) != self.read.inverted


@dataclass(frozen=True, slots=True)
class Plan:
    """A profile as the driver needs it. values: the metric for each value of the camera."""

    settings: Settings
    pan: Axis
    tilt: Axis
    zoom: Axis
    values: dict[Source, str]
    events: Sequence[EventMetric]

    def told(self, verb: str, answer: Answer, hello: Hello | None) -> dict[Source, Value | None]:
        """What was asked for by this verb, positions as the metrics have them."""
        head = hello.head if hello is not None else None
        if verb == CLOCK:
            return {"clock": answer.clock}
        if verb != POSITION or head is None:
            return {}
        values: dict[Source, Value | None] = {"moving": answer.moving, "error": answer.error}
        if answer.pan is not None:
            values["pan"] = self.pan.metric(answer.pan, head.pan)
        if answer.tilt is not None:
            values["tilt"] = self.tilt.metric(answer.tilt, head.tilt)
        if answer.zoom is not None:
            values["zoom"] = self.zoom.metric(answer.zoom, head.zoom)
        return values

    def metrics(self, told: Mapping[Source, Value | None]) -> dict[str, Value]:
        """The values that the profile names, by their metrics."""
        return {
            self.values[key]: value for key, value in told.items() if value is not None and key in self.values
        }


def plan(profile: Profile) -> Plan:
    """What the profile says. Raises ProfileError that names the metric and the remedy."""
    settings = settings_of(profile, Settings)
    values: dict[Source, str] = {}
    events: list[EventMetric] = []
    units = _units(settings)
    for metric in profile.metrics:
        read = read_of(profile, metric, Read)
        if read.value is not None:
            if metric.unit != (unit := units.get(read.value, "1")):
                raise ProfileError(f"{place(profile, metric)}: {read.value} is in the unit {unit!r} here")
            if read.value in values:
                raise ProfileError(f"{place(profile, metric)}: two metrics read {read.value}")
            values[read.value] = metric.name
        events += [EventMetric(metric.name, read.type, event) for event in read.events]
    return Plan(
        settings,
        Axis(settings.pan_degrees or (-1.0, 1.0)),
        Axis(settings.tilt_degrees or (-1.0, 1.0)),
        Axis((0.0, 100.0)),
        values,
        events,
    )


def _units(settings: Settings) -> dict[Source, str]:
    units: dict[Source, str] = {"zoom": "%", "clock": "s"}
    if settings.pan_degrees:
        units["pan"] = "deg"
    if settings.tilt_degrees:
        units["tilt"] = "deg"
    return units


def _rescaled(value: float, old: Range, new: Range) -> float:
    width = old[1] - old[0]
    share = (value - old[0]) / width if width else 0.0
    return round(new[0] + share * (new[1] - new[0]), _DECIMALS)


def _number(text: str) -> float | None:
    try:
        number = float(text[:40])
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
