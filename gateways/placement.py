"""Which devices a gateway reads, on which links, and which it refuses with a sentence. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from broker.wire import DeviceStatus, PushedDevice
from drivers.catalogue import Catalogue
from drivers.contract import Addressed, Driver
from gateways.links import LinkAddress, parse_link, shown
from telemetry import ConfigurationError, Device
from telemetry.secrets import shown_settings

FILE, API = "file", "api"
LISTENERS_SILENCE = 60.0  # seconds
POLLERS_SILENCE = 10.0  # seconds, or three periods if that is longer


@dataclass(frozen=True, slots=True)
class Placed:
    """A device that can be read.

    silence: seconds without a reading after which it counts as silent. driver: for its first conversation.
    """

    device: Device
    declared: str
    address: LinkAddress
    silence: float
    driver: Driver = field(compare=False, repr=False)


@dataclass(slots=True)
class Placement:
    """The outcome: what is read, and what is not and why."""

    devices: dict[str, Placed] = field(default_factory=dict[str, Placed])
    refused: list[DeviceStatus] = field(default_factory=list[DeviceStatus])
    _exclusive: dict[str, Placed] = field(default_factory=dict[str, Placed])
    _addressed: dict[tuple[LinkAddress, str], Placed] = field(
        default_factory=dict[tuple[LinkAddress, str], Placed]
    )

    @property
    def placed(self) -> list[Placed]:
        """What is read, in the order it was declared."""
        return list(self.devices.values())

    def by_link(self) -> dict[LinkAddress, tuple[Placed, ...]]:
        """The devices of each link, in order of their ids."""
        links: dict[LinkAddress, list[Placed]] = {}
        for one in sorted(self.devices.values(), key=lambda placed: placed.device.id):
            links.setdefault(one.address, []).append(one)
        return {address: tuple(devices) for address, devices in links.items()}

    def check_free(self, device: Device, address: LinkAddress) -> None:
        """Raises ConfigurationError when the id, or what only one link can have, is taken."""
        if (namesake := self.devices.get(device.id)) is not None:
            where = "the gateway's own file" if namesake.declared == FILE else "this configuration"
            raise ConfigurationError(f"{where} has a device {device.id} already: give this one another id")
        other = self._exclusive.get(address.exclusive)
        if other is not None and other.address != address:
            raise ConfigurationError(
                f"{address.exclusive} is used by {other.device.id} with other settings: "
                "write the same link for both devices"
            )

    def add(self, placed: Placed) -> None:
        """Another device is read. Raises ConfigurationError when it would take another one's answers."""
        called = address_of(placed.driver)
        if called and (other := self._addressed.setdefault((placed.address, called), placed)) is not placed:
            raise ConfigurationError(twins(called, other.device.id))
        self.devices[placed.device.id] = placed
        if placed.address.exclusive:
            self._exclusive.setdefault(placed.address.exclusive, placed)


def address_of(driver: Driver) -> str:
    """What only one device of its link may be; empty for nothing."""
    return driver.address if isinstance(driver, Addressed) else ""


def twins(called: str, other: str) -> str:
    """Why a device is refused whose address on the link is taken."""
    return (
        f"{other} is {called} on this link already, and answers would be taken for one another's: "
        "put all values of the unit into one profile, and leave one of the two devices"
    )


def place(
    own: Sequence[Device],
    pushed: Iterable[PushedDevice],
    catalogue: Catalogue,
    before: Placement | None = None,
) -> Placement:
    """The devices of the gateway's file first; one pushed to it may not take the id of another.

    before: the placement so far; what is in it as it was is taken over, without opening its driver again.
    """
    placement = Placement()
    known = {} if before is None else before.devices
    for device in own:
        _place(device, FILE, placement, catalogue, known)
    for wanted in pushed:
        try:
            _place(_device(wanted), API, placement, catalogue, known)
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


def _place(
    device: Device, declared: str, placement: Placement, catalogue: Catalogue, known: Mapping[str, Placed]
) -> None:
    try:
        address = parse_link(device.link)
        placement.check_free(device, address)
        before = known.get(device.id)
        if before is not None and (before.device, before.declared) == (device, declared):
            placement.add(before)
            return
        driver = catalogue.open_driver(device)
        every = device.every or catalogue.profile(device.profile).every
        silence = LISTENERS_SILENCE if every is None else max(POLLERS_SILENCE, 3 * every)
        placement.add(Placed(device, declared, address, silence, driver))
    except ConfigurationError as error:
        placement.refused.append(_refusal(device, declared, str(error)))


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
