"""Devices in the registry; every change of them makes their gateway's configuration a new version."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from registry.errors import Conflict, NotFound
from registry.gateways import gateway_row
from registry.sessions import Sessions
from registry.tables import DeviceRow, GatewayRow
from telemetry import Device, RegistryError


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A device and the gateway that reads it. Times in UTC nanoseconds."""

    device: Device
    gateway: str
    created_at: int
    changed_at: int


class DeviceRepository:
    """Create, read, change and delete devices; an id is unique across the platform.

    Everything raises RegistryError when the registry is away.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def create(self, device: Device, gateway: str) -> DeviceRecord:
        """A new device on a gateway. Raises Conflict when its id is taken, NotFound without the gateway."""
        now = self._sessions.now()
        async with self._sessions.writing() as session:
            await renew_configuration(session, gateway, now)
            taken = await session.get(DeviceRow, device.id)
            if taken is not None:
                raise Conflict(
                    f"there is a device {device.id!r} already, on gateway {taken.gateway!r}; "
                    "choose another id or change that one"
                )
            row = DeviceRow(id=device.id, created_at=now)
            describe(row, device, gateway, now)
            session.add(row)
        return _record(row)

    async def get(self, device_id: str) -> DeviceRecord:
        """The device. Raises NotFound."""
        async with self._sessions.reading() as session:
            return _record(await _row(session, device_id))

    async def list(
        self, *, gateway: str | None = None, limit: int = 100, after: str = ""
    ) -> Sequence[DeviceRecord]:
        """At most `limit` devices by id, of one gateway or of all, those behind `after`."""
        query = select(DeviceRow).where(DeviceRow.id > after).order_by(DeviceRow.id).limit(limit)
        if gateway is not None:
            query = query.where(DeviceRow.gateway == gateway)
        async with self._sessions.reading() as session:
            return [_record(row) for row in await session.scalars(query)]

    async def change(self, device: Device, gateway: str | None = None) -> DeviceRecord:
        """Replaces the description of the device with this id, and moves it when a gateway is given.

        Raises NotFound.
        """
        now = self._sessions.now()
        async with self._sessions.writing() as session:
            row = await _row(session, device.id)
            for concerned in {row.gateway, gateway or row.gateway}:
                await renew_configuration(session, concerned, now)
            describe(row, device, gateway or row.gateway, now)
            return _record(row)

    async def delete(self, device_id: str) -> None:
        """Forgets the device; its readings stay. Raises NotFound."""
        async with self._sessions.writing() as session:
            row = await _row(session, device_id)
            await renew_configuration(session, row.gateway, self._sessions.now())
            await session.delete(row)


async def renew_configuration(session: AsyncSession, gateway_id: str, now: int) -> None:
    """Counts the gateway's configuration up within a session. Raises NotFound."""
    gateway = await gateway_row(session, gateway_id)
    gateway.config_version = GatewayRow.config_version + 1  # in the database, which counts each one
    gateway.changed_at = now


def describe(row: DeviceRow, device: Device, gateway: str, now: int) -> None:
    """Writes the device's description into its row."""
    row.gateway = gateway
    row.profile = device.profile
    row.link = device.link
    row.name = device.name
    row.every = device.every
    row.unit_id = device.unit_id
    row.settings = device.settings
    row.changed_at = now


def described(row: DeviceRow) -> Device:
    """The device that a row describes. Raises RegistryError when somebody put nonsense into the row."""
    try:
        return Device(
            id=row.id,
            profile=row.profile,
            link=row.link,
            name=row.name,
            every=row.every,
            unit_id=row.unit_id,
            settings=row.settings,
        )
    except ValidationError as error:
        raise RegistryError(f"device {row.id!r} in the registry is not a device: {error}") from error


async def _row(session: AsyncSession, device_id: str) -> DeviceRow:
    row = await session.get(DeviceRow, device_id)
    if row is None:
        raise NotFound(f"there is no device {device_id!r}")
    return row


def _record(row: DeviceRow) -> DeviceRecord:
    return DeviceRecord(
        device=described(row),
        gateway=row.gateway,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
