"""The value templates of Home Assistant's MQTT discovery that are plain enough to be read here.

`{{ value }}` or `{{ value_json.a['b'][0] }}`, behind it filters such as `| float(0) | round(1)`, then at most
one `* 0.1`. Everything else is refused by its name: a template is a program, and nobody runs programs that
come over a topic.
Source: Home Assistant documentation, MQTT, value_template; Jinja, expressions.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from drivers.mqtt_json.paths import Step, scalar_text, walk
from drivers.mqtt_json.payloads import PayloadError
from drivers.mqtt_json.values import number

_LONGEST = 500
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_TEMPLATE = re.compile(
    r"\s*\{\{-?\s*(?P<value>value(?:_json)?)(?P<path>(?:\.\w+|\[[^\[\]]*\])*)"
    r"(?P<filters>(?:\s*\|\s*\w+(?:\([^()]*\))?)*)"
    rf"\s*(?:(?P<sign>[*/+-])\s*(?P<operand>{_NUMBER}))?\s*-?\}}\}}\s*"
)
_STEP = re.compile(r"\.(\w+)|\[\s*(?:'([^']*)'|\"([^\"]*)\"|([0-9]+))\s*\]")
_FILTER = re.compile(r"\|\s*(\w+)(?:\(([^()]*)\))?")
_ABSENT = frozenset({"", "none", "null", "unknown", "unavailable"})

Transform = Callable[[object], object]


class TemplateError(ValueError):
    """A template that is not one of those read here; its text says which."""


@dataclass(frozen=True, slots=True)
class Template:
    """Where the value is and what becomes of it. steps: None for the payload as it is."""

    steps: tuple[Step, ...] | None
    transforms: tuple[Transform, ...]

    def value(self, document: object) -> object:
        """The value in a payload; None where there is none. Raises PayloadError for a wrong form."""
        found = document if self.steps is None else walk(document, self.steps)
        for transform in self.transforms:
            found = transform(found)
        return None if (scalar_text(found) or "x").strip().lower() in _ABSENT or found == "" else found


def parse_template(text: str) -> Template:
    """Raises TemplateError that names the template."""
    if not text.strip():
        return Template(None, ())
    match = _TEMPLATE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise TemplateError(f"the template {text[:120]!r} is more than a value with filters")
    steps = tuple(_steps(match["path"], text)) if match["value"] == "value_json" else None
    if steps is None and match["path"]:
        raise TemplateError(f"the template {text[:120]!r} takes a part of a text")
    transforms = [_filter(name, given, text) for name, given in _FILTER.findall(match["filters"])]
    if match["sign"]:
        transforms.append(_arithmetic(match["sign"], float(match["operand"])))
    return Template(steps, tuple(transforms))


def _steps(path: str, text: str) -> list[Step]:
    steps: list[Step] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            raise TemplateError(f"the template {text[:120]!r} leads along a path that is not read here")
        steps.append(next(one for one in match.groups() if one is not None))
        place = match.end()
    return steps


def _filter(name: str, given: str, text: str) -> Transform:
    argument = given.strip()
    literal = re.fullmatch(rf"{_NUMBER}|'[^']*'|\"[^\"]*\"|true|false|none", argument, re.IGNORECASE)
    if argument and literal is None:
        raise TemplateError(f"the template {text[:120]!r} has the filter {name}({argument[:40]})")
    plain = argument.strip("'\"")
    if name in {"float", "int", "round"}:
        return _numeric(name, plain)
    if name == "default" and argument:
        return lambda found: plain if found is None else found
    if name in {"is_defined", "string"} and not argument:
        return lambda found: found
    if name in {"lower", "upper", "trim"} and not argument:
        return lambda found: _changed(name, found) if isinstance(found, str) else found
    raise TemplateError(f"the template {text[:120]!r} has the filter {name}, which is not read here")


def _changed(name: str, found: str) -> str:
    if name == "trim":
        return found.strip()
    return found.lower() if name == "lower" else found.upper()


def _numeric(name: str, argument: str) -> Transform:
    if name == "round":
        digits = int(argument) if argument.isdecimal() and len(argument) < 3 else 0
        return lambda found: None if found is None else round(number(found), digits)
    fallback = float(argument) if re.fullmatch(_NUMBER, argument) else None

    def convert(found: object) -> object:
        try:
            value = number(found)
        except PayloadError:
            return fallback
        return int(value) if name == "int" else value

    return convert


def _arithmetic(sign: str, operand: float) -> Transform:
    def calculate(found: object) -> object:
        if found is None:
            return None
        value = number(found)
        if sign == "/":
            return value / operand if operand else None
        return {"*": value * operand, "+": value + operand, "-": value - operand}[sign]

    return calculate
