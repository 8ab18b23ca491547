"""`/devices`, without their readings."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.devices import service
from api.devices.schemas import Device, DeviceChange, NewDevice, State
from api.devices.service import Filter
from api.paging import Cursor, Limit, Page
from api.parts import PartsOf
from telemetry.devices import Identifier

router = APIRouter(prefix="/devices", tags=["devices"])
DeviceId = Annotated[Identifier, Path(description="The device's id.", examples=["quay-power"])]


@router.get("", operation_id="listDevices", summary="List devices")
async def list_devices(
    parts: PartsOf,
    *,
    gateway: Annotated[Identifier | None, Query(description="Only those of this gateway.")] = None,
    profile: Annotated[str | None, Query(description="Only those of this model.", max_length=100)] = None,
    state: Annotated[State | None, Query(description="Only those that fare so.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Device]:
    """Devices in order of id, those declared in configuration files included."""
    return await service.list_devices(parts, Filter(gateway, profile, state), limit, cursor)


@router.post("", operation_id="createDevice", summary="Create a device", status_code=201)
async def create_device(parts: PartsOf, new: NewDevice) -> Device:
    """Its gateway starts to read it without a restart; see `configuration` of the gateway for whether it
    has heard yet."""
    return await service.create_device(parts, new)


@router.get("/{device_id}", operation_id="getDevice", summary="Read a device")
async def get_device(parts: PartsOf, device_id: DeviceId) -> Device:
    """What it is, and how its gateway says it fares."""
    return await service.get_device(parts, device_id)


@router.patch("/{device_id}", operation_id="changeDevice", summary="Change a device")
async def change_device(parts: PartsOf, device_id: DeviceId, change: DeviceChange) -> Device:
    """Changes what is given. 409 for one that a configuration file declares."""
    return await service.change_device(parts, device_id, change)


@router.delete("/{device_id}", operation_id="deleteDevice", summary="Delete a device", status_code=204)
async def delete_device(parts: PartsOf, device_id: DeviceId) -> None:
    """Its gateway stops reading it; its readings stay in the store."""
    await service.delete_device(parts, device_id)
