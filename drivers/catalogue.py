"""Which protocols and device models there are: opens a driver for a device by its profile's id."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, cast

from drivers.contract import Driver, Open
from drivers.profile_files import Draft, read_profiles
from drivers.schemes import check_link
from drivers.words import MOST_KEPT, Vocabulary
from telemetry import Device, Profile, ProfileError
from telemetry.documents import LARGEST

PROTOCOLS: Mapping[str, str] = {
    "ais": "drivers.ais",
    "ascii_line": "drivers.ascii_line.driver",
    "binary_frame": "drivers.binary_frame.driver",
    "home_assistant": "drivers.home_assistant.driver",
    "modbus": "drivers.modbus.driver",
    "mqtt_json": "drivers.mqtt_json.driver",
    "nmea": "drivers.nmea.driver",
    "onvif": "drivers.onvif.driver",
    "pelco": "drivers.pelco.driver",
    "sparkplug": "drivers.sparkplug.driver",
    "visca": "drivers.visca.driver",
}
"""What a profile may name as its driver → the module that speaks it: `open_driver`, `VOCABULARY`, `LINKS`."""


class Catalogue:
    """The device models known to this installation: those shipped, then those of the site.

    A site's profile with the id of a shipped one replaces it. drafts: every profile with the lines it was
    read from, families (`abstract: true`) among them, which no device can use.
    """

    def __init__(self, profiles: Iterable[Profile], drafts: Mapping[str, Draft] | None = None) -> None:
        self.profiles: Mapping[str, Profile] = {profile.id: profile for profile in profiles}
        self.drafts: Mapping[str, Draft] = drafts or {}
        self._changed: dict[tuple[str, str], Profile] = {}

    def profile(self, profile_id: str) -> Profile:
        """The profile with this id. Raises ProfileError, naming the nearest ids."""
        if profile_id in self.profiles:
            return self.profiles[profile_id]
        if profile_id in self.drafts:
            models = ", ".join(self.models_of(profile_id)) or "none yet"
            raise ProfileError(f"{profile_id!r} is a family of device models; name one of them: {models}")
        near = get_close_matches(profile_id, self.profiles)
        hint = f"did you mean {' or '.join(near)}?" if near else "`haidang profiles` lists them"
        raise ProfileError(f"there is no profile {profile_id!r}; {hint}")

    def models_of(self, family: str) -> list[str]:
        """The ids of the device models that extend this one."""
        return [id_ for id_ in self.profiles if id_ in self.drafts and family in self.drafts[id_].ancestors]

    def open_driver(self, device: Device) -> Driver:
        """A fresh driver for this device. Raises ProfileError when its profile cannot be used."""
        profile = self.profile(device.profile)
        return open_driver(device, self._with(profile, device) if device.settings else profile)

    def _with(self, profile: Profile, device: Device) -> Profile:
        """The profile with the device's own settings; the same one for devices that have the same."""
        key = profile.id, repr(device.settings)
        if key not in self._changed:
            if len(self._changed) >= MOST_KEPT:
                self._changed.clear()
            changed = {"settings": profile.settings | device.settings}
            self._changed[key] = profile.model_copy(update=changed)
        return self._changed[key]

    def culprit(self, device: Device) -> Literal["link", "settings", "profile"]:
        """What to blame for a device whose driver cannot be opened: its settings, when it could without."""
        profile = self.profiles.get(device.profile)
        if profile is None or profile.driver not in PROTOCOLS:
            return "profile"
        if device.link.partition(":")[0] not in links_of(profile.driver):
            return "link"
        try:
            self.open_driver(device.model_copy(update={"settings": {}}))
        except ProfileError:
            return "profile"
        return "settings"


def open_driver(device: Device, profile: Profile) -> Driver:
    """A fresh driver for this device by this profile.

    Raises ProfileError when the profile cannot be used, or the device's link is none that such a driver
    speaks over.
    """
    if profile.driver not in PROTOCOLS:
        raise ProfileError(
            f"profile {profile.id}: no driver {profile.driver!r}; there are {', '.join(PROTOCOLS)}"
        )
    check_link(device, profile.driver, links_of(profile.driver))
    return cast("Open", _module(profile.driver).open_driver)(device, profile)


def vocabulary(protocol: str) -> Vocabulary:
    """A driver's own words in a profile."""
    return cast("Vocabulary", _module(protocol).VOCABULARY)


def links_of(protocol: str) -> tuple[str, ...]:
    """What the links begin with that a driver speaks over, the most usual first."""
    return cast("tuple[str, ...]", _module(protocol).LINKS)


def load_catalogue(*site_directories: Path) -> Catalogue:
    """The shipped profiles and those in the site's directories.

    Raises ProfileError with one line for every mistake, which begins with `file:line:column:`.
    """
    shipped: Traversable = files("drivers") / "profiles"
    drafts: dict[str, Draft] = {}
    mistakes: list[str] = []
    for folder in (shipped, *site_directories):
        found, wrong = read_profiles(read_folder(folder), drafts)
        drafts |= found
        mistakes += wrong
    profiles = [profile for draft in drafts.values() if (profile := _checked(draft, mistakes))]
    if mistakes:
        raise ProfileError("\n".join(mistakes))
    return Catalogue((one for one in profiles if not drafts[one.id].abstract), drafts)


def parse_profile(text: str, file_name: str) -> Profile:
    """A profile from YAML. Raises ProfileError with file, line and column of every mistake."""
    drafts, mistakes = read_profiles([(file_name, text)], {})
    profiles = [profile for draft in drafts.values() if (profile := _checked(draft, mistakes))]
    if mistakes:
        raise ProfileError("\n".join(mistakes))
    return profiles[0]


def _checked(draft: Draft, mistakes: list[str]) -> Profile | None:
    try:
        return draft.profile()
    except ProfileError as error:
        mistakes.append(str(error))
        return None


def read_folder(folder: Traversable) -> list[tuple[str, str]]:
    """Name and text of every YAML file of a folder, by name. Raises ProfileError."""
    try:
        found = [file for file in folder.iterdir() if file.name.endswith((".yaml", ".yml"))]
    except OSError as error:
        raise ProfileError(f"the profiles in {folder} cannot be read: {error}") from error
    return [(str(file), read_text(file)) for file in sorted(found, key=lambda file: file.name)]


def read_text(file: Traversable) -> str:
    """The text of a file. Raises ProfileError for one that is no UTF-8 text or absurdly long."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise ProfileError(f"{file}: larger than {LARGEST:,} bytes: no profile is, and none is read")
        return raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{file} cannot be read as UTF-8 text: {error}") from error


def _module(protocol: str) -> Any:
    return import_module(PROTOCOLS[protocol])
