"""What both stores can take: any points at all are parted into kept and rejected, and nothing is raised."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stores.contract import Points
from stores.screening import EARLIEST, LATEST, Kind, clean_tag, screen

NAMES = st.sampled_from(["wind", "gust", "name", "device", "time", "Wind", "x y", "", "haidang_x", "a\nb"])
VALUES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(10**400), 10**400)
    | st.text(alphabet=st.characters(), max_size=20)
)


@st.composite
def any_points(draw: st.DrawFn) -> Points:
    size = draw(st.integers(0, 8))
    times = st.lists(st.integers(-(2**70), 2**70) | st.integers(0, 2**62), min_size=size, max_size=size)
    texts = st.lists(st.text(alphabet=st.characters(), max_size=8), min_size=size, max_size=size)
    values = st.lists(VALUES, min_size=size, max_size=size)
    return Points(
        draw(st.just("weather") | NAMES),
        draw(times),
        draw(st.dictionaries(NAMES, texts, max_size=3)),
        draw(st.dictionaries(NAMES, values, max_size=4)),
    )


def storable(value: Any, kind: Kind) -> bool:
    if kind is Kind.NUMBER:
        return type(value) is float and math.isfinite(value)
    if kind is Kind.TRUTH:
        return type(value) is bool
    return isinstance(value, str) and bool(value.encode() or True)


@settings(max_examples=400)
@given(any_points(), st.dictionaries(NAMES, st.sampled_from(Kind), max_size=3))
def test_every_point_is_either_kept_as_it_can_be_stored_or_rejected_with_a_reason(
    points: Points, known: dict[str, Kind]
) -> None:
    screened = screen(points, known)
    assert len(screened.times) + len(screened.rejected) == len(points.times)
    assert all(EARLIEST <= time <= LATEST for time in screened.times)
    assert all(each.reason for each in screened.rejected)
    for name, column in screened.fields.items():
        assert len(column) == len(screened.times)
        assert all(value is None or storable(value, screened.kinds[name]) for value in column)
    for name, texts in screened.tags.items():
        assert screened.kinds[name] is Kind.TAG
        assert [clean_tag(text) for text in texts] == list(texts)
    assert all(any(cell is not None for cell in row) for row in zip(*screened.fields.values(), strict=True))
    assert known.items() <= screened.kinds.items()


@given(st.text(alphabet=st.characters()))
def test_a_cleaned_tag_has_nothing_that_could_end_it(text: str) -> None:
    cleaned = clean_tag(text)
    assert not set(cleaned) & {"\n", "\r", "\0", "\t"}
    assert not cleaned.endswith("\\")
    assert clean_tag(cleaned) == cleaned
    cleaned.encode()


def test_a_column_of_a_rejected_point_does_not_come_to_be() -> None:
    points = Points("m", [1, 2], {"site": ["quay", ""]}, {"x": [math.nan, 1.0], "new": [True, None]})
    screened = screen(points, {})
    assert screened.kinds == {"x": Kind.NUMBER}
    assert (list(screened.times), dict(screened.tags), dict(screened.fields)) == ([2], {}, {"x": [1.0]})


def test_numbers_whose_sum_overflows_are_kept() -> None:
    screened = screen(Points("m", [1, 2], {}, {"x": [1.7e308, 1.7e308]}), {})
    assert screened.fields == {"x": [1.7e308, 1.7e308]}
    assert screened.rejected == []
