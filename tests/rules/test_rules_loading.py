"""rules.yaml: what it means, and that every mistake is named where it was made."""

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Silence, Threshold, parse_rules
from rules.model import Stale
from telemetry import ConfigurationError, Severity

GOOD = """\
rules:
  - id: high-wind
    title: {en: Strong wind at the quay, vi: Gió mạnh tại cầu cảng}
    severity: warning
    when: {kind: weather, metric: wind_speed, device: "*", above: 17.2, clear_below: 15, for: 30s}
    notify: [duty]
  - id: radar-silent
    title: {en: The level radar is silent, vi: Ra-đa mực nước im lặng}
    when: {stale: {device: level-radar, after: 60s}}
"""


def mistakes(text: str, contacts: list[str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_rules(text, "rules.yaml", contacts)
    return str(caught.value).splitlines()


def test_rules_mean_what_they_say() -> None:
    wind, radar = parse_rules(GOOD, contacts=["duty"])
    assert (wind.id, wind.severity, wind.notify) == ("high-wind", Severity.WARNING, ("duty",))
    assert wind.title.vi == "Gió mạnh tại cầu cảng"
    assert isinstance(wind.when, Threshold)
    assert (wind.when.device, wind.when.above, wind.when.clear_below, wind.when.holds) == (None, 17.2, 15, 30)
    assert isinstance(radar.when, Stale)
    assert radar.when.stale == Silence(device=("level-radar",), after=60)


def test_no_rules_are_rules_too() -> None:
    assert parse_rules("rules: []") == ()


@pytest.mark.parametrize(
    ("wrong", "right", "sentence"),
    [
        (
            "above: 17.2",
            "above: strong",
            "rules.yaml:5: rule high-wind: when.above: Input should be a valid num",
        ),
        ("above: 17.2", "above: .nan", "rules.yaml:5: rule high-wind: when.above: "),
        ("above: 17.2", "abov: 17.2", "rules.yaml:5: rule high-wind: when.abov: is not a key here"),
        ("above: 17.2, ", "", "rules.yaml:5: rule high-wind: when: write one of above and below"),
        (
            "clear_below: 15",
            "clear_below: 18",
            "rules.yaml:5: rule high-wind: when: clear_below goes with above",
        ),
        (
            "clear_below: 15",
            "clear_above: 15",
            "rules.yaml:5: rule high-wind: when: clear_above goes with below",
        ),
        ("for: 30s", "for: soon", "rules.yaml:5: rule high-wind: when.for: 'soon' is not a duration"),
        ("for: 30s", "for: 0s", "rules.yaml:5: rule high-wind: when.for: '0s' is not a duration"),
        ("severity: warning", "severity: bad", "rules.yaml:4: rule high-wind: severity: "),
        (
            "level-radar, after",
            "Level Radar, after",
            "rules.yaml:9: rule radar-silent: when.stale.device.0: ",
        ),
        ("after: 60s", "", "rules.yaml:9: rule radar-silent: when.stale.after: is missing"),
        ("vi: Gió mạnh tại cầu cảng", "", "rules.yaml:3: rule high-wind: title.vi: is missing"),
        ("id: radar-silent", "id: high-wind", "rules.yaml:7: another rule is called high-wind too"),
        ("severity: warning", "id: other", "rules.yaml:4: key 'id' is written twice; keep one"),
        (
            "notify: [duty]",
            "notify: [nobody]",
            "rules.yaml:6: rule high-wind: notify: there is no contact nobody",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_its_rule_and_its_key(wrong: str, right: str, sentence: str) -> None:
    assert wrong in GOOD
    found = [
        re.sub(r"^(rules\.yaml:\d+):\d+", r"\1", mistake)
        for mistake in mistakes(GOOD.replace(wrong, right, 1), ["duty"])
    ]
    assert any(mistake.startswith(sentence) for mistake in found), found


def test_all_mistakes_are_named_at_once() -> None:
    text = GOOD.replace("above: 17.2", "above: x").replace("after: 60s", "after: x")
    assert len(mistakes(text)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rules",
        "- id: x",
        "rules: {}",
        "rule: []",
        "rules:\n  - [",
        "rules: [&a [*a]]",
        'rules: ["\\UFFFFFFFF"]',
        "? [a]\n: b",
        "[" * 5000,
        "rules: [" + "{a: " * 50 + "1" + "}" * 50 + "]",
        "rules: [x]",
        "\x00",
    ],
)
def test_what_is_no_list_of_rules_is_refused_with_its_file_and_line(text: str) -> None:
    assert all(mistake.startswith("rules.yaml:") for mistake in mistakes(text)[:1])


def test_a_few_aliases_cannot_stand_for_gigabytes() -> None:
    layers = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
    (told,) = mistakes("l0: &l0 [x]\n" + layers)
    assert told == "rules.yaml:2:10: not YAML: aliases (*name) are not used here: write it out"


pieces = st.lists(st.sampled_from([*GOOD.split(" "), "\n", " ", "- ", ": ", "*", "&a ", "|", '"', "{", "["]))


@given(st.one_of(st.text(max_size=200), pieces.map(" ".join)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_rules_or_a_configuration_error(text: str) -> None:
    with suppress(ConfigurationError):
        parse_rules(text)
