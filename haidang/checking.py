"""`haidang check`: everything that can be known to be wrong before anything starts."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import apprise

from broker.session import BrokerAddress
from drivers.catalogue import Catalogue
from gateways.links import LinkAddress, parse_link
from gateways.placement import address_of, twins
from haidang.catalogue import profile_mistakes, site_catalogue
from haidang.configuration import ConfigurationFile, Mistake, MistakesError, Place
from rules.loading import parse_rules
from rules.model import Rule, Threshold
from stores.influx_address import parse_address
from telemetry import ConfigurationError, Device


def site_rules(file: ConfigurationFile) -> tuple[Rule, ...]:
    """The alert rules, none without a file of them. Raises MistakesError."""
    if file.configuration.rules is None:
        return ()
    path = file.beside(file.configuration.rules)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MistakesError([file.mistake(("rules",), f"{path} cannot be read: {error}")]) from error
    try:
        return parse_rules(text, str(path), {contact.id for contact in file.configuration.contact})
    except ConfigurationError as error:
        raise MistakesError([Mistake(None, None, line) for line in str(error).splitlines()]) from error


def check(file: ConfigurationFile) -> None:
    """Raises MistakesError with everything that is wrong."""
    mistakes = [*_addresses(file), *_contacts(file), *_repeated_ids(file), *_shared_wires(file)]
    catalogue = None
    try:
        catalogue = site_catalogue(file)
        mistakes += profile_mistakes(file, catalogue)
        mistakes += _devices(file, catalogue)
    except MistakesError as error:
        mistakes += error.mistakes
    try:
        rules = site_rules(file)
        mistakes += _unheard(file, rules, catalogue) if catalogue else ()
    except MistakesError as error:
        mistakes += error.mistakes
    if mistakes:
        raise MistakesError(mistakes)


def _addresses(file: ConfigurationFile) -> Iterator[Mistake]:
    configuration = file.configuration
    try:
        if configuration.broker.url:
            BrokerAddress.parse(configuration.broker.url)
    except ConfigurationError as error:
        yield file.mistake(("broker", "url"), f"broker.url: {error}")
    authority = configuration.broker.ca_file
    if authority and not file.beside(authority).is_file():
        text = f"broker.ca_file: there is no file {file.beside(authority)}"
        yield file.mistake(("broker", "ca_file"), text)
    try:
        if configuration.store.url:
            parse_address(configuration.store.url)
    except ConfigurationError as error:
        yield file.mistake(("store", "url"), f"store.url: {error}")


def _contacts(file: ConfigurationFile) -> Iterator[Mistake]:
    known: set[str] = set()
    for index, contact in enumerate(file.configuration.contact):
        if contact.id in known:
            yield file.mistake(("contact", index, "id"), f"there is a contact {contact.id!r} above already")
        known.add(contact.id)
        for channel, url in enumerate(contact.channels):
            if not isinstance(apprise.Apprise.instantiate(url), apprise.NotifyBase):
                place: Place = ("contact", index, "channels", channel)
                scheme = urlsplit(url).scheme
                what = f"apprise knows no channel like this {scheme}://…" if scheme else "this is no URL"
                remedy = "write it as https://github.com/caronc/apprise/wiki shows"
                yield file.mistake(place, f"contact {contact.id}: {what}; {remedy}")


def _repeated_ids(file: ConfigurationFile) -> Iterator[Mistake]:
    gateways: set[str] = set()
    devices: set[str] = set()
    for index, gateway in enumerate(file.configuration.gateway):
        if gateway.id in gateways:
            yield file.mistake(("gateway", index, "id"), f"there is a gateway {gateway.id!r} above already")
        gateways.add(gateway.id)
        for number, device in enumerate(gateway.device):
            if device.id in devices:
                place: Place = ("gateway", index, "device", number, "id")
                yield file.mistake(
                    place, f"there is a device {device.id!r} above already; ids are for the site"
                )
            devices.add(device.id)


def _shared_wires(file: ConfigurationFile) -> Iterator[Mistake]:
    """Ports that two gateways, or two links with other settings, want for themselves."""
    taken: dict[str, tuple[str, int, LinkAddress]] = {}
    for index, gateway in enumerate(file.configuration.gateway):
        for number, device in enumerate(gateway.device):
            try:
                address = parse_link(device.link)
            except ConfigurationError:
                continue  # told where the device itself is checked
            other, owner, theirs = taken.setdefault(address.exclusive, (device.id, index, address))
            if address.exclusive and (owner, theirs) != (index, address):
                with_what = "with other settings" if owner == index else "on another gateway"
                yield file.mistake(
                    ("gateway", index, "device", number, "link"),
                    f"{device.id}: {address.exclusive} is used by {other} {with_what}: "
                    "write the same link for both devices, on one gateway",
                )


def _unheard(file: ConfigurationFile, rules: Iterable[Rule], catalogue: Catalogue) -> Iterator[Mistake]:
    """Rules on values that no device model has: they would never fire, and nobody would know."""
    names: dict[str, set[str]] = {}
    announced = {profile.kind for profile in catalogue.profiles.values() if profile.announces}
    for profile in catalogue.profiles.values():
        names.setdefault(profile.kind, set()).update(metric.name for metric in profile.metrics)
    path = file.beside(file.configuration.rules or Path())
    for rule in rules:
        when = rule.when
        if isinstance(when, Threshold) and when.kind not in announced | _having(names, when.metric):
            wrong, known = (when.metric, names[when.kind]) if when.kind in names else (when.kind, {*names})
            word = "value" if when.kind in names else "kind"
            there_are = ", ".join(sorted(known))
            text = f"rule {rule.id}: no device model has the {word} {wrong!r}; there are {there_are}"
            yield Mistake(path, _line_of_rule(path, rule.id), text)


def _having(names: Mapping[str, set[str]], metric: str) -> set[str]:
    """The kinds that have such a metric."""
    return {kind for kind, metrics in names.items() if metric in metrics}


def _line_of_rule(path: Path, rule: str) -> int | None:
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    named = re.compile(rf"""\bid:\s*["']?{re.escape(rule)}(?![a-z0-9-])""")
    return next((number for number, line in lines if named.search(line)), None)


def _devices(file: ConfigurationFile, catalogue: Catalogue) -> Iterator[Mistake]:
    for index, gateway in enumerate(file.configuration.gateway):
        taken: dict[tuple[LinkAddress | None, str], str] = {}
        for number, device in enumerate(gateway.device):
            yield from _device(file, ("gateway", index, "device", number), device, catalogue, taken)


def _device(
    file: ConfigurationFile,
    place: Place,
    device: Device,
    catalogue: Catalogue,
    taken: dict[tuple[LinkAddress | None, str], str],
) -> Iterator[Mistake]:
    """taken: who has which address on which of the gateway's links."""
    address = None
    try:
        address = parse_link(device.link)
    except ConfigurationError as error:
        yield file.mistake((*place, "link"), f"{device.id}: {error}")
    if device.profile not in catalogue.profiles:
        near = difflib.get_close_matches(device.profile, catalogue.profiles, 1, 0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        text = f"{device.id}: there is no profile {device.profile!r}; {hint}`haidang profiles` lists them"
        if device.profile in catalogue.drafts:
            models = ", ".join(catalogue.models_of(device.profile)) or "none yet"
            text = f"{device.id}: {device.profile!r} is a family of device models; name one of them: {models}"
        yield file.mistake((*place, "profile"), text)
        return
    try:
        called = address_of(catalogue.open_driver(device))
        if called and (other := taken.setdefault((address, called), device.id)) != device.id:
            yield file.mistake((*place, "unit_id"), f"{device.id}: {twins(called, other)}")
    except ConfigurationError as error:
        yield file.mistake((*place, catalogue.culprit(device)), f"{device.id}: {error}")
