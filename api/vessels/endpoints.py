"""`/vessels`: the live picture, from memory."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Response

from api.answers import GEOJSON, answer, array
from api.current import Afloat
from api.geography import Box, point
from api.paging import Cursor, Page, decode_cursor, encode_cursor
from api.parts import Parts, PartsOf
from api.problems import RefusedError, wrong
from api.vessels.schemas import FeatureCollection, Format, ShipShape

LIST = "vessels"
LARGEST_PAGE = 10_000

router = APIRouter(prefix="/vessels", tags=["vessels"])
Mmsi = Annotated[
    int, Path(ge=1, le=999_999_999, description="Maritime Mobile Service Identity.", examples=[574001230])
]
FormatOf = Annotated[Format, Query(description="A plain list, or GeoJSON for maps.")]


@router.get(
    "",
    operation_id="listVessels",
    summary="List ships",
    response_model=Page[ShipShape],
    responses={200: {"content": {GEOJSON: {"schema": FeatureCollection.model_json_schema()}}}},
)
async def list_vessels(
    parts: PartsOf,
    *,
    bbox: Annotated[
        str | None,
        Query(
            description="Only ships inside `west,south,east,north`, degrees; west > east crosses 180°.",
            examples=["106.6,20.7,107.0,20.95"],
            max_length=100,
        ),
    ] = None,
    format: FormatOf = Format.JSON,  # noqa: A002 - the parameter's name in the query
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="At most so many items.")] = 1_000,
    cursor: Cursor = None,
) -> Response:
    """The ships heard within the last day, in order of MMSI."""
    after = decode_cursor(LIST, cursor, int) or 0
    ships = list(islice(_chosen(parts, _parse_box(bbox), after), limit + 1))
    following = encode_cursor(LIST, ships[limit - 1].vessel.mmsi) if len(ships) > limit else None
    shown = ships[:limit]
    if format is Format.GEOJSON:
        features = array(map(_feature, shown))
        return answer({"type": "FeatureCollection", "features": features, "next": following}, GEOJSON)
    return answer({"items": array(ship.item.json for ship in shown), "next": following})


@router.get("/{mmsi}", operation_id="getVessel", summary="Read a ship", response_model=ShipShape)
async def get_vessel(parts: PartsOf, mmsi: Mmsi) -> Response:
    """The ship as it was last heard."""
    ship = parts.live.current.ships.get(mmsi)
    if ship is None:
        raise RefusedError(404, f"No station heard a ship with MMSI {mmsi} within the last day.")
    return answer(msgspec.Raw(ship.item.json))


def _parse_box(text: str | None) -> Box | None:
    try:
        return Box.parse(text) if text else None
    except ValueError as error:
        raise wrong("query/bbox", str(error)) from error


def _chosen(parts: Parts, box: Box | None, after: int) -> Iterator[Afloat]:
    parts.live.current.forget_ships(parts.clock())
    for mmsi in sorted(parts.live.current.ships):
        ship = parts.live.current.ships[mmsi]
        if mmsi > after and _within(ship, box):
            yield ship


def _within(ship: Afloat, box: Box | None) -> bool:
    position = ship.item.position
    return box is None or (position is not None and box.contains(*position))


def _feature(ship: Afloat) -> bytes:
    """Made of bytes that are ready, since a map asks for all ships at once."""
    geometry = msgspec.json.encode(point(ship.vessel.lat, ship.vessel.lon))
    return b'{"type":"Feature","id":%d,"geometry":%b,"properties":%b}' % (
        ship.vessel.mmsi,
        geometry,
        ship.item.json,
    )
