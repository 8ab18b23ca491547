"""What people read instead of codes."""

import pytest

from vessels.names import AID_TYPE, NAV_STATUS, SHIP_TYPE, ship_type_name


def test_every_status_and_every_aid_has_a_name_in_both_languages() -> None:
    assert set(NAV_STATUS) == set(range(16))
    assert set(AID_TYPE) == set(range(32))
    named = [*NAV_STATUS.values(), *AID_TYPE.values(), *SHIP_TYPE.values()]
    assert all(title.en and title.vi and title.en != title.vi for title in named)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (30, "Fishing vessel"),
        (52, "Tug"),
        (70, "Cargo ship"),
        (79, "Cargo ship"),
        (81, "Tanker, hazard category X"),
        (99, "Other ship"),
    ],
)
def test_ship_types_are_named(code: int, name: str) -> None:
    title = ship_type_name(code)
    assert title is not None
    assert title.en == name


@pytest.mark.parametrize("code", [0, 9, 38, 39, 100, 255])
def test_reserved_ship_types_have_no_name(code: int) -> None:
    assert ship_type_name(code) is None
    assert code not in SHIP_TYPE
