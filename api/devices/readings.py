"""`/devices/{id}/latest` from memory, and `/devices/{id}/readings` from the store."""

from collections.abc import Container, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from api.answers import answer
from api.devices.endpoints import DeviceId
from api.devices.schemas import LatestValues, Samples
from api.devices.service import get_device
from api.paging import Cursor, bad_cursor, decode_cursor, encode_cursor
from api.parts import Parts, PartsOf
from api.problems import RefusedError, wrong
from api.spans import BucketOf, Span, SpanOf
from stores.contract import Aggregate, RangeQuery, Table
from telemetry import Profile, ProfileError, Quality, Value, format_utc
from telemetry.words import check_name

LIST = "readings"
LARGEST_PAGE = 10_000
MOST_METRICS = 100
Row = tuple[int, Mapping[str, Value], Value | None]
"""Time, values, quality where it was not good."""

router = APIRouter(prefix="/devices", tags=["readings"])


@router.get(
    "/{device_id}/latest",
    operation_id="getLatest",
    summary="The newest values",
    response_model=LatestValues,
)
async def get_latest(parts: PartsOf, device_id: DeviceId) -> Response:
    """The newest value of everything the device says. 404 while nothing was heard for a day."""
    profile = await _profile(parts, device_id)
    latest = parts.live.current.latest(device_id)
    if latest is None:
        raise RefusedError(404, f"Nothing was heard of device {device_id!r} for a day; its state tells why.")
    return answer(msgspec.structs.asdict(latest) | {"units": _units(profile, latest.values)})


@router.get(
    "/{device_id}/readings",
    operation_id="listReadings",
    summary="Readings over time",
    response_model=Samples,
    response_model_exclude_none=True,
)
async def list_readings(
    parts: PartsOf,
    device_id: DeviceId,
    *,
    span: SpanOf,
    every: BucketOf,
    metrics: Annotated[
        str | None,
        Query(description="Names, separated by commas; left out: all.", examples=["power,voltage_l1"]),
    ] = None,
    aggregate: Annotated[
        Aggregate | None,
        Query(description="How the values of a bucket become one; left out: mean. Only with `every`."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="At most so many items.")] = 1_000,
    cursor: Cursor = None,
) -> Response:
    """What was read, oldest first; with `every`, one item for each bucket that has values."""
    if aggregate and every is None:
        raise wrong("query/aggregate", "needs the width of its buckets: add every, such as every=1m")
    profile = await _profile(parts, device_id)
    names = _metrics(profile, metrics)
    place = _place(cursor, span)
    query = RangeQuery(
        measurement=profile.kind,
        start=place[0],
        end=span.end,
        tags={"device": device_id},
        fields=(*names, "quality") if names and every is None else names,
        every=every,
        aggregate=aggregate or Aggregate.MEAN,
        limit=limit + place[1] + 1,
    )
    table = await parts.store.range(query)
    rows, following = _page(table, place, limit)
    items = [_item(row) for row in rows]
    units = _units(profile, {name for _, values, _ in rows for name in values})
    return answer({"items": items, "next": following, "units": units})


async def _profile(parts: Parts, device_id: str) -> Profile:
    device = await get_device(parts, device_id)
    try:
        return parts.catalogue.profile(device.profile)
    except ProfileError as error:
        raise RefusedError(
            409, f"Device {device_id!r} has a profile that is not installed here: {error}"
        ) from error


def _metrics(profile: Profile, text: str | None) -> tuple[str, ...]:
    """The metrics asked for, each one that can exist. Raises RefusedError."""
    if not text:
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if len(names) > MOST_METRICS:
        raise wrong("query/metrics", f"at most {MOST_METRICS} at once")
    known = set() if profile.announces else {metric.name for metric in profile.metrics}
    for name in names:
        try:
            check_name(name)
        except ValueError as error:
            raise wrong("query/metrics", str(error)) from error
        if known and name not in known:
            raise wrong("query/metrics", f"{profile.id} has no {name!r}; it has {', '.join(sorted(known))}")
    return names


def _place(cursor: str | None, span: Span) -> tuple[int, int]:
    """Where the page begins: a time, and how many rows of that time were given already."""
    text = decode_cursor(LIST, cursor, str)
    if text is None:
        return span.start, 0
    time, _, given = text.partition(":")
    if not (time.isdecimal() and given.isdecimal() and len(time) < 20 and len(given) < 6):
        raise bad_cursor()
    return max(int(time), span.start), int(given)


def _page(table: Table, place: tuple[int, int], limit: int) -> tuple[Sequence[Row], str | None]:
    """The rows of this page, and the cursor of the next."""
    times = [int(row[0] or 0) for row in table.rows]
    start, given = place
    skipped = min(given, sum(time == start for time in times[:given]))
    rows = [_row(table.columns, row) for row in table.rows[skipped : skipped + limit]]
    if len(times) <= skipped + limit:
        following = None
    else:
        time = times[skipped + limit]
        following = encode_cursor(LIST, f"{time}:{sum(each == time for each in times[: skipped + limit])}")
    return [row for row in rows if row[1]], following


def _row(columns: Sequence[str], row: Sequence[Value | None]) -> Row:
    values = {name: value for name, value in zip(columns[1:], row[1:], strict=True) if value is not None}
    quality = values.pop("quality", None)
    return int(row[0] or 0), values, quality


def _item(row: Row) -> Mapping[str, Any]:
    time, values, quality = row
    item: dict[str, Any] = {"time": format_utc(time), "values": values}
    if quality is not None and quality in set(Quality):
        item["quality"] = quality
    return item


def _units(profile: Profile, names: Container[str]) -> Mapping[str, str]:
    return {metric.name: metric.unit for metric in profile.metrics if metric.name in names}
