"""Which devices a gateway reads, on which links, and which it refuses with a sentence. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from broker.wire import DeviceStatus, PushedDevice
from drivers.catalogue import Catalogue
from gateways.links import LinkAddress, parse_link, shown
from telemetry import ConfigurationError, Device
from telemetry.secrets import shown_settings

FILE, API = "file", "api"
LISTENERS_SILENCE = 60.0  # seconds
POLLERS_SILENCE = 10.0  # seconds, or three periods if that is longer


@dataclass(frozen=True, slots=True)
class Placed:
    """A device that can be read. silence: seconds without a reading after which it counts as silent."""

    device: Device
    declared: str
    address: LinkAddress
    silence: float


@dataclass(slots=True)
class Placement:
    """The outcome: what is read, and what is not and why."""

    placed: list[Placed] = field(default_factory=list[Placed])
    refused: list[DeviceStatus] = field(default_factory=list[DeviceStatus])

    def by_link(self) -> dict[LinkAddress, tuple[Placed, ...]]:
        """The devices of each link, in order of their ids."""
        links: dict[LinkAddress, tuple[Placed, ...]] = {}
        for one in sorted(self.placed, key=lambda placed: placed.device.id):
            links[one.address] = (*links.get(one.address, ()), one)
        return links


def place(own: Sequence[Device], pushed: Iterable[PushedDevice], catalogue: Catalogue) -> Placement:
    """The devices of the gateway's file first; one pushed to it may not take the id of another."""
    placement = Placement()
    for device in own:
        _place(device, FILE, placement, catalogue)
    for wanted in pushed:
        try:
            _place(_device(wanted), API, placement, catalogue)
        except ConfigurationError as error:
            placement.refused.append(_refusal(wanted, API, str(error)))
    return placement


def _device(wanted: PushedDevice) -> Device:
    try:
        return Device(
            id=wanted.id,
            profile=wanted.profile,
            link=wanted.link,
            name=wanted.name,
            every=wanted.every,
            unit_id=wanted.unit_id,
            settings=dict(wanted.settings),
        )
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(wrong) from error


def _place(device: Device, declared: str, placement: Placement, catalogue: Catalogue) -> None:
    try:
        address = parse_link(device.link)
        _check_free(device, address, placement)
        catalogue.open_driver(device)
    except ConfigurationError as error:
        placement.refused.append(_refusal(device, declared, str(error)))
        return
    every = device.every or catalogue.profile(device.profile).every
    silence = LISTENERS_SILENCE if every is None else max(POLLERS_SILENCE, 3 * every)
    placement.placed.append(Placed(device, declared, address, silence))


def _check_free(device: Device, address: LinkAddress, placement: Placement) -> None:
    for other in placement.placed:
        if other.device.id == device.id:
            where = "the gateway's own file" if other.declared == FILE else "this configuration"
            raise ConfigurationError(f"{where} has a device {device.id} already: give this one another id")
        if address.exclusive and address.exclusive == other.address.exclusive and address != other.address:
            raise ConfigurationError(
                f"{address.exclusive} is used by {other.device.id} with other settings: "
                "write the same link for both devices"
            )


def _refusal(wanted: Device | PushedDevice, declared: str, reason: str) -> DeviceStatus:
    return DeviceStatus(
        id=wanted.id,
        profile=wanted.profile,
        link=shown(wanted.link),
        declared=declared,
        name=wanted.name,
        every=wanted.every,
        unit_id=wanted.unit_id,
        settings=shown_settings(wanted.settings),
        state="refused",
        detail=reason,
    )
