"""Which protocols and device models there are: opens a driver for a device by its profile's id."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from drivers.contract import Driver, Open
from telemetry import Device, Profile, ProfileError

PROTOCOLS = ("ais", "modbus", "mqtt_json", "nmea")
"""The modules of this room that speak a protocol; each has `open_driver`."""


class Catalogue:
    """The device models known to this installation: those shipped, then those of the site.

    A site's profile with the id of a shipped one replaces it.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.profiles: Mapping[str, Profile] = {profile.id: profile for profile in profiles}

    def profile(self, profile_id: str) -> Profile:
        """The profile with this id. Raises ProfileError, naming the nearest ids."""
        if profile_id not in self.profiles:
            near = get_close_matches(profile_id, self.profiles)
            hint = f"did you mean {' or '.join(near)}?" if near else "`haidang profiles` lists them"
            raise ProfileError(f"there is no profile {profile_id!r}; {hint}")
        return self.profiles[profile_id]

    def open_driver(self, device: Device) -> Driver:
        """A fresh driver for this device. Raises ProfileError when its profile cannot be used."""
        profile = self.profile(device.profile)
        if device.settings:
            profile = profile.model_copy(update={"settings": profile.settings | device.settings})
        return _opener(profile)(device, profile)


def load_catalogue(*site_directories: Path) -> Catalogue:
    """The shipped profiles and those in the site's directories.

    Raises ProfileError with the file's name, also for two files of one folder that share an id.
    """
    shipped: Traversable = files("drivers") / "profiles"
    profiles: dict[str, Profile] = {}
    for folder in (shipped, *site_directories):
        profiles |= _load_folder(folder)
    return Catalogue(profiles.values())


def parse_profile(text: str, file_name: str) -> Profile:
    """A profile from YAML. Raises ProfileError that names the file and every wrong key."""
    try:
        document: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProfileError(f"{file_name}: not YAML: {error}") from error
    try:
        return Profile.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ProfileError(f"{file_name}: {wrong}") from error


def _load_folder(folder: Traversable) -> dict[str, Profile]:
    profiles: dict[str, Profile] = {}
    for file in _yaml_files(folder):
        profile = parse_profile(_text(file), file.name)
        if profile.id in profiles:
            raise ProfileError(
                f"{file.name}: another file of this folder has the id {profile.id}: change one"
            )
        profiles[profile.id] = profile
    return profiles


def _yaml_files(folder: Traversable) -> list[Traversable]:
    try:
        found = [file for file in folder.iterdir() if file.name.endswith((".yaml", ".yml"))]
    except OSError as error:
        raise ProfileError(f"the profiles in {folder} cannot be read: {error}") from error
    return sorted(found, key=lambda file: file.name)


def _text(file: Traversable) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{file.name} cannot be read as UTF-8 text: {error}") from error


def _opener(profile: Profile) -> Open:
    if profile.driver not in PROTOCOLS:
        raise ProfileError(
            f"profile {profile.id}: no driver {profile.driver!r}; there are {', '.join(PROTOCOLS)}"
        )
    module: Any = import_module(f"drivers.{profile.driver}")
    return cast("Open", module.open_driver)
