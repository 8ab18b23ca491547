"""What the API takes and shows of devices."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from api.answers import encode
from api.gateways.schemas import DeviceState
from api.shapes import Declared, Given, Shown
from telemetry import Quality, Value
from telemetry.devices import Duration, Identifier

_Every = Field(
    default=None,
    description="Poll period: seconds, or text such as `500ms`; null for the profile's own.",
    examples=["1s"],
)
_UnitId = Field(default=1, ge=0, le=255, description="Modbus unit.")
LARGEST_SETTINGS = 20_000  # bytes of JSON


def _check_settings(settings: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(encode(settings))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError("are not what JSON can carry") from error
    if size > LARGEST_SETTINGS:
        raise ValueError(f"are {size} bytes of JSON; at most {LARGEST_SETTINGS} are taken")
    return settings


Settings = Annotated[
    dict[str, Any],
    AfterValidator(_check_settings),
    Field(description="What differs from the profile's settings, in its driver's own words."),
]


class State(StrEnum):
    """How a device fares; unknown while its gateway is away or has not named it."""

    CONNECTING = "connecting"
    OK = "ok"
    SILENT = "silent"
    FAULTY = "faulty"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class NewDevice(Given):
    """A device to be, in the words of haidang.toml."""

    id: Identifier = Field(examples=["quay-power"])
    gateway: Identifier = Field(description="Who reads it.", examples=["dinh-vu"])
    profile: str = Field(
        min_length=1, max_length=100, description="One of /profiles.", examples=["eastron-sdm630"]
    )
    link: str = Field(
        min_length=1, max_length=500, description="URL of its byte pipe.", examples=["tcp://10.0.0.7:502"]
    )
    name: str = Field(default="", max_length=200, examples=["Công tơ cầu cảng 1"])
    every: Duration | None = _Every
    unit_id: int = _UnitId
    settings: Settings = Field(default={})


class DeviceChange(Given):
    """What is given is changed; `every: null` goes back to the profile's own period."""

    gateway: Identifier | None = Field(default=None, description="Moves it to another gateway.")
    profile: str | None = Field(default=None, min_length=1, max_length=100)
    link: str | None = Field(default=None, min_length=1, max_length=500)
    name: str | None = Field(default=None, max_length=200)
    every: Duration | None = _Every
    unit_id: int | None = Field(default=None, ge=0, le=255)
    settings: Settings | None = Field(default=None, description="Replace them all; `***` keeps a secret.")


class Device(DeviceState):
    """A device and how its gateway says it fares. Times are null for one only its gateway knows.

    link: without its password. settings: without secrets. every: seconds, null for the profile's own.
    """

    gateway: str
    profile: str
    link: str
    name: str
    every: float | None
    unit_id: int
    settings: Mapping[str, Any]
    declared: Declared
    created_at: str | None
    changed_at: str | None


class LatestValues(Shown):
    """The newest value of everything the device says.

    observed_at: of the newest reading. earlier: when those values were read that are older.
    units: UCUM codes, `1` for a plain number.
    """

    device: str
    gateway: str
    kind: str
    observed_at: str
    received_at: str
    quality: Quality
    values: Mapping[str, Value]
    earlier: Mapping[str, str]
    units: Mapping[str, str]


class Sample(Shown):
    """One instant, or one bucket by its start; in a bucket a metric without values is left out.

    quality: left out when good.
    """

    time: str
    values: Mapping[str, Value]
    quality: Quality | None = None


class Samples(Shown):
    """A page of readings, oldest first. units: as in the latest values."""

    items: Sequence[Sample]
    next: str | None
    units: Mapping[str, str]
