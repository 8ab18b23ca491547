"""Times as text and durations as numbers."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import ConfigurationError, format_utc, parse_duration, parse_utc

NANOSECONDS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@given(NANOSECONDS)
def test_every_64_bit_nanosecond_comes_back_from_its_text(nanoseconds: int) -> None:
    assert parse_utc(format_utc(nanoseconds)) == nanoseconds


@given(st.datetimes(), st.integers(-23 * 60, 23 * 60))
def test_the_standard_librarys_iso_format_with_any_offset_is_the_same_instant(
    local: datetime, minutes: int
) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    assert parse_utc(moment.isoformat()) == expected


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]\S{0,20}", fullmatch=True))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_utc(text), int)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-22T01:02:03.5Z", "2026-11-22T01:02:03.500000000Z"),
        ("2026-11-22T08:02:03+07:00", "2026-11-22T01:02:03Z"),
        ("2026-11-22T01:02:03", "2026-11-22T01:02:03Z"),
        ("2026-11-22 01:02:03z", "2026-11-22T01:02:03Z"),
        ("2026-11-22T01:02Z", "2026-11-22T01:02:00Z"),
        ("2026-11-22", "2026-11-22T00:00:00Z"),
        ("2026-11-22T01:02:03.1234567891234Z", "2026-11-22T01:02:03.123456789Z"),
        ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.250Z"),
    ],
)
def test_two_ways_to_write_one_instant_are_equal(text: str, same: str) -> None:
    assert parse_utc(text) == parse_utc(same)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-13-01T00:00:00Z",
        "2026-11-22T01:02:03,5Z",
        "2026-11-22T01:02:03.Z",
        "2026-11-22T01:02:03.²Z",
        "2026-11-22T01:02.5Z",
        "2026-11-22T01:02:03+99:00",
        "2026-11-22+07:00",
        "٢٠٢٦-11-22",
        "2026-W47-7",
    ],
)
def test_what_is_no_rfc_3339_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_utc(text)


def test_a_time_is_written_with_no_more_decimals_than_it_has() -> None:
    assert format_utc(0) == "1970-01-01T00:00:00Z"
    assert format_utc(1_500_000_000) == "1970-01-01T00:00:01.5Z"
    assert format_utc(-1) == "1969-12-31T23:59:59.999999999Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("1s", 1.0), ("15m", 900.0), ("24h", 86_400.0), ("30d", 2_592_000.0), (" 1.5 s ", 1.5)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "s", "0s", "-1s", "1 year", "1e3s", "9" * 400 + "s", "٣s", "nan s"]
)
def test_a_duration_that_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigurationError, match="500ms, 1s, 15m"):
        parse_duration(text)
