"""A profile: what one device model says, what it can be told, and how its driver is to ask. One YAML
file each."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from telemetry.commands import Action
from telemetry.devices import Duration, Identifier
from telemetry.units import check_unit
from telemetry.words import Name, Title, check_name

RESERVED_KINDS = frozenset({"vessel", "vessel_static"})
"""Measurements the centre fills itself; those that begin with `haidang_` are the stores' own."""


def _check_kind(text: str) -> str:
    if text in RESERVED_KINDS or text.startswith("haidang_"):
        raise ValueError(
            f"{text!r} cannot be a kind: a measurement of the centre's own is called so, choose another"
        )
    return check_name(text)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metric(_Frozen):
    """One named value of a device model.

    unit: UCUM code. read: where the driver finds the value, in the driver's own words.
    """

    name: Name
    title: Title
    unit: Annotated[str, AfterValidator(check_unit)] = "1"
    read: dict[str, Any] = {}


def _spread_flags(metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    """A status word whose `read` names its bits under `flags` becomes a metric for each of them."""
    return tuple(one for metric in metrics for one in _flags_of(metric))


def _flags_of(metric: Metric) -> list[Metric]:
    flags: dict[Any, Any] | str | None = metric.read.get("flags")
    if not isinstance(flags, dict) or not flags:
        return [metric]
    read = {word: said for word, said in metric.read.items() if word != "flags"}
    spread: list[Metric] = []
    for bit, flag in flags.items():
        words: dict[str, Any] = flag if isinstance(flag, dict) else {"name": flag}
        name = str(words.get("name"))
        title = words.get("title") or {
            "en": f"{metric.title.en}: {name.replace('_', ' ')}",
            "vi": f"{metric.title.vi}: {name.replace('_', ' ')}",
        }
        fields = {"name": f"{metric.name}_{name}", "title": title, "read": read | {"bit": bit}}
        spread.append(Metric.model_validate(fields))
    return spread


_Named = TypeVar("_Named", Metric, Action)


def _check_distinct(named: tuple[_Named, ...]) -> tuple[_Named, ...]:
    names = [one.name for one in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two are called {', '.join(twice)}: give each a name of its own")
    return named


class Profile(_Frozen):
    """A device model.

    driver: the protocol's module in drivers/. kind: the measurement its readings become.
    every: default poll period in seconds (None for a listener).
    settings: what holds for the whole device, in the driver's own words.
    source: the public document the description was taken from.
    actions: what the device can be told, beside what its driver offers for every model.
    announces: whether such devices say values by names of their own, which `metrics` cannot list.
    metrics: a status word with `flags` in its `read` stands here as one metric a flag, named
    <metric>_<flag>, so that stores, rules and boards know each by its name.
    """

    id: Identifier
    title: Title
    driver: str
    kind: Annotated[str, AfterValidator(_check_kind)]
    every: Duration | None = None
    source: str = ""
    announces: bool = False
    settings: dict[str, Any] = {}
    metrics: Annotated[
        tuple[Metric, ...], AfterValidator(_spread_flags), AfterValidator(_check_distinct)
    ] = ()
    actions: Annotated[tuple[Action, ...], AfterValidator(_check_distinct)] = ()
