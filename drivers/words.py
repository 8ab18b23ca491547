"""What a profile says in its driver's own words, checked: `settings` and each metric's `read`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from telemetry import Action, Metric, Profile, ProfileError
from telemetry.documents import named, wrong_keys


class Words(BaseModel):
    """What a driver's settings and its ways to read a metric are made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A driver's own words in a profile; each protocol's module has one, called VOCABULARY.

    settings: of the whole device. read: of a metric. write: of an action.
    """

    settings: type[Words] = Words
    read: type[Words] = Words
    write: type[Words] = Words


W = TypeVar("W", bound=Words)
T = TypeVar("T")
MOST_KEPT = 256
"""Profiles of which it is kept what was made of them."""


def once_a_profile(make: Callable[[Profile], T]) -> Callable[[Profile], T]:
    """Keeps what is made of a profile for all the devices of the model: no driver may change it."""
    kept: dict[int, tuple[Profile, T]] = {}  # by identity; the profile kept beside it keeps its id its own

    def made(profile: Profile) -> T:
        found = kept.get(id(profile))
        if found is None:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            found = kept[id(profile)] = profile, make(profile)
        return found[1]

    return made


def several(given: Any) -> Any:
    """Lets one text stand for a list of one: `Annotated[tuple[str, ...], BeforeValidator(several)]`."""
    return (given,) if isinstance(given, str) else given


def settings_of(profile: Profile, model: type[W]) -> W:
    """The profile's settings. Raises ProfileError that names the profile and every wrong key."""
    return _checked(model, profile.settings, f"profile {profile.id}: settings")


def read_of(profile: Profile, metric: Metric, model: type[W]) -> W:
    """How this metric is read. Raises ProfileError that names profile, metric and every wrong key."""
    return _checked(model, metric.read, place(profile, metric) + ": read")


def write_of(profile: Profile, action: Action, model: type[W]) -> W:
    """How this action is carried out. Raises ProfileError that names profile, action and every wrong key."""
    return _checked(model, action.write, f"profile {profile.id}: action {action.name}: write")


def place(profile: Profile, metric: Metric) -> str:
    """Where in which profile something is wrong, as every driver begins its message."""
    return f"profile {profile.id}: metric {metric.name}"


def _checked(model: type[W], words: Mapping[str, Any], where: str) -> W:
    try:
        return model.model_validate(words)
    except ValidationError as error:
        wrong = "; ".join(named(*mistake) for mistake in wrong_keys(error, model.model_fields))
        raise ProfileError(f"{where}: {wrong}") from error
