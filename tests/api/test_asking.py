"""What stands in a query string: times, buckets, boxes, cursors."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.geography import Box, line
from api.guard import is_loopback
from api.paging import decode_cursor, encode_cursor
from api.problems import RefusedError
from api.spans import parse_bucket, parse_time
from telemetry import format_utc
from telemetry.times import NANOSECONDS
from tests.api.running import NOW

HOUR = 3600 * NANOSECONDS
Result = TypeVar("Result")


def outcome(parse: Callable[[], Result]) -> tuple[Result | None, str]:
    """What was parsed, or why not; anything but a refusal fails the test."""
    try:
        return parse(), ""
    except (ValueError, RefusedError) as error:
        return None, str(error)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("now", NOW),
        ("-1h", NOW - HOUR),
        (" -30d ", NOW - 720 * HOUR),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T07:00:01.5+07:00", 1_500_000_000),
        ("1970-01-01T07:00:01.5 07:00", 1_500_000_000),
        ("1970-01-01 00:00:01", NANOSECONDS),
    ],
)
def test_a_time_is_rfc_3339_or_relative(text: str, time: int) -> None:
    assert parse_time(text, NOW) == time


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.text("0123456789-+:.TZ d²٣", max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    time, why_not = outcome(lambda: parse_time(text, NOW))
    assert 0 <= time < 2**63 if time is not None else "write 2026" in why_not or "outside" in why_not
    width, why_not = outcome(lambda: parse_bucket(text))
    assert width is None or width > 0
    assert (width is None) == bool(why_not)


@given(st.integers(0, 2**62))
def test_every_time_an_answer_gives_can_be_asked_for(time: int) -> None:
    assert parse_time(format_utc(time), NOW) == time


PLACES = st.integers(0, 2**63 - 1) | st.from_regex("[a-z0-9-]{1,63}", fullmatch=True)


@given(st.sampled_from(["vessels", "devices"]), PLACES)
def test_a_cursor_comes_back_as_it_was_and_only_in_its_list(name: str, place: int | str) -> None:
    cursor = encode_cursor(name, place)
    kind: type[Any] = type(place)
    assert decode_cursor(name, cursor, kind) == place
    with pytest.raises(RefusedError):
        decode_cursor("tracks", cursor, kind)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text("ABCDEFabcdef0123456789-_=", max_size=60))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    place, why_not = outcome(lambda: decode_cursor("vessels", text, int))
    assert place is not None or "cursor" in why_not


@given(st.text(max_size=30) | st.lists(st.floats() | st.integers(), min_size=3, max_size=5).map(str))
def test_any_text_is_a_box_or_refused(text: str) -> None:
    box, why_not = outcome(lambda: Box.parse(text.strip("[]")))
    if box is None:
        assert "degrees" in why_not or "longitudes" in why_not
    else:
        assert box.contains(box.south, box.west)
        assert box.contains(box.north, box.east)


def test_a_line_that_crosses_the_antimeridian_westward_is_cut_there() -> None:
    geometry = line([(-179.0, 0.0), (179.0, 2.0), (178.0, 3.0)])
    assert geometry == {
        "type": "MultiLineString",
        "coordinates": [[(-179.0, 0.0), (-180.0, 1.0)], [(180.0, 1.0), (179.0, 2.0), (178.0, 3.0)]],
    }


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=12))
def test_no_part_of_a_line_spans_half_the_world_and_no_position_is_lost(
    path: list[tuple[float, float]],
) -> None:
    geometry = line(path)
    if geometry is None:
        assert path == []
        return
    kind, coordinates = geometry["type"], geometry["coordinates"]
    parts = {"Point": [[coordinates]], "LineString": [coordinates], "MultiLineString": coordinates}[kind]
    for part in parts:
        assert all(abs(one[0] - next_one[0]) <= 180 for one, next_one in pairwise(part))
    points = [position for part in parts for position in part]
    assert set(path) <= set(points)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours
