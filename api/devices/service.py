"""Devices from both sides: the registry's rows, and those in the gateways' own files that only their
gateways tell of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from api.desired import every_device
from api.devices.schemas import Device, DeviceChange, NewDevice, State
from api.gateways.schemas import device_state
from api.gateways.service import ensure_gateway
from api.merging import merged
from api.paging import Page, decode_cursor, encode_cursor
from api.parts import Parts
from api.problems import RefusedError, wrong
from api.shapes import Declared, time_or_none
from broker.wire import DeviceStatus
from gateways.links import parse_link, shown
from registry import Conflict, DeviceRecord, NotFound
from telemetry import ConfigurationError, ProfileError
from telemetry import Device as Description
from telemetry.secrets import shown_settings, unhidden_settings

LIST = "devices"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a gateway says of one of its devices."""

    gateway: str
    online: bool
    status: DeviceStatus


@dataclass(frozen=True, slots=True)
class Filter:
    """Which devices to list; None lets all through."""

    gateway: str | None = None
    profile: str | None = None
    state: State | None = None

    def passes(self, device: Device) -> bool:
        """Whether it is one of those."""
        return (
            self.gateway in {None, device.gateway}
            and self.profile in {None, device.profile}
            and self.state in {None, device.state}
        )


async def list_devices(parts: Parts, wanted: Filter, limit: int, cursor: str | None) -> Page[Device]:
    """A page in order of id. Raises RefusedError for a bad cursor, RegistryError."""
    after = decode_cursor(LIST, cursor, str) or ""
    told = _reported(parts)
    alone = [device for device, said in told.items() if device > after and said.status.declared == "file"]
    rows = every_device(parts.registry, None, after)
    items: list[Device] = []
    async for device_id, record in merged(rows, lambda row: row.device.id, alone):
        device = _device(record, told.get(device_id)) if record else _alone(told[device_id])
        if not wanted.passes(device):
            continue
        if len(items) == limit:
            return Page(items=items, next=encode_cursor(LIST, items[-1].id))
        items.append(device)
    return Page(items=items, next=None)


async def get_device(parts: Parts, device_id: str) -> Device:
    """The device. Raises NotFound when neither side knows it."""
    said = _reported(parts).get(device_id)
    try:
        record = await parts.registry.devices.get(device_id)
    except NotFound:
        if said is None or said.status.declared != "file":
            raise
        return _alone(said)
    return _device(record, said)


async def create_device(parts: Parts, new: NewDevice) -> Device:
    """A new device, on its way to its gateway. Raises RefusedError, or Conflict for a taken id."""
    description = _described(new.model_dump(exclude={"gateway"}))
    _check(parts, description)
    _refuse_undeclared(parts, new.id, "change it there, or choose another id")
    await _ensure_gateway(parts, new.gateway)
    record = await parts.registry.devices.create(description, new.gateway)
    parts.live.desired.changed(new.gateway)
    return _device(record, _reported(parts).get(new.id))


async def change_device(parts: Parts, device_id: str, change: DeviceChange) -> Device:
    """Raises NotFound, RefusedError for a wrong change, Conflict where a file rules."""
    before = await _own(parts, device_id)
    given = change.model_dump(exclude_unset=True, exclude={"gateway"})
    changes = {name: value for name, value in given.items() if value is not None or name == "every"}
    if changes.get("link") == shown(before.device.link):
        del changes["link"]  # what was shown came back: the password in it was never given out
    if change.settings is not None:
        changes["settings"] = unhidden_settings(change.settings, before.device.settings)
    description = _described(before.device.model_dump() | changes)
    _check(parts, description)
    gateway = change.gateway or before.gateway
    await _ensure_gateway(parts, gateway)
    record = await parts.registry.devices.change(description, gateway)
    for concerned in {before.gateway, gateway}:
        parts.live.desired.changed(concerned)
    return _device(record, _reported(parts).get(device_id))


async def delete_device(parts: Parts, device_id: str) -> None:
    """Raises NotFound, or Conflict where a file rules."""
    before = await _own(parts, device_id)
    await parts.registry.devices.delete(device_id)
    parts.live.desired.changed(before.gateway)


async def _own(parts: Parts, device_id: str) -> DeviceRecord:
    try:
        return await parts.registry.devices.get(device_id)
    except NotFound:
        _refuse_undeclared(parts, device_id, "change it there")
        raise


def _refuse_undeclared(parts: Parts, device_id: str, remedy: str) -> None:
    said = _reported(parts).get(device_id)
    if said is not None and said.status.declared == "file":
        raise Conflict(
            f"device {device_id!r} stands in the configuration file of gateway {said.gateway!r}; {remedy}"
        )


async def _ensure_gateway(parts: Parts, gateway: str) -> None:
    try:
        await ensure_gateway(parts, gateway)
    except NotFound as error:
        raise wrong("body/gateway", f"{error}; create it first by POST /api/v1/gateways") from error


def _described(fields: Mapping[str, Any]) -> Description:
    try:
        return Description.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise wrong("/".join(("body", *map(str, first["loc"]))), first["msg"]) from error


def _check(parts: Parts, device: Description) -> None:
    """Raises RefusedError when the gateway could not read this device."""
    try:
        parse_link(device.link)
    except ConfigurationError as error:
        raise wrong("body/link", str(error)) from error
    try:
        parts.catalogue.open_driver(device)
    except ProfileError as error:
        raise wrong(f"body/{parts.catalogue.culprit(device)}", str(error)) from error


async def placed_device(parts: Parts, device_id: str) -> tuple[Description, str]:
    """The device as its driver is to know it, and its gateway. Raises NotFound, RefusedError.

    Of a device in a gateway's own file only that is known which the gateway shows.
    """
    try:
        record = await parts.registry.devices.get(device_id)
    except NotFound:
        for gateway, heard in parts.live.current.gateways.items():
            for status in heard.status.devices:
                if status.id == device_id and status.declared == "file":
                    return _from_status(status), gateway
        raise
    return record.device, record.gateway


def _from_status(status: DeviceStatus) -> Description:
    names = ("id", "profile", "link", "name", "every", "unit_id", "settings")
    try:
        return Description.model_validate({name: getattr(status, name) for name in names})
    except ValidationError as error:
        raise RefusedError(
            409, f"Its gateway describes device {status.id!r} in a way not known here"
        ) from error


def _reported(parts: Parts) -> Mapping[str, Reported]:
    """The devices that gateways tell of; one in a gateway's file stands before one pushed to another."""
    told: dict[str, Reported] = {}
    for gateway, heard in parts.live.current.gateways.items():
        for status in heard.status.devices:
            if status.id not in told or status.declared == "file":
                told[status.id] = Reported(gateway, heard.status.online, status)
    return told


def _device(record: DeviceRecord, said: Reported | None) -> Device:
    return _shown(
        record.device,
        record.gateway,
        said,
        declared=Declared.API,
        created_at=time_or_none(record.created_at),
        changed_at=time_or_none(record.changed_at),
    )


def _alone(said: Reported) -> Device:
    return _shown(said.status, said.gateway, said)


def _shown(
    description: Description | DeviceStatus,
    gateway: str,
    said: Reported | None,
    *,
    declared: Declared = Declared.FILE,
    created_at: str | None = None,
    changed_at: str | None = None,
) -> Device:
    online = said is not None and said.online
    return Device(
        **dict(device_state(said.status if said else None, description.id, online=online)),
        gateway=gateway,
        profile=description.profile,
        link=shown(description.link),
        name=description.name,
        every=description.every,
        unit_id=description.unit_id,
        settings=shown_settings(description.settings),
        declared=declared,
        created_at=created_at,
        changed_at=changed_at,
    )
