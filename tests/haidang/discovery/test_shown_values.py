"""Values stand on a terminal as a person reads them, and cannot steer it."""

import pytest

from haidang.discovery.values import age, number
from telemetry import Value
from telemetry.times import NANOSECONDS, parse_utc

NOON = "2026-11-22T05:00:00Z"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (230.06645202636719, "230.0665"),
        (50.0, "50"),
        (12345678.9, "12345678.9"),
        (1e20, "1e+20"),
        (0.00012, "0.00012"),
        (7, "7"),
        (True, "yes"),
        ("mains", "mains"),
        ("đầy", "đầy"),
        ("\x1b[2Jgone\x07", "·[2Jgone·"),
    ],
)
def test_a_value_is_short_and_harmless(value: Value, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")]
)
def test_an_age_is_told_in_the_unit_that_fits(seconds: int, shown: str) -> None:
    assert age(NOON, parse_utc(NOON) + seconds * NANOSECONDS) == shown


def test_what_was_never_heard_has_no_age() -> None:
    assert age(None, 0) == "never"
