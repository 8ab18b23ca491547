"""YAML with the line of every key: what it means, what is refused, and that nothing else ever happens."""

import math
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry import ConfigurationError
from telemetry.documents import DEEPEST, LARGEST, Spot, plain_scalar, read_document

TEXT = """\
# a comment
id: tank
title: {en: Tank, vi: Bồn}
metrics:
  - name: level
    read: {address: 0x10}
  - name: 'flow'
"""


def test_a_document_knows_the_line_and_column_of_every_key_and_item() -> None:
    document = read_document(TEXT, "tank.yaml")
    assert document.content == {
        "id": "tank",
        "title": {"en": "Tank", "vi": "Bồn"},
        "metrics": [{"name": "level", "read": {"address": 16}}, {"name": "flow"}],
    }
    assert document.spot(("title", "vi")) == Spot(3, 19)
    assert document.spot(("metrics", 0, "read", "address")) == Spot(6, 12)
    assert document.where(("metrics", 1, "name")) == "tank.yaml:7:5"


def test_a_place_that_is_not_there_is_the_nearest_around_it() -> None:
    document = read_document(TEXT, "tank.yaml")
    assert document.where(("metrics", 1, "unit")) == "tank.yaml:7:5"
    assert document.where(("nothing",)) == "tank.yaml:2:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-7", -7),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        *[
            (text, text)
            for text in ("no", "on", "off", "yes", "1:30", "1_000", "2026-11-22", "0b1", "+", "e5")
        ],
    ],
)
def test_words_without_quotes_mean_what_they_mean_in_yaml_1_2(text: str, value: object) -> None:
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


def test_words_in_quotes_are_texts_and_so_is_everything_in_a_plain_document() -> None:
    assert read_document("[\"1\", 'true', null]", "x").content == ["1", "true", None]
    assert read_document("[1, true, null]", "x", typed=False).content == ["1", "true", "null"]


def test_a_key_written_twice_is_told_with_its_place() -> None:
    document = read_document("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n", "x.yaml")
    assert document.content == {"a": 3, "b": {"c": 2}}
    assert document.repeated == [
        "x.yaml:4:3: key 'c' is written twice; keep one",
        "x.yaml:5:1: key 'a' is written twice; keep one",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &x 1\nb: *x", "x.yaml:2:4: not YAML: aliases"),
        ("a: !!binary aGk=", "x.yaml:1:4: not YAML: tags"),
        ("a: 1\n---\nb: 1", "x.yaml:2:1: not YAML: one document a file"),
        ("? [a]\n: 1", "x.yaml:1:3: not YAML: a key is a word"),
        ("a: [1", "x.yaml:2:1: not YAML: did not find"),
        ("a: \x00", "x.yaml:1:1: not YAML: "),
        ("[" * 100_000, f"x.yaml:1:{DEEPEST + 1}: not YAML: nested deeper than {DEEPEST} levels"),
        ("- " * 100_000, "x.yaml:1:41: not YAML: nested deeper than"),
        ("#" * (LARGEST + 1), "x.yaml:1:1: 262,145 characters, at most 262,144 are read"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_document(text, "x.yaml")
    assert str(caught.value).startswith(told)


PIECES = st.lists(
    st.sampled_from([*TEXT.split(" "), "\n", "- ", ": ", "*a", "&a ", "|", '"', "{", "[", "!x", "---"])
)


@given(st.text(max_size=120) | PIECES.map(" ".join), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_document_or_a_configuration_error_with_a_line(text: str, typed: bool) -> None:
    told = "x.yaml:1:1: no error"
    try:
        read_document(text, "x.yaml", typed=typed)
    except ConfigurationError as error:
        told = str(error)
    assert re.match(r"x\.yaml:\d+:\d+: ", told)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("abcé 1-#:'\"", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(PLAIN)
@settings(max_examples=100, deadline=None)
def test_what_another_writes_is_read_as_it_was(content: object) -> None:
    assert read_document(yaml.safe_dump(content, allow_unicode=True), "x").content == content
