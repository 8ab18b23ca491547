"""What the API shows of ships, for its documentation; the answers are written by msgspec (api/ships.py)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.shapes import Shown


class Format(StrEnum):
    """json: a list. geojson: RFC 7946, for maps."""

    JSON = "json"
    GEOJSON = "geojson"


class ShipShape(Shown):
    """A ship; what is not available is null."""

    model_config = ConfigDict(title="Ship", serialize_by_alias=True)

    mmsi: int = Field(examples=[574001230])
    name: str | None
    call_sign: str | None
    imo: int | None
    ship_type: int | None = Field(description="Code of ITU-R M.1371, table 53.")
    class_: str | None = Field(alias="class", description="A, B, aton (aid to navigation), base or sar.")
    lat: float | None = Field(description="Degrees north, WGS 84.")
    lon: float | None = Field(description="Degrees east, WGS 84.")
    sog: float | None = Field(description="Speed over ground, knots.")
    cog: float | None = Field(description="Course over ground, degrees.")
    heading: float | None = Field(description="True heading, degrees.")
    nav_status: int | None = Field(description="Code of ITU-R M.1371: 0 under way, 1 at anchor, 5 moored …")
    destination: str | None
    eta: str | None = Field(description="As sent, without a year: MM-DDThh:mmZ.")
    draught: float | None = Field(description="Metres.")
    length: float | None = Field(description="Metres.")
    beam: float | None = Field(description="Metres.")
    stations: Sequence[str] = Field(description="Devices that heard it.")
    last_seen: str = Field(description="RFC 3339, UTC.")


class Fix(Shown):
    """Where a ship was at an instant."""

    time: str
    lat: float
    lon: float
    sog: float | None
    cog: float | None
    heading: float | None


class Feature(Shown):
    """RFC 7946 §3.2."""

    type: Literal["Feature"]
    id: int | None = None
    geometry: dict[str, Any] | None
    properties: dict[str, Any]


class FeatureCollection(Shown):
    """RFC 7946 §3.3, with `next` of ours (§6.1) where the list goes on."""

    type: Literal["FeatureCollection"]
    features: Sequence[Feature]
    next: str | None
