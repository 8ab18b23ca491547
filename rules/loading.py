"""Rules from the text of rules.yaml; every mistake is named with its line, its rule and its key."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from pydantic import ValidationError

from rules.model import Rule
from telemetry import ConfigurationError

_DEEPEST = 20
Path = tuple[str | int, ...]


def parse_rules(
    text: str, file: str = "rules.yaml", contacts: Collection[str] | None = None
) -> tuple[Rule, ...]:
    """The rules in their order. Every scalar is taken as text first, so `no` and `1:30` mean themselves.

    contacts: the ids that `notify` may name; None leaves them unchecked.
    Raises ConfigurationError with one line for every mistake: file, line, rule, key, what is wrong.
    """
    document = _Document(file)
    content = document.read(text)
    if not isinstance(content, dict) or set(content) != {"rules"} or not isinstance(content["rules"], list):
        raise ConfigurationError(f"{file}:1: write one key, rules, with a list of rules below it")
    rules, mistakes = _check_rules(content["rules"], document)
    mistakes += document.repeated + list(_contradictions(rules, document, contacts))
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    return tuple(rules.values())


@dataclass
class _Document:
    """YAML as plain lists, dicts and texts, with the line of every key and item."""

    file: str
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    repeated: list[str] = field(default_factory=list[str])

    def read(self, text: str) -> object:
        try:
            node: yaml.Node | None = yaml.compose(text, Loader=_PlainLoader)
            return None if node is None else self._plain(node, ())
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigurationError(f"{self.file}:{line}: not YAML: {error.problem}") from error
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            raise ConfigurationError(f"{self.file}:1: not YAML: {error}") from error
        except RecursionError as error:
            raise ConfigurationError(f"{self.file}:1: nested too deeply to be rules") from error

    def _plain(self, node: yaml.Node, path: Path) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > _DEEPEST:
            raise ConfigurationError(f"{self.where(path)}: nested too deeply to be rules")
        if isinstance(node, yaml.MappingNode):
            return dict(self._entries(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*path, index)) for index, item in enumerate(node.value)]
        return cast("str", node.value)

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, object]]:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                raise ConfigurationError(f"{self.file}:{line}: a key is a word, not a list or a mapping")
            inner = (*path, cast("str", key.value))
            line = key.start_mark.line + 1
            if inner in self.lines:
                self.repeated.append(f"{self.file}:{line}: key {key.value!r} is written twice; keep one")
            self.lines[inner] = line
            yield str(inner[-1]), self._plain(value, inner)

    def where(self, path: Path) -> str:
        """File and line of this place, or of the nearest around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return f"{self.file}:{self.lines.get(path, 1)}"


class _PlainLoader(yaml.BaseLoader):
    """Without aliases: nobody needs them here, and a few of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not used here", problem_mark=self.get_mark()
            )
        return super().compose_node(parent, index)


def _check_rules(items: list[object], document: _Document) -> tuple[dict[int, Rule], list[str]]:
    rules: dict[int, Rule] = {}
    mistakes: list[str] = []
    for index, item in enumerate(items):
        try:
            rules[index] = Rule.model_validate(item)
        except ValidationError as error:
            name = cast("dict[str, Any]", item).get("id") if isinstance(item, dict) else None
            rule = f"rule {name}" if isinstance(name, str) else f"rule number {index + 1}"
            mistakes += [_mistake(each, ("rules", index), rule, document) for each in error.errors()]
    return rules, mistakes


def _mistake(error: Any, base: Path, rule: str, document: _Document) -> str:
    keys: Path = tuple(key for key in error["loc"] if not str(key).startswith("<"))
    key = ".".join(map(str, keys)) or "rule"
    wording = {"extra_forbidden": "is not a key here", "missing": "is missing"}
    what = wording.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{document.where((*base, *keys))}: {rule}: {key}: {what}"


def _contradictions(
    rules: dict[int, Rule], document: _Document, contacts: Collection[str] | None
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
