"""A rule as its author writes it in rules.yaml: a condition, how much it matters and who is told."""

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from telemetry import Severity, Title, Value
from telemetry.devices import Duration, Identifier
from telemetry.words import Name


def _devices(value: object) -> object:
    if value == "*":
        return None
    return (value,) if isinstance(value, str) else value


Watched = Annotated[Annotated[tuple[Identifier, ...], Field(min_length=1)] | None, BeforeValidator(_devices)]
"""The devices a condition is about: an id, a list of ids, or `"*"` (None here) for every one."""

Limit = Annotated[float, Field(allow_inf_nan=False)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Threshold(_Frozen):
    """A metric above or below a limit, for some time; it clears only beyond the second limit.

    holds: seconds between the readings (by `observed_at`) that must all be beyond the limit.
    """

    kind: Name
    metric: Name
    device: Watched = None
    above: Limit | None = None
    below: Limit | None = None
    clear_below: Limit | None = None
    clear_above: Limit | None = None
    holds: Duration | None = Field(default=None, alias="for")

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("write one of above and below")
        if self.clear_below is not None and (self.above is None or self.clear_below > self.above):
            raise ValueError("clear_below goes with above and is not higher than it")
        if self.clear_above is not None and (self.below is None or self.clear_above < self.below):
            raise ValueError("clear_above goes with below and is not lower than it")
        return self

    def breaks(self, value: float) -> bool:
        """Whether the value is beyond the limit."""
        return (self.above is not None and value > self.above) or (
            self.below is not None and value < self.below
        )

    def clears(self, value: float) -> bool:
        """Whether the value ends a firing."""
        if self.clear_below is not None:
            return value < self.clear_below
        if self.clear_above is not None:
            return value > self.clear_above
        return not self.breaks(value)


class Silence(_Frozen):
    """A device from which nothing arrived at the centre for `after` seconds, by the centre's clock."""

    device: Watched = None
    after: Duration


class Stale(_Frozen):
    """The condition `stale: {device: …, after: …}`."""

    stale: Silence


def _condition(value: object) -> str:
    """Which kind of condition was written; the tags are not keys, so that no error names them."""
    stale = isinstance(value, Stale) or (isinstance(value, dict) and "stale" in value)
    return "<stale>" if stale else "<threshold>"


Condition = Annotated[
    Annotated[Threshold, Tag("<threshold>")] | Annotated[Stale, Tag("<stale>")],
    Discriminator(_condition),
]


class Rule(_Frozen):
    """A rule. notify: the ids of contacts in the configuration; none makes an incident without a message."""

    id: Identifier
    title: Title
    severity: Severity = Severity.WARNING
    when: Condition
    notify: tuple[Identifier, ...] = ()


def number(value: Value | None) -> float | None:
    """The value as a number, truth values as 0 and 1; None for a text or nothing."""
    return None if value is None or isinstance(value, str) else float(value)
