"""Formulas of computed metrics: arithmetic and nothing but arithmetic."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus.compute import FormulaError, parse_formula
from telemetry import Value


@pytest.mark.parametrize(
    ("text", "values", "result"),
    [
        ("a + b", {"a": 1, "b": 2}, 3),
        ("(a - b) * 2 / 4", {"a": 5, "b": 2}, 1.5),
        ("-a + +b", {"a": 5, "b": 2}, -3),
        ("max(a, b, 0) - min(a, b)", {"a": 5, "b": 2}, 3),
        ("sqrt(a * a + b * b)", {"a": 3, "b": 4}, 5),
        ("abs(a)", {"a": -2.5}, 2.5),
        ("a * 100", {"a": True}, 100),
        ("a / b", {"a": 1, "b": 0}, None),
        ("sqrt(a)", {"a": -1}, None),
        ("a + b", {"a": 1}, None),
        ("a + 1", {"a": "open"}, None),
        ("a * 1e308 * 10", {"a": 10}, None),
    ],
)
def test_a_formula_gives_its_result_or_no_value(
    text: str, values: dict[str, Value], result: float | None
) -> None:
    assert parse_formula(text).evaluate(values) == result


def test_a_formula_names_the_metrics_it_needs() -> None:
    assert parse_formula("max(power_l1, power_l2) + 0.5 * loss").names == {"power_l1", "power_l2", "loss"}


@pytest.mark.parametrize(
    "text",
    [
        "", "1 + 1", "a ** 9", "a // b", "a % b", "a if b else c", "a and b", "a < b", "a.real", "a[0]",
        "f(a)", "min(a)", "sqrt(a, b)", "abs(a=1)", "min(*a)", "lambda: a", "[a]", "'a'", "a; b", "a := 1",
        "__import__('os').system(a)", "True + a", "1j * a", "(" * 400 + "a" + ")" * 400, "a" + "+a" * 200,
    ],
)  # fmt: skip
def test_anything_else_is_refused_when_the_profile_is_loaded(text: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(text)


@given(st.text(alphabet="ab01.+-*/() ,minxsqrt_[]:'=", max_size=60), st.floats(), st.integers())
@settings(max_examples=200)
def test_any_text_is_a_formula_or_refused_and_any_numbers_give_a_number_or_none(
    text: str, a: float, b: int
) -> None:
    try:
        formula = parse_formula(text)
    except FormulaError:
        return
    result = formula.evaluate({"a": a, "b": b})
    assert result is None or abs(result) < float("inf")
