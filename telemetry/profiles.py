"""A profile: what one device model says and how its driver is to ask. One YAML file each."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from telemetry.devices import Duration, Identifier
from telemetry.units import DISPLAY

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
RESERVED_NAMES = frozenset({"time", "device", "gateway", "site", "mmsi", "quality", "received_at"})
"""Names the stores use themselves."""
RESERVED_KINDS = frozenset({"vessel", "vessel_static"})
"""Measurements the centre fills itself; those that begin with `haidang_` are the stores' own."""


def check_name(text: str) -> str:
    """A metric's or a kind's name unchanged; raises ValueError where the stores could not carry it."""
    if not _NAME.fullmatch(text) or text in RESERVED_NAMES:
        raise ValueError(
            f"{text!r} cannot be a name here: use lower-case letters, digits and _, starting with a letter, "
            f"and none of {', '.join(sorted(RESERVED_NAMES))}"
        )
    return text


def _check_kind(text: str) -> str:
    if text in RESERVED_KINDS or text.startswith("haidang_"):
        raise ValueError(
            f"{text!r} cannot be a kind: a measurement of the centre's own is called so, choose another"
        )
    return check_name(text)


def _check_unit(code: str) -> str:
    if code not in DISPLAY:
        raise ValueError(
            f"unit {code!r} is not known: write its UCUM code, one of {', '.join(sorted(DISPLAY))}"
        )
    return code


Name = Annotated[str, AfterValidator(check_name)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(_Frozen):
    """What a person reads, in both languages of the port."""

    en: str
    vi: str


class Metric(_Frozen):
    """One named value of a device model.

    unit: UCUM code. read: where the driver finds the value, in the driver's own words.
    """

    name: Name
    title: Title
    unit: Annotated[str, AfterValidator(_check_unit)] = "1"
    read: dict[str, Any] = {}


def _check_distinct(metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    names = [metric.name for metric in metrics]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two metrics are called {', '.join(twice)}: give each a name of its own")
    return metrics


class Profile(_Frozen):
    """A device model.

    driver: the protocol's module in drivers/. kind: the measurement its readings become.
    every: default poll period in seconds (None for a listener).
    settings: what holds for the whole device, in the driver's own words.
    source: the public document the description was taken from.
    """

    id: Identifier
    title: Title
    driver: str
    kind: Annotated[str, AfterValidator(_check_kind)]
    every: Duration | None = None
    source: str = ""
    settings: dict[str, Any] = {}
    metrics: Annotated[tuple[Metric, ...], AfterValidator(_check_distinct)] = ()
