"""Conditions on a message: whether it is this device's, and whether it answers a command."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate

from drivers.mqtt_json.paths import Step, parse_path, scalar_text, walk
from drivers.mqtt_json.words import Where


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, ready to be asked of documents."""

    steps: tuple[Step, ...]
    holds: Callable[[object], bool]


def conditions(wheres: Sequence[Where], fill: Callable[[str], str] = str) -> tuple[Condition, ...]:
    """The conditions with their names put in. Raises ValueError for a path that cannot be read."""
    return tuple(Condition(parse_path(where.path, fill), _asks(where, fill)) for where in wheres)


def all_hold(asked: Sequence[Condition], document: object) -> bool:
    """Whether the document fulfils every one."""
    return all(one.holds(walk(document, one.steps)) for one in asked)


def _asks(where: Where, fill: Callable[[str], str]) -> Callable[[object], bool]:
    if where.exists is not None:
        return lambda found: (found is not None) is where.exists
    if where.like:
        pattern = re.compile(translate(fill(where.like)))
        return lambda found: pattern.match(scalar_text(found) or "") is not None
    if where.has is not None:
        wanted = fill(scalar_text(where.has) or "")
        return lambda found: isinstance(found, list) and any(scalar_text(one) == wanted for one in found)
    listed = where.one_of if where.equals is None else (where.equals,)
    texts = {fill(scalar_text(one) or "") for one in listed}
    return lambda found: scalar_text(found) in texts
