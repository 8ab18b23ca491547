"""Rules from the text of rules.yaml; every mistake is named with its line, its rule and its key."""

from collections.abc import Collection, Iterator
from typing import Any, cast

from pydantic import ValidationError

from rules.model import Rule
from telemetry import ConfigurationError
from telemetry.documents import Document, named, read_document, wrong_keys


def parse_rules(
    text: str, file: str = "rules.yaml", contacts: Collection[str] | None = None
) -> tuple[Rule, ...]:
    """The rules in their order. Every scalar is taken as text first, so `no` and `1:30` mean themselves.

    contacts: the ids that `notify` may name; None leaves them unchecked.
    Raises ConfigurationError with one line for every mistake: file, line, column, rule, key, what is wrong.
    """
    document = read_document(text, file, typed=False)
    content = document.content
    if not isinstance(content, dict) or set(content) != {"rules"} or not isinstance(content["rules"], list):
        raise ConfigurationError(f"{file}:1:1: write one key, rules, with a list of rules below it")
    rules, mistakes = _check_rules(content["rules"], document)
    mistakes += document.repeated + list(_contradictions(rules, document, contacts))
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    return tuple(rules.values())


def _check_rules(items: list[object], document: Document) -> tuple[dict[int, Rule], list[str]]:
    rules: dict[int, Rule] = {}
    mistakes: list[str] = []
    for index, item in enumerate(items):
        try:
            rules[index] = Rule.model_validate(item)
        except ValidationError as error:
            name = cast("dict[str, Any]", item).get("id") if isinstance(item, dict) else None
            rule = f"rule {name}" if isinstance(name, str) else f"rule number {index + 1}"
            for place, what in wrong_keys(error, Rule.model_fields):
                where = document.where(("rules", index, *place))
                mistakes.append(f"{where}: {rule}: {named(place, what)}")
    return rules, mistakes


def _contradictions(
    rules: dict[int, Rule], document: Document, contacts: Collection[str] | None
) -> Iterator[str]:
    seen: set[str] = set()
    for index, rule in rules.items():
        if rule.id in seen:
            yield f"{document.where(('rules', index, 'id'))}: another rule is called {rule.id} too"
        seen.add(rule.id)
        for contact in rule.notify:
            if contacts is not None and contact not in contacts:
                place = document.where(("rules", index, "notify"))
                known = ", ".join(sorted(contacts)) or "none"
                yield f"{place}: rule {rule.id}: notify: there is no contact {contact}; known: {known}"
