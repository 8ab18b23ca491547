"""`/rules`: the alert rules in force, to be read; rules.yaml is where they are changed."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from api.parts import PartsOf
from api.problems import RefusedError
from rules.model import Rule

LIST = "rules"

router = APIRouter(prefix="/rules", tags=["incidents"])


@router.get("", operation_id="listRules", summary="List alert rules")
async def list_rules(parts: PartsOf, limit: Limit = 100, cursor: Cursor = None) -> Page[Rule]:
    """In order of id."""
    after = decode_cursor(LIST, cursor, str) or ""
    rules = sorted((rule for rule in parts.rules if rule.id > after), key=lambda rule: rule.id)
    following = encode_cursor(LIST, rules[limit - 1].id) if len(rules) > limit else None
    return Page(items=rules[:limit], next=following)


@router.get("/{rule_id}", operation_id="getRule", summary="Read an alert rule")
async def get_rule(parts: PartsOf, rule_id: Annotated[str, Path(description="The rule's id.")]) -> Rule:
    """The rule as rules.yaml has it."""
    for rule in parts.rules:
        if rule.id == rule_id:
            return rule
    raise RefusedError(404, f"There is no rule {rule_id[:100]!r}; /api/v1/rules lists them.")
