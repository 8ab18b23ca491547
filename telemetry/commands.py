"""What a device can be told, a command that tells it, and the reply. The way back of a reading."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from telemetry.errors import CommandError
from telemetry.readings import Value
from telemetry.units import check_unit
from telemetry.words import Name, Title

_LONGEST_TEXT = 200
_LARGEST = 1e300


class Kind(StrEnum):
    """What an argument's value is: `number` any finite number, `whole` an integer, `flag` true or false."""

    NUMBER = "number"
    WHOLE = "whole"
    FLAG = "flag"
    TEXT = "text"
    CHOICE = "choice"


class Argument(BaseModel):
    """One thing an action needs to know.

    minimum, maximum: of a number. choices: of a choice. default: what it is when left out; an
    argument without one must be given. unit: UCUM code.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Title
    kind: Kind = Kind.NUMBER
    unit: Annotated[str, AfterValidator(check_unit)] = "1"
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    default: bool | int | float | str | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.kind is Kind.CHOICE) != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to the kind choice, and it needs some")
        if self.default is not None:
            self.check(self.default)
        return self

    def check(self, given: object) -> Value:
        """The value as its kind wants it. Raises CommandError that says what may stand there."""
        value = _as_kind(self.kind, given)
        if value is None or (self.choices and value not in self.choices) or not self._within(value):
            raise CommandError(f"{self.name} is {self._wanted()}, not {str(given)[:40]!r}")
        return value

    def _within(self, value: Value) -> bool:
        if isinstance(value, bool | str):
            return True
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return low <= value <= high

    def _wanted(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        words = {
            Kind.NUMBER: "a number",
            Kind.WHOLE: "a whole number",
            Kind.FLAG: "true or false",
            Kind.TEXT: f"text of at most {_LONGEST_TEXT} characters",
        }
        low = "" if self.minimum is None else f" from {self.minimum:g}"
        high = "" if self.maximum is None else f" up to {self.maximum:g}"
        return words[self.kind] + low + high


class Action(BaseModel):
    """Something a device can be told, by its profile or by its driver.

    write: how a driver carries it out, in the driver's own words; empty for the driver's own actions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Title
    arguments: tuple[Argument, ...] = ()
    write: dict[str, Any] = {}

    def check(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Every argument with its value, defaults filled in. Raises CommandError naming what is wrong."""
        known = {argument.name for argument in self.arguments}
        if unknown := given.keys() - known:
            takes = ", ".join(sorted(known)) or "no arguments"
            raise CommandError(f"{self.name} knows no {', '.join(sorted(unknown))[:80]}; it takes {takes}")
        values: dict[str, Value] = {}
        for argument in self.arguments:
            value = given.get(argument.name, argument.default)
            if value is None:
                raise CommandError(f"{self.name} needs {argument.name}: {argument.title.en}")
            values[argument.name] = argument.check(value)
        return values


def find_action(actions: Sequence[Action], name: str) -> Action:
    """The action of this name. Raises CommandError, naming the nearest or all there are."""
    for action in actions:
        if action.name == name:
            return action
    names = [action.name for action in actions]
    if not names:
        raise CommandError("this device takes no commands")
    near = get_close_matches(name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
    raise CommandError(f"there is no action {name[:40]!r}; {hint}")


@dataclass(frozen=True, slots=True)
class Command:
    """Tells a device to do something; arguments are checked against its Action.

    id: the correlation of its reply. expires_at: UTC nanoseconds after which it must not be sent any more.
    """

    id: str
    device: str
    action: str
    arguments: Mapping[str, Value]
    expires_at: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of a command; there is exactly one for each.

    reason: empty when it was done, else a short fixed word: `refused` (the device or its driver will
    not), `timeout` (no answer: it may have been done or not), `unsent` (the link is down or broke
    before it was sent), `expired`, `mismatch` (what was read back is not what was written).
    detail: a sentence for people. values: what the device answered, such as a position.
    """

    command: str
    device: str
    reason: str = ""
    detail: str = ""
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])

    @property
    def done(self) -> bool:
        """Whether the device did it."""
        return not self.reason


def _as_kind(kind: Kind, given: object) -> Value | None:
    if kind is Kind.FLAG:
        return given if isinstance(given, bool) else None
    if kind in (Kind.TEXT, Kind.CHOICE):
        return given if isinstance(given, str) and len(given) <= _LONGEST_TEXT else None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    if not -_LARGEST <= given <= _LARGEST:  # neither infinite nor NaN, nor an integer too large for a float
        return None
    if kind is Kind.WHOLE:
        return int(given) if given == int(given) else None
    return given
