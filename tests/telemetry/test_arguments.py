"""Arguments of commands: whatever is given, a value of the right kind or a refusal with what it takes."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry import Argument, CommandError, Title
from telemetry.commands import Kind

TITLE = Title(en="Thing", vi="Thứ")
KINDS = [
    Argument(name="thing", title=TITLE, kind=kind, choices=("on", "off") if kind is Kind.CHOICE else ())
    for kind in Kind
]
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()), st.just(10**400)
)


@given(st.sampled_from(KINDS), ANYTHING)
@settings(max_examples=200)
def test_anything_becomes_a_value_of_its_kind_or_is_refused(argument: Argument, anything: Any) -> None:
    try:
        value = argument.check(anything)
    except CommandError:
        return
    assert value == anything
    assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("huge", [10**400, -(10**301), math.inf, math.nan])
def test_a_number_no_float_can_hold_is_refused(huge: float) -> None:
    with pytest.raises(CommandError, match="thing is a number, not"):
        KINDS[0].check(huge)
