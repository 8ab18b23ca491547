"""The rules in the manual are rules."""

import re
from pathlib import Path

from rules import parse_rules


def test_the_rules_in_the_manual_are_read_as_they_stand_there() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text("utf-8")
    block = re.search(r"```yaml\n(.*?)```", manual, re.DOTALL)
    assert block is not None
    rules = parse_rules(block[1], contacts=["duty"])
    assert [rule.id for rule in rules] == ["high-wind", "radar-silent"]
