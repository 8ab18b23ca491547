"""The expansion of queries that the other tests of this room lean on, held against known cases."""

import pytest

from tests.grafana.expansion import All, Picked, Span, duration, rows, with_variables

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("query", "picked", "expanded"),
    [
        ("a =~ /^$v$/", ["one"], "a =~ /^one$/"),
        ("a =~ /^$v$/", ["one", "two"], "a =~ /^(one|two)$/"),
        ("a =~ /^${v}$/", ["a.b/c"], r"a =~ /^a\.b\/c$/"),
        ("a = '$v'", ["a/b", "c+d"], r"a = '(a\/b|c\+d)'"),
        ("a = '$v'", "a/b", "a = 'a/b'"),
        ("a =~ /$v/", "/a/b", r"a =~ /\/a\/b/"),
        ("a !~ /^$v$/", "/a/b", r"a !~ /^\/a\/b$/"),
        ("a =~ /^$v$/", All(".*"), "a =~ /^.*$/"),
        ("$timeFilter GROUP BY time($__interval)", "x", "$timeFilter GROUP BY time($__interval)"),
    ],
)
def test_variables_go_in_as_grafanas_page_puts_them(query: str, picked: Picked, expanded: str) -> None:
    assert with_variables(query, {"v": picked}) == expanded


def test_macros_are_filled_in_as_grafanas_server_does() -> None:
    span = Span(1_000, 1_000 + 6 * HOUR)
    assert span.expand("WHERE $timeFilter GROUP BY time($__interval)") == (
        "WHERE time >= 1000ms and time <= 21601000ms GROUP BY time(20s)"
    )
    assert span.expand("x * 60000 / $__interval_ms, $interval") == "x * 60000 / 20000, 20s"


@pytest.mark.parametrize(
    ("length", "step"), [(HOUR, 10_000), (24 * HOUR, 60_000), (30 * 24 * HOUR, 1_800_000)]
)
def test_a_step_is_rounded_and_never_finer_than_the_data_source_allows(length: int, step: int) -> None:
    assert Span(0, length).interval == step


def test_durations_are_written_in_their_largest_unit() -> None:
    assert [duration(ms) for ms in (500, 10_000, 90_000, 3_600_000)] == ["500ms", "10s", "90s", "1h"]


def test_a_table_has_the_time_the_tag_and_the_values() -> None:
    series = [{"tags": {"mmsi": "574"}, "columns": ["time", "lat"], "values": [[5, 20.8]]}]
    assert rows(series) == [{"mmsi": "574", "Time": 5, "lat": 20.8}]
