"""A device: a thing on a wire that a gateway reads, as configuration, API and registry describe it."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from telemetry.errors import ConfigurationError
from telemetry.times import parse_duration

_IDENTIFIER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def check_identifier(text: str) -> str:
    """The id unchanged. Ids stand in MQTT topics, file names and URLs, hence the narrow alphabet.

    Raises ValueError for anything but 1–63 lower-case letters, digits and inner hyphens.
    """
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError(
            f"{text!r} is not an id: use 1 to 63 lower-case letters, digits and hyphens, such as quay-power-2"
        )
    return text


def _seconds(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
    return value


Identifier = Annotated[str, AfterValidator(check_identifier)]
_DURATION_SCHEMA = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ns|us|ms|s|m|h|d|w)\s*$"},
    ]
}
Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, allow_inf_nan=False),
    WithJsonSchema(_DURATION_SCHEMA, mode="validation"),
]
"""Seconds; written as a number of seconds or as text such as `"500ms"` or `"1s"`."""


class Device(BaseModel):
    """What a gateway needs to know to read one device.

    profile: the id of the device model's profile. link: the URL of its byte pipe (docs/links.md).
    every: poll period in seconds, None for the profile's own. unit_id: the address on a shared line:
    Modbus unit 0–255, VISCA 1–7, Pelco 0–255.
    settings: what differs from the profile's settings for this one device, in its driver's own words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    profile: str = Field(min_length=1)
    link: str = Field(min_length=1)
    name: str = ""
    every: Duration | None = None
    unit_id: int = Field(default=1, ge=0, le=255)
    settings: dict[str, Any] = {}
