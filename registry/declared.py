"""What the configuration file declares, written into the registry beside what the API creates."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from registry.devices import describe, described, renew_configuration
from registry.sessions import Sessions
from registry.tables import DeviceRow, GatewayRow
from telemetry import Device


@dataclass(frozen=True, slots=True)
class DeclaredGateway:
    """A gateway of the configuration file and the devices that stand under it there."""

    id: str
    devices: tuple[Device, ...] = ()
    name: str = ""
    site: str = ""


class Declaration:
    """Brings the declared part of the registry to what the file says, in one transaction.

    What the file names becomes the file's, also when the API created it. What it no longer names goes,
    but a gateway stays while the API has devices on it. Only gateways whose devices differ get a new
    configuration version.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def declare(self, gateways: Sequence[DeclaredGateway]) -> None:
        """Call at every start, with everything the file declares. Raises RegistryError."""
        now = self._sessions.now()
        async with self._sessions.writing() as session:
            for gateway in gateways:
                await _declare_gateway(session, gateway, now)
            await session.flush()
            for gateway in gateways:
                for device in gateway.devices:
                    await _declare_device(session, device, gateway.id, now)
            await _forget_devices(session, {device.id for each in gateways for device in each.devices}, now)
            await session.flush()
            await _forget_gateways(session, {gateway.id for gateway in gateways}, now)


async def _declare_gateway(session: AsyncSession, gateway: DeclaredGateway, now: int) -> None:
    row = await session.get(GatewayRow, gateway.id)
    if row is None:
        row = GatewayRow(id=gateway.id, config_version=0, created_at=now)
    if (row.name, row.site, row.declared) != (gateway.name, gateway.site, True):
        row.name, row.site, row.declared, row.changed_at = gateway.name, gateway.site, True, now
    session.add(row)


async def _declare_device(session: AsyncSession, device: Device, gateway: str, now: int) -> None:
    row = await session.get(DeviceRow, device.id)
    if row is None:
        row = DeviceRow(id=device.id, created_at=now)
    elif (described(row), row.gateway) == (device, gateway):
        row.declared = True
        return
    elif row.gateway != gateway:
        await renew_configuration(session, row.gateway, now)
    await renew_configuration(session, gateway, now)
    describe(row, device, gateway, now)
    row.declared = True
    session.add(row)


async def _forget_devices(session: AsyncSession, kept: set[str], now: int) -> None:
    for row in (await session.scalars(select(DeviceRow).where(DeviceRow.declared))).all():
        if row.id not in kept:
            await renew_configuration(session, row.gateway, now)
            await session.delete(row)


async def _forget_gateways(session: AsyncSession, kept: set[str], now: int) -> None:
    occupied = set((await session.scalars(select(DeviceRow.gateway).distinct())).all())
    for row in (await session.scalars(select(GatewayRow).where(GatewayRow.declared))).all():
        if row.id in kept:
            continue
        if row.id in occupied:
            row.declared, row.changed_at = False, now
        else:
            await session.delete(row)
