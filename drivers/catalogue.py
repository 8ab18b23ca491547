"""Which protocols and device models there are: opens a driver for a device by its profile's id."""

from collections.abc import Iterable, Mapping
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
            known = ", ".join(sorted(self.profiles))
            raise ProfileError(f"there is no profile {profile_id!r}; known are {known}")
        return self.profiles[profile_id]

    def open_driver(self, device: Device) -> Driver:
        """A fresh driver for this device. Raises ProfileError when its profile cannot be used."""
        profile = self.profile(device.profile)
        return _opener(profile)(device, profile)


def load_catalogue(*site_directories: Path) -> Catalogue:
    """The shipped profiles and those in the site's directories. Raises ProfileError with the file's name."""
    shipped: Traversable = files("drivers") / "profiles"
    sources: list[Traversable] = [shipped, *site_directories]
    return Catalogue(parse_profile(file.read_text("utf-8"), file.name) for file in _yaml_files(sources))


def parse_profile(text: str, file_name: str) -> Profile:
    """A profile from YAML. Raises ProfileError that names the file and every wrong key."""
    try:
        return Profile.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ProfileError(f"{file_name}: not YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ProfileError(f"{file_name}: {wrong}") from error


def _yaml_files(sources: Iterable[Traversable]) -> Iterable[Traversable]:
    for source in sources:
        yield from sorted((f for f in source.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)


def _opener(profile: Profile) -> Open:
    if profile.driver not in PROTOCOLS:
        raise ProfileError(
            f"profile {profile.id}: no driver {profile.driver!r}; there are {', '.join(PROTOCOLS)}"
        )
    module: Any = import_module(f"drivers.{profile.driver}")
    return cast("Open", module.open_driver)
