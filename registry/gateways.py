"""Gateways in the registry."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from registry.errors import Conflict, NotFound
from registry.sessions import Sessions
from registry.tables import DeviceRow, GatewayRow
from telemetry import RegistryError
from telemetry.devices import check_identifier


@dataclass(frozen=True, slots=True)
class GatewayRecord:
    """A gateway. Times in UTC nanoseconds.

    config_version: grows by one with every change of the gateway's devices.
    """

    id: str
    name: str
    site: str
    config_version: int
    created_at: int
    changed_at: int


class GatewayRepository:
    """Create, read, change and delete gateways. Everything raises RegistryError when the registry is away."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def create(self, gateway_id: str, *, name: str = "", site: str = "") -> GatewayRecord:
        """A new gateway without devices. Raises Conflict when the id is taken."""
        now = self._sessions.now()
        row = GatewayRow(
            id=_checked(gateway_id),
            name=name,
            site=site,
            config_version=0,
            created_at=now,
            changed_at=now,
        )
        async with self._sessions.writing() as session:
            if await session.get(GatewayRow, gateway_id) is not None:
                raise Conflict(
                    f"there is a gateway {gateway_id!r} already; choose another id or change that one"
                )
            session.add(row)
        return gateway_record(row)

    async def get(self, gateway_id: str) -> GatewayRecord:
        """The gateway. Raises NotFound."""
        async with self._sessions.reading() as session:
            return gateway_record(await gateway_row(session, gateway_id))

    async def list(self, *, limit: int = 100, after: str = "") -> Sequence[GatewayRecord]:
        """At most `limit` gateways by id, those behind `after`: the last id of the page before."""
        query = select(GatewayRow).where(GatewayRow.id > after).order_by(GatewayRow.id).limit(limit)
        async with self._sessions.reading() as session:
            return [gateway_record(row) for row in await session.scalars(query)]

    async def change(
        self, gateway_id: str, *, name: str | None = None, site: str | None = None
    ) -> GatewayRecord:
        """Changes what is given. Raises NotFound."""
        async with self._sessions.writing() as session:
            row = await gateway_row(session, gateway_id)
            row.name = row.name if name is None else name
            row.site = row.site if site is None else site
            row.changed_at = self._sessions.now()
            return gateway_record(row)

    async def delete(self, gateway_id: str) -> None:
        """Forgets a gateway that has no devices. Raises NotFound or Conflict."""
        async with self._sessions.writing() as session:
            row = await gateway_row(session, gateway_id)
            devices = await session.scalar(
                select(func.count()).select_from(DeviceRow).where(DeviceRow.gateway == gateway_id)
            )
            if devices:
                raise Conflict(
                    f"gateway {gateway_id!r} still has {devices} devices; delete or move them first"
                )
            await session.delete(row)


async def gateway_row(session: AsyncSession, gateway_id: str) -> GatewayRow:
    """The row within a session. Raises NotFound."""
    row = await session.get(GatewayRow, gateway_id)
    if row is None:
        raise NotFound(f"there is no gateway {gateway_id!r}")
    return row


def gateway_record(row: GatewayRow) -> GatewayRecord:
    """What the row says."""
    return GatewayRecord(
        id=row.id,
        name=row.name,
        site=row.site,
        config_version=row.config_version,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _checked(gateway_id: str) -> str:
    try:
        return check_identifier(gateway_id)
    except ValueError as error:
        raise RegistryError(str(error)) from error
