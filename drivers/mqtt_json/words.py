"""What a profile may say about a device that publishes over MQTT: settings, ways to read, actions.

`{camera}` in a topic, a path, a condition or a payload is replaced by what the device's settings say
under `camera`; `{id}` is the device's id. A profile lists such names with what they are unless a device
says otherwise, in its settings, beside the words below.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from drivers.words import Words
from telemetry.devices import Duration

Number = Annotated[float, Field(allow_inf_nan=False)]
Plain = bool | int | float | str


def _type(value: Plain) -> str:
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _as_tuple(given: object) -> object:
    return (given,) if isinstance(given, dict) else given


class Where(Words):
    """A condition on the message: all of them must hold, or the message is somebody else's.

    path: in the whole message. is: the value, as text or number. one_of: any of these. like: a pattern
    with `*` and `?`. has: a list there contains this. exists: whether anything but null is there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=False)

    path: str
    equals: Plain | None = Field(default=None, alias="is")
    one_of: tuple[Plain, ...] = ()
    like: str = ""
    has: Plain | None = None
    exists: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        said = (
            self.equals is not None,
            bool(self.one_of),
            bool(self.like),
            self.has is not None,
            self.exists is not None,
        )
        if sum(said) != 1:
            raise ValueError("a condition says one of is, one_of, like, has, exists")
        return self


def _as_texts(given: object) -> object:
    return (given,) if isinstance(given, str) else given


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]
"""One text or a list of them."""

Conditions = Annotated[tuple[Where, ...], BeforeValidator(_as_tuple)]


class Byte(Words):
    """A byte that must have this value, for a field that is there only then. mask: which bits count."""

    at: int = Field(ge=0, le=4095)
    equals: int = Field(alias="is", ge=0, le=255)
    mask: int = Field(default=255, ge=1, le=255)


class Bytes(Words):
    """A number inside a text of base64 or hex, such as a LoRaWAN uplink's `data`.

    at: the offset of its first byte. channel: its channel id as hex, for devices that send channel id and
    value in turn; `at` then counts behind the id, and the settings' `channels` tell how long each value is.
    mask, shift: (number & mask) >> shift. only: the field is there only with this byte.
    """

    at: int = Field(default=0, ge=0, le=4095)
    type: Literal[
        "uint8", "int8", "uint16", "int16", "uint24", "int24", "uint32", "int32", "float32", "float64"
    ] = "uint8"
    order: Literal["big", "little"] = "big"
    encoding: Literal["base64", "hex"] = "base64"
    channel: str = Field(default="", pattern="^([0-9a-fA-F]{2})*$")
    mask: int | None = Field(default=None, ge=1)
    shift: int = Field(default=0, ge=0, le=31)
    only: Byte | None = None


class Availability(Words):
    """Where the device, or the broker by its will, says whether it is there.

    topic: as in the settings. path: where in the message, empty for the payload itself. offline: the texts
    that mean it is gone.
    """

    topic: str
    path: str = ""
    offline: tuple[str, ...] = ("offline", "Offline", "false")


class Settings(Words):
    """Settings of the whole device; other keys are names for `{…}`.

    topic: filter for the last levels of the topic, such as `+/SENSOR`, or several; empty takes every
    message. where: only messages that fulfil these are this device's. each: path of a list whose elements
    are one reading each; metrics' paths, their conditions and the time are then within the element.
    time: path of the device's own time (RFC 3339, or a number of s, ms, µs or ns since 1970), or several
    of which the first that is there counts; empty takes the gateway's clock. utc_offset: of
    times that name none, such as `+07:00`. retained: what to make of messages the broker had kept from
    before: `ignore`, or `uncertain` to take them, at the time they say or else now, with that quality.
    channels: bytes a value, by channel id.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    topic: Texts = ()
    where: Conditions = ()
    each: str = ""
    time: Texts = ()
    utc_offset: str = Field(default="", pattern="^([+-][0-9]{2}:[0-9]{2})?$")
    retained: Literal["ignore", "uncertain"] = "ignore"
    channels: dict[str, Annotated[int, Field(ge=0, le=255)]] = Field(default_factory=dict)
    availability: Availability | None = None

    @property
    def names(self) -> dict[str, str | int]:
        """What stands for the names in braces."""
        return self.model_extra or {}

    @model_validator(mode="after")
    def _named(self) -> Self:
        given = (self.model_extra or {}).items()
        if wrong := [name for name, value in given if type(value) not in {str, int}]:
            raise ValueError(
                f"{', '.join(wrong)}: neither words of this driver nor texts or numbers that stand for names"
            )
        return self


class Read(Words):
    """Where one metric stands.

    path: keys and list positions joined by dots (`sensors.0.temp`, `sensors[id=quay].temp`), or a JSON
    pointer (RFC 6901) that starts with `/`; empty for a payload that is the value itself. topic: as in the
    settings, for this metric. type: a `number` may be sent as text; a `boolean` also as 0, 1, on, off.
    scale, offset: number × scale + offset. suffix: a unit sent behind the number. values: what is sent →
    what it means. nulls: what is sent for no value. where: further conditions. join: makes one text of a
    list. bytes: the number stands in bytes. retained: as in the settings, for this metric.
    """

    path: str
    topic: Texts = ()
    type: Literal["number", "text", "boolean"] = "number"
    scale: Number = 1.0
    offset: Number = 0.0
    suffix: str = ""
    values: dict[str, Plain] = Field(default_factory=dict)
    nulls: tuple[Plain, ...] = ()
    where: Conditions = ()
    join: str = ""
    bytes: Bytes | None = None
    retained: Literal["ignore", "uncertain"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(_type(one) != self.type for one in self.values.values()):
            raise ValueError(f"values: what they mean must be of the metric's type, {self.type}")
        if self.values and (self.scale, self.offset) != (1.0, 0.0):
            raise ValueError("values are taken as they are written: leave out scale and offset")
        if self.bytes and self.type == "text" and not self.values:
            raise ValueError("bytes give a number: a text needs values")
        return self


class Answer(Words):
    """The message by which the device says that it did it.

    topic: the last levels of its topic. where: conditions, in which the command's arguments and
    `{request}`, its id, may stand. refused: conditions under which the answer is a refusal, and reason the
    path of what it says then. values: names and paths of what the reply tells. within: how long it may take.
    """

    topic: str
    where: Conditions = ()
    refused: Conditions = ()
    reason: str = ""
    values: dict[str, str] = Field(default_factory=dict)
    within: Duration = 5.0


class Write(Words):
    """What is published for an action.

    topic: in full. payload: a text, or JSON when it is not one; `{argument}` alone in a JSON text becomes
    the argument's own value, in a longer text its text. words: an argument's texts for true and false or
    for a choice. answer: left out, the action is done once the message was given to the broker.
    """

    topic: str
    payload: Any = ""
    words: dict[str, dict[str, Plain]] = Field(default_factory=dict)
    answer: Answer | None = None
