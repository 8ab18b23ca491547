"""Paths into a JSON document: `wind.speed`, `sensors[0].temp`, `sensors[id=quay].temp`, `/a~1b/0`.

Keys and list positions are joined by dots; a list position may also stand in brackets, and `[key=value]`
takes the first element of a list whose key has that value. A path that begins with `/` is a JSON pointer
(RFC 6901). The empty path is the document itself.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry import Value

_BRACKET = re.compile(r"([^\[\]]*)((?:\[[^\[\]]*\])*)")
_WITHIN = re.compile(r"\[([^\[\]]*)\]")
_DOTS = re.compile(r"((?:[^.\[\]]|\[[^\[\]]*\])*)(\.|$)")
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Element:
    """The first element of a list whose `key` has this value."""

    key: str
    value: str


Step = str | Element


def parse_path(path: str, fill: Callable[[str], str] = str) -> tuple[Step, ...]:
    """The steps of a path.

    fill: what is done with each step's text, such as putting in a device's own name; the text it gives is
    one step, whatever it contains. Raises ValueError for a path that cannot be read.
    """
    if not path:
        return ()
    if len(path) > _LONGEST:
        raise ValueError(f"a path of {len(path)} characters, at most {_LONGEST} are read")
    if path.startswith("/"):
        return tuple(fill(part.replace("~1", "/").replace("~0", "~")) for part in path[1:].split("/"))
    return tuple(step for part in _parts(path) for step in _steps(path, part, fill))


def walk(document: object, steps: Sequence[Step]) -> object:
    """What stands at the end of the path; None where nothing does or null."""
    here: Any = document
    for step in steps:
        if isinstance(step, Element):
            here = _element(here, step)
        elif isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isascii() and step.isdecimal() and len(step) < 7:
            here = here[int(step)] if int(step) < len(here) else None
        else:
            return None
    return here


def scalar_text(found: object) -> str | None:
    """A text, number or truth value as it stands in JSON; None for anything else."""
    if isinstance(found, str):
        return found
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float) and found.is_integer() and abs(found) < 1e15:
        return str(int(found))
    if isinstance(found, int | float):
        return str(found) if not isinstance(found, int) or found.bit_length() < 1000 else None
    return None


def shown(found: object) -> str:
    """A value for a message, short whatever was sent."""
    if isinstance(found, dict | list):
        return f"a {type(found).__name__}"
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, int) and found.bit_length() > 64:
        return "a huge number"
    return repr(found)[:48]


def scalar(found: object) -> Value | None:
    """The value itself where it is one; numbers too large for a 64-bit float and everything else are None."""
    if isinstance(found, str):
        return found[:200]
    if isinstance(found, bool | float):
        return found
    return found if isinstance(found, int) and found.bit_length() <= 53 else None


def _parts(path: str) -> list[str]:
    """The path cut at the dots that stand outside brackets."""
    parts: list[str] = []
    place = 0
    while place <= len(path):
        match = _DOTS.match(path, place)
        if match is None:
            raise ValueError(
                f"{path!r} is not a path: brackets hold a position or key=value, as in a[id=3].b"
            )
        parts.append(match[1])
        place = match.end() + (0 if match[2] else 1)
    return parts


def _steps(path: str, part: str, fill: Callable[[str], str]) -> list[Step]:
    match = _BRACKET.fullmatch(part)
    if match is None:
        raise ValueError(f"{path!r} is not a path: brackets stand behind a key, as in a[id=3].b")
    name, brackets = match.groups()
    steps: list[Step] = [fill(name)] if name or not brackets else []
    for inner in _WITHIN.findall(brackets):
        key, equals, value = inner.partition("=")
        steps.append(Element(key.strip(), fill(value.strip().strip("'\""))) if equals else fill(inner))
    return steps


def _element(here: object, wanted: Element) -> object:
    if not isinstance(here, list):
        return None
    for one in here:
        if isinstance(one, dict) and scalar_text(one.get(wanted.key)) == wanted.value:
            return one
    return None
