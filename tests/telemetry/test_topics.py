"""MQTT topic filters against the examples of MQTT 3.1.1, section 4.7, and against each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.topics import check_filter, ends_with, matches

LEVELS = st.lists(st.sampled_from(["a", "b", "", "tele", "$x"]), min_size=1, max_size=5)
FILTER_LEVELS = st.lists(st.sampled_from(["a", "b", "", "tele", "+"]), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("#", "sport/tennis", True),
        ("sport/tennis/+", "sport/tennis/player2", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/broker", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/broker", True),
        ("ACCOUNTS", "Accounts", False),
    ],
)
def test_the_examples_of_the_standard(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(check_filter(topic_filter), topic) is expected


@pytest.mark.parametrize(
    "text", ["", "sport/tennis#", "sport/#/ranking", "sport+", "a/+b", "a\0b", "é" * 40_000]
)
def test_a_filter_the_standard_forbids_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a topic filter"):
        check_filter(text)


@given(LEVELS)
def test_a_topic_matches_itself_and_its_own_wildcards(levels: list[str]) -> None:
    topic = "/".join(levels)
    assert matches(topic, topic)
    assert matches(topic + "/#", topic)
    assert matches("/".join(["+"] * len(levels)), topic) is not topic.startswith("$")


@given(LEVELS, FILTER_LEVELS, LEVELS)
def test_a_tail_that_matches_alone_matches_after_any_beginning(
    head: list[str], wanted: list[str], tail: list[str]
) -> None:
    topic, tail_filter = "/".join(["x", *tail]), "/".join(["x", *wanted])
    if matches(tail_filter, topic):
        assert ends_with("/".join([*head, topic]), tail_filter)


@pytest.mark.parametrize(
    ("topic", "tail", "expected"),
    [
        ("tele/mast-2/SENSOR", "SENSOR", True),
        ("tele/mast-2/SENSOR", "+/SENSOR", True),
        ("SENSOR", "+/SENSOR", False),
        ("tele/mast-2/SENSOR/extra", "SENSOR", False),
        ("tele/mast-2/SENSOR/extra", "SENSOR/#", True),
        ("tele/mast-2/MYSENSOR", "SENSOR", False),
    ],
)
def test_a_tail_is_compared_level_by_level_from_the_end(topic: str, tail: str, expected: bool) -> None:
    assert ends_with(topic, tail) is expected
