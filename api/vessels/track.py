"""`/vessels/{mmsi}/track`: where a ship was, from the store.

Several stations hear the same report, each a little later; such doubles are shown once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.answers import GEOJSON, answer
from api.geography import line
from api.paging import Cursor, Page, decode_cursor, encode_cursor
from api.parts import PartsOf
from api.spans import SpanOf
from api.vessels.endpoints import FormatOf, Mmsi
from api.vessels.schemas import Feature, Fix, Format
from stores.contract import RangeQuery, Table
from telemetry import Value, format_utc
from telemetry.times import NANOSECONDS

LIST = "track"
LARGEST_PAGE = 20_000
DOUBLES_WITHIN = 10 * NANOSECONDS
_FIELDS = ("lat", "lon", "sog", "cog", "heading")

router = APIRouter(prefix="/vessels", tags=["vessels"])


@dataclass(frozen=True, slots=True)
class Report:
    """What one station heard at one instant (UTC nanoseconds)."""

    time: int
    said: tuple[Value | None, ...]


@router.get(
    "/{mmsi}/track",
    operation_id="getTrack",
    summary="Where a ship was",
    response_model=Page[Fix],
    responses={200: {"content": {GEOJSON: {"schema": Feature.model_json_schema()}}}},
)
async def get_track(
    parts: PartsOf,
    mmsi: Mmsi,
    *,
    span: SpanOf,
    format: FormatOf = Format.JSON,  # noqa: A002 - the parameter's name in the query
    limit: Annotated[
        int, Query(ge=1, le=LARGEST_PAGE, description="At most so many reports are looked at.")
    ] = 10_000,
    cursor: Cursor = None,
) -> Response:
    """Oldest first, the same report of several stations once. As GeoJSON a line, cut at 180°, with the
    times, speeds and courses of its points as properties. An unknown ship has an empty track."""
    start = max(decode_cursor(LIST, cursor, int) or 0, span.start)
    query = RangeQuery("vessel", start, span.end, {"mmsi": str(mmsi)}, _FIELDS, limit=limit + 1)
    reports, following = _page(await parts.store.range(query), limit)
    fixes = [_fix(report) for report in without_doubles(reports)]
    if format is Format.GEOJSON:
        return answer(_feature(mmsi, fixes, following), GEOJSON)
    return answer({"items": fixes, "next": following})


def without_doubles(reports: Iterable[Report]) -> Iterator[Report]:
    """The reports that do not repeat what another station passed on within ten seconds."""
    seen: dict[tuple[Value | None, ...], int] = {}
    for report in reports:
        before = seen.get(report.said)
        if before is None or report.time - before > DOUBLES_WITHIN:
            seen[report.said] = report.time
            yield report


def _page(table: Table, limit: int) -> tuple[Sequence[Report], str | None]:
    reports = [Report(int(row[0] or 0), tuple(row[1:])) for row in table.rows]
    following = encode_cursor(LIST, reports[limit].time) if len(reports) > limit else None
    return [report for report in reports[:limit] if None not in report.said[:2]], following


def _fix(report: Report) -> dict[str, Any]:
    return {"time": format_utc(report.time), **dict(zip(_FIELDS, report.said, strict=True))}


def _feature(mmsi: int, fixes: Sequence[dict[str, Any]], following: str | None) -> dict[str, Any]:
    columns = {f"{name}s": [fix[name] for fix in fixes] for name in ("time", "sog", "cog", "heading")}
    return {
        "type": "Feature",
        "id": mmsi,
        "geometry": line([(fix["lon"], fix["lat"]) for fix in fixes]),
        "properties": {"mmsi": mmsi, "next": following, **columns},
    }
