"""Everything that can be known to be wrong with a profile, in its driver's words too, each with its line."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import ValidationError

from drivers.catalogue import PROTOCOLS, open_driver, read_folder, read_text, vocabulary
from drivers.profile_files import Draft, read_profiles
from drivers.words import Words
from telemetry import Device, Profile, ProfileError
from telemetry.documents import Path, named, wrong_keys

SAMPLE_LINKS = (
    "tcp://127.0.0.1:502",
    "serial:///dev/ttyUSB0?baudrate=9600",
    "udp://127.0.0.1:52381",
    "mqtt:site/device",
    "onvif://127.0.0.1/",
)
"""Links of a device that is opened on trial only; a driver accepts one of them."""

_PLACE = re.compile(r"profile [a-z0-9-]+: (?:(metric|action) ([a-z0-9_]+)|(settings))(?:: |, )")
_UNITLESS = ("enum", "bit")


def mistakes_of(draft: Draft) -> list[str]:
    """One line, `file:line:column: what is wrong and what to do`, for every mistake of one profile."""
    try:
        profile = draft.profile()
    except ProfileError as error:
        return str(error).splitlines()
    if profile.driver not in PROTOCOLS:
        near = get_close_matches(profile.driver, PROTOCOLS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(PROTOCOLS)}"
        return [draft.at(("driver",), f"driver: there is no driver {profile.driver[:40]!r}; {hint}")]
    mistakes = [*_worded(draft, profile), *_unused_units(draft, profile)]
    return mistakes or ([] if draft.abstract else list(_opened(draft, profile)))


def _worded(draft: Draft, profile: Profile) -> Iterator[str]:
    words = vocabulary(profile.driver)
    yield from _words(draft, ("settings",), profile.settings, words.settings)
    for index, metric in enumerate(profile.metrics):
        yield from _words(draft, ("metrics", index, "read"), metric.read, words.read)
    for index, action in enumerate(profile.actions):
        yield from _words(draft, ("actions", index, "write"), action.write, words.write)


def _words(draft: Draft, base: Path, said: Mapping[str, Any], model: type[Words]) -> Iterator[str]:
    try:
        model.model_validate(said)
    except ValidationError as error:
        for place, text in wrong_keys(error, model.model_fields):
            yield draft.at((*base, *place), named((base[-1], *place), text))


def _unused_units(draft: Draft, profile: Profile) -> Iterator[str]:
    for index, metric in enumerate(profile.metrics):
        read = metric.read
        textual = any(key in read for key in _UNITLESS) or read.get("type") in {"text", "boolean", "string"}
        if textual and metric.unit != "1":
            what = (
                f"unit: {metric.unit} is never used, since the value is a text or true or false; leave it out"
            )
            yield draft.at(("metrics", index, "unit"), what)


def _opened(draft: Draft, profile: Profile) -> Iterator[str]:
    """What the driver itself says, for a device on the first kind of link that it accepts."""
    told = ""
    for link in SAMPLE_LINKS:
        try:
            open_driver(Device(id="sample", profile=profile.id, link=link), profile)
        except ProfileError as error:
            told = told or str(error)
        else:
            return
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
