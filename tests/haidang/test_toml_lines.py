"""Finding the line of a key."""

from hypothesis import given
from hypothesis import strategies as st

from haidang.toml_lines import line_of

TEXT = """[site]
name = "x"

[[gateway]]
id = "a"
[[gateway.device]]
id = "one"
[[gateway.device]]
id = "two"  # comment
[[gateway]]
id = "b"
[[gateway.device]]
id = "three"
"odd key" = 1
"""


def test_tables_within_arrays_of_tables_are_told_apart() -> None:
    assert line_of(TEXT, ("site", "name")) == 2
    assert line_of(TEXT, ("gateway", 0, "device", 1, "id")) == 9
    assert line_of(TEXT, ("gateway", 1, "id")) == 11
    assert line_of(TEXT, ("gateway", 1, "device", 0, "id")) == 13
    assert line_of(TEXT, ("gateway", 1, "device", 0, "odd key")) == 14


def test_a_key_that_is_not_there_is_given_the_line_of_its_table() -> None:
    assert line_of(TEXT, ("gateway", 0, "device", 0, "link")) == 6
    assert line_of(TEXT, ("store", "url")) is None


@given(st.text(), st.lists(st.text() | st.integers(), max_size=4))
def test_any_text_is_searched_without_an_error(text: str, place: list[str | int]) -> None:
    line = line_of(text, place)
    assert line is None or 1 <= line <= len(text.splitlines())
