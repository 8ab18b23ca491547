"""`/rules`: the alert rules in force, to be read; rules.yaml is where they are changed."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from api.parts import PartsOf
from api.problems import RefusedError
from api.shapes import Shown
from rules.model import Rule
from telemetry import Severity, Title

LIST = "rules"

router = APIRouter(prefix="/rules", tags=["incidents"])


class RuleShape(Shown):
    """An alert rule. when: its condition, in the words of rules.yaml; durations in seconds."""

    id: str
    title: Title
    severity: Severity
    when: Mapping[str, Any]
    notify: Sequence[str]


@router.get("", operation_id="listRules", summary="List alert rules")
async def list_rules(parts: PartsOf, limit: Limit = 100, cursor: Cursor = None) -> Page[RuleShape]:
    """In order of id."""
    after = decode_cursor(LIST, cursor, str) or ""
    rules = sorted((rule for rule in parts.rules if rule.id > after), key=lambda rule: rule.id)
    following = encode_cursor(LIST, rules[limit - 1].id) if len(rules) > limit else None
    return Page(items=[_shape(rule) for rule in rules[:limit]], next=following)


@router.get("/{rule_id}", operation_id="getRule", summary="Read an alert rule")
async def get_rule(parts: PartsOf, rule_id: Annotated[str, Path(description="The rule's id.")]) -> RuleShape:
    """The rule as rules.yaml has it."""
    for rule in parts.rules:
        if rule.id == rule_id:
            return _shape(rule)
    raise RefusedError(404, f"There is no rule {rule_id[:100]!r}; /api/v1/rules lists them.")


def _shape(rule: Rule) -> RuleShape:
    when = rule.when.model_dump(mode="json", by_alias=True, exclude_none=True)
    return RuleShape(id=rule.id, title=rule.title, severity=rule.severity, when=when, notify=rule.notify)
