"""Everything that can be known to be wrong with a profile, in its driver's words too, each with its line."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, cast

from pydantic import ValidationError

from drivers.catalogue import PROTOCOLS, links_of, open_driver, read_folder, read_text, vocabulary
from drivers.profile_files import Draft, read_profiles
from drivers.schemes import EXAMPLES
from drivers.words import Words
from telemetry import Device, Profile, ProfileError
from telemetry.documents import Path, named, wrong_keys

_PLACE = re.compile(r"profile [a-z0-9-]+: (?:(metric|action) ([a-z0-9_]+)|(settings))(?:: |, )")
_UNITLESS = ("enum", "bit")


def mistakes_of(draft: Draft) -> list[str]:
    """One line, `file:line:column: what is wrong and what to do`, for every mistake of one profile."""
    profile, mistakes = _profile(draft)
    driver = draft.content.get("driver")
    if not isinstance(driver, str) or driver not in PROTOCOLS:
        near = get_close_matches(str(driver), PROTOCOLS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(PROTOCOLS)}"
        told = draft.at(("driver",), f"driver: there is no driver {str(driver)[:40]!r}; {hint}")
        return [*mistakes, told] if "driver" in draft.content else mistakes
    mistakes += _worded(draft, driver)
    mistakes += _unused_units(draft)
    return list(_opened(draft, profile)) if profile and not mistakes and not draft.abstract else mistakes


def _profile(draft: Draft) -> tuple[Profile | None, list[str]]:
    try:
        return draft.profile(), []
    except ProfileError as error:
        return None, str(error).splitlines()


def _worded(draft: Draft, driver: str) -> Iterator[str]:
    """What is wrong in the driver's own words, also where the profile itself is not right yet."""
    words = vocabulary(driver)
    yield from _words(draft, ("settings",), draft.content.get("settings", {}), words.settings)
    for index, metric in _items(draft, "metrics"):
        yield from _words(draft, ("metrics", index, "read"), metric.get("read", {}), words.read)
    for index, action in _items(draft, "actions"):
        yield from _words(draft, ("actions", index, "write"), action.get("write", {}), words.write)


def _items(draft: Draft, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for index, item in enumerate(draft.content.get(key, ())):
        if isinstance(item, dict):
            yield index, cast("dict[str, Any]", item)


def _words(draft: Draft, base: Path, said: object, model: type[Words]) -> Iterator[str]:
    if not isinstance(said, dict):
        return  # told already
    try:
        model.model_validate(said)
    except ValidationError as error:
        for place, text in wrong_keys(error, model.model_fields):
            yield draft.at((*base, *place), named((base[-1], *place), text))


def _unused_units(draft: Draft) -> Iterator[str]:
    for index, metric in _items(draft, "metrics"):
        read, unit = metric.get("read"), metric.get("unit", "1")
        if not isinstance(read, dict):
            continue
        textual = any(key in read for key in _UNITLESS) or read.get("type") in {"text", "boolean", "string"}
        if textual and unit != "1":
            what = f"unit: {unit} is never used, since the value is a text or true or false; leave it out"
            yield draft.at(("metrics", index, "unit"), what)


def _opened(draft: Draft, profile: Profile) -> Iterator[str]:
    """What the driver itself says, for a device on its most usual link."""
    link = EXAMPLES[links_of(profile.driver)[0]]
    try:
        open_driver(Device(id="sample", profile=profile.id, link=link), profile)
    except ProfileError as error:
        told = str(error)
        match = _PLACE.match(told)
        yield draft.at(_named_place(profile, match), told[match.end() :] if match else told)


def _named_place(profile: Profile, match: re.Match[str] | None) -> Path:
    """Where the metric or action stands that a driver's message begins with."""
    if match is None:
        return ()
    if match[3]:
        return ("settings",)
    items = profile.metrics if match[1] == "metric" else profile.actions
    names = [item.name for item in items]
    return (f"{match[1]}s", names.index(match[2])) if match[2] in names else ()


def check_folder(folder: Traversable, only: Traversable | None = None) -> tuple[int, list[str]]:
    """How many profiles a site's folder has, and one line for every mistake in them.

    only: the one file of the folder that is wanted; its neighbours are read for what it inherits.
    Raises ProfileError for a folder that cannot be read.
    """
    shipped, _ = read_profiles(read_folder(files("drivers") / "profiles"), {})
    texts = read_folder(folder) if only is None else [(str(only), read_text(only))]
    if only is not None:
        beside = [one for one in read_folder(folder) if one[0] != str(only)]
        shipped |= read_profiles(beside, shipped)[0]
    drafts, mistakes = read_profiles(texts, shipped)
    for draft in drafts.values():
        mistakes += mistakes_of(draft)
    return len(drafts), sorted(dict.fromkeys(mistakes), key=_by_line)


def _by_line(mistake: str) -> tuple[str, int, int]:
    match = re.match(r"(.*?):([0-9]+):([0-9]+): ", mistake)
    return (match[1], int(match[2]), int(match[3])) if match else (mistake, 0, 0)
