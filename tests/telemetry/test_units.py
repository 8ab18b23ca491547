"""Units: what people read, and from one into another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.units import DISPLAY, conversion, display


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (1.026, "bar", "hPa", 1026.0),
        (101_325.0, "Pa", "hPa", 1013.25),
        (0.6, "MPa", "bar", 6.0),
        (11.0, "kV", "V", 11_000.0),
        (20.0, "Cel", "K", 293.15),
        (293.15, "K", "Cel", 20.0),
        (10.0, "[kn_i]", "m/s", 5.144444),
        (10.0, "m/s", "km/h", 36.0),
        (1.0, "[nmi_i]", "m", 1852.0),
        (0.5, "1", "%", 50.0),
        (7.0, "deg", "deg", 7.0),
    ],
)
def test_a_value_in_one_unit_is_the_same_quantity_in_another(
    value: float, source: str, target: str, result: float
) -> None:
    line = conversion(source, target)
    assert line is not None
    assert value * line[0] + line[1] == pytest.approx(result)


@given(st.sampled_from(sorted(DISPLAY)), st.sampled_from(sorted(DISPLAY)), st.floats(-1e6, 1e6))
def test_a_conversion_and_its_opposite_give_the_value_back(source: str, target: str, value: float) -> None:
    there, back = conversion(source, target), conversion(target, source)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        converted = value * there[0] + there[1]
        assert converted * back[0] + back[1] == pytest.approx(value, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("source", "target"), [("m", "s"), ("deg", "Cel"), ("", "1"), ("furlong", "m")])
def test_units_of_different_quantities_do_not_convert(source: str, target: str) -> None:
    assert conversion(source, target) is None


def test_a_person_reads_the_units_sign_and_an_unknown_code_as_it_is() -> None:
    assert display("Cel") == "°C"
    assert display("furlong") == "furlong"
