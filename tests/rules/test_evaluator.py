"""The evaluator: golden cases, what survives a restart, and what holds for any readings at all."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Evaluator, Rule, parse_rules
from telemetry import Change, Clearing, Firing, Instant, Quality, Reading, Severity, Title

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "golden" / "cases.yaml").read_text())
SECOND = 1_000_000_000
EPOCH = 1_800_000_000 * SECOND

RULES = """
rules:
  - id: high-wind
    title: {en: Strong wind at the quay, vi: Gió mạnh tại cầu cảng}
    severity: critical
    when: {kind: weather, metric: wind_speed, device: "*", above: 17.2, clear_below: 15, for: 30s}
    notify: [duty]
  - id: silent
    title: {en: A device is silent, vi: Thiết bị im lặng}
    when: {stale: {device: "*", after: 60s}}
"""


def instant(second: float) -> Instant:
    return Instant(utc=EPOCH + round(second * SECOND), monotonic=second)


def wind(device: str, second: float, value: Any, quality: str = "good") -> Reading:
    return Reading(device, "weather", EPOCH + round(second * SECOND), {"wind_speed": value}, Quality(quality))


def said(change: Change | None) -> tuple[str, str]:
    if change is None:
        return ("", "")
    return ("fires" if isinstance(change, Firing) else "clears", change.device)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden_case(case: dict[str, Any]) -> None:
    rule = Rule.model_validate({"id": "rule", "title": {"en": "en", "vi": "vi"}, **case["rule"]})
    evaluator = Evaluator([rule], instant(0), grace=60)
    for step in case["steps"]:
        changes = play(evaluator, step[0])
        expected = [(step[1], step[2] if len(step) > 2 else step[0][0])] if step[1] else []
        assert [said(change) for change in changes] == expected, step


def play(evaluator: Evaluator, what: list[Any]) -> Sequence[Change]:
    if what[0] == "tick":
        return evaluator.tick(instant(what[1]))
    arrival = what[4] if len(what) > 4 else what[1]
    return evaluator.evaluate([wind(*what[:4])], instant(arrival))


def test_a_firing_says_what_the_duty_officer_needs_in_both_languages() -> None:
    evaluator = Evaluator(parse_rules(RULES), instant(0))
    changes = evaluator.evaluate([wind("quay-mast", 0, 18), wind("quay-mast", 30, 18.25)], instant(30))
    assert changes == [
        Firing(
            rule_id="high-wind",
            device="quay-mast",
            at=EPOCH + 30 * SECOND,
            value=18.25,
            severity=Severity.CRITICAL,
            title=Title(en="Strong wind at the quay", vi="Gió mạnh tại cầu cảng"),
            detail=Title(
                en="wind_speed of quay-mast is 18.25, above 17.2 for 30 s.",
                vi="wind_speed của quay-mast là 18,25, cao hơn 17,2 trong 30 giây.",
            ),
            notify=("duty",),
        )
    ]
    silence = evaluator.tick(instant(91))
    assert [change.detail for change in silence if isinstance(change, Firing)] == [
        Title(
            en="Nothing has come from quay-mast for more than 1 min.",
            vi="Không nhận được dữ liệu từ quay-mast hơn 1 phút.",
        )
    ]


def test_after_a_restart_nothing_fires_twice_and_the_clearing_is_noticed() -> None:
    before = Evaluator(parse_rules(RULES), instant(0))
    firings = [
        *before.evaluate([wind("m", 0, 18), wind("m", 30, 18)], instant(30)),
        *before.tick(instant(91)),
    ]
    assert [said(change)[0] for change in firings] == ["fires", "fires"]
    after = Evaluator(parse_rules(RULES), instant(200))
    assert list(after.restore([f for f in firings if isinstance(f, Firing)], instant(200))) == []
    assert list(after.tick(instant(1000))) == []
    changes = after.evaluate([wind("m", 210, 18), wind("m", 300, 18)], instant(1001))
    assert [(change.rule_id, said(change)[0]) for change in changes] == [("silent", "clears")]
    changes = after.evaluate([wind("m", 301, 14)], instant(1002))
    assert [(change.rule_id, said(change)[0]) for change in changes] == [("high-wind", "clears")]


def test_what_no_rule_watches_after_a_restart_is_cleared() -> None:
    firing = Firing("gone", "m", EPOCH, 1.0, Severity.INFO, Title(en="", vi=""), Title(en="", vi=""))
    after = Evaluator(parse_rules(RULES), instant(5))
    assert after.restore([firing], instant(5)) == [Clearing("gone", "m", EPOCH + 5 * SECOND, None)]


def test_a_device_that_exists_but_never_spoke_is_silent_after_the_grace() -> None:
    evaluator = Evaluator(parse_rules(RULES), instant(0), grace=60)
    evaluator.expect(["new-mast"], instant(1000))
    assert list(evaluator.tick(instant(1119))) == []
    assert [said(change) for change in evaluator.tick(instant(1121))] == [("fires", "new-mast")]


def test_what_fires_for_a_removed_device_is_cleared() -> None:
    evaluator = Evaluator(parse_rules(RULES), instant(0))
    evaluator.evaluate([wind("m", 0, 18), wind("m", 30, 18), wind("n", 30, 1)], instant(30))
    evaluator.tick(instant(91))
    changes = evaluator.expect(["n"], instant(92))
    assert [(change.rule_id, change.device) for change in changes] == [("high-wind", "m"), ("silent", "m")]
    assert list(evaluator.tick(instant(500))) == []


readings = st.lists(
    st.builds(
        wind,
        st.sampled_from(["m", "n"]),
        st.integers(0, 120),
        st.one_of(st.floats(0, 30), st.sampled_from([15.0, 17.2, "text", True])),
        st.sampled_from(["good", "uncertain", "bad"]),
    ),
    max_size=40,
)


@given(readings, st.data())
@settings(max_examples=150, deadline=None)
def test_readings_in_any_batches_give_what_they_give_one_by_one(
    stream: list[Reading], data: st.DataObject
) -> None:
    rules = parse_rules(RULES)[:1]
    single, batched = Evaluator(rules, instant(0)), Evaluator(rules, instant(0))
    one_by_one = [change for reading in stream for change in single.evaluate([reading], instant(0))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    edges = [0, *cuts, len(stream)]
    in_batches = [
        change for start, end in pairwise(edges) for change in batched.evaluate(stream[start:end], instant(0))
    ]
    assert in_batches == one_by_one


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["m", "n"]), st.integers(1, 100)), max_size=40))
@settings(max_examples=150, deadline=None)
def test_firings_and_clearings_alternate_and_a_restart_in_between_changes_nothing(
    steps: list[tuple[bool, str, int]],
) -> None:
    rules = parse_rules(RULES)
    evaluator = Evaluator(rules, instant(0), grace=0)
    firing: dict[tuple[str, str], Firing] = {}
    second = 0
    for restart, device, wait in steps:
        second += wait
        if restart:
            evaluator = Evaluator(rules, instant(second), grace=0)
            assert list(evaluator.restore(firing.values(), instant(second))) == []
        reading = wind(device, second, 10 + wait % 15)
        for change in [*evaluator.tick(instant(second)), *evaluator.evaluate([reading], instant(second))]:
            key = (change.rule_id, change.device)
            if isinstance(change, Firing):
                assert key not in firing
                firing[key] = change
            else:
                del firing[key]


def test_time_in_which_the_centre_was_deaf_is_no_devices_silence() -> None:
    evaluator = Evaluator(parse_rules(RULES), instant(0), grace=0)
    evaluator.evaluate([wind("m", 10, 1.0)], instant(10))
    assert evaluator.tick(instant(40)) == []
    for _ in range(100):
        evaluator.forgive(1.0)
    assert evaluator.tick(instant(169)) == []
    assert [said(change) for change in evaluator.tick(instant(171))] == [("fires", "m")]
