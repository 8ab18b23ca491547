"""Gateways from both sides: the registry's rows, and what the gateways report."""

from api.desired import every_gateway
from api.gateways.schemas import Gateway, GatewayChange, NewGateway, Versions, reported
from api.merging import merged
from api.paging import Page, decode_cursor, encode_cursor
from api.parts import Parts
from api.shapes import Declared, time_or_none
from registry import Conflict, GatewayRecord, NotFound
from telemetry.devices import check_identifier

LIST = "gateways"


async def list_gateways(parts: Parts, limit: int, cursor: str | None) -> Page[Gateway]:
    """A page in order of id. Raises RefusedError for a bad cursor, RegistryError."""
    after = decode_cursor(LIST, cursor, str) or ""
    heard = (gateway for gateway in parts.live.current.gateways if gateway > after)
    items: list[Gateway] = []
    rows = every_gateway(parts.registry, after)
    async for gateway, record in merged(rows, lambda row: row.id, heard):
        if len(items) == limit:
            return Page(items=items, next=encode_cursor(LIST, items[-1].id))
        items.append(_gateway(parts, gateway, record))
    return Page(items=items, next=None)


async def get_gateway(parts: Parts, gateway: str) -> Gateway:
    """The gateway. Raises NotFound when neither side knows it."""
    try:
        record = await parts.registry.gateways.get(gateway)
    except NotFound:
        if gateway not in parts.live.current.gateways:
            raise
        return _gateway(parts, gateway, None)
    return _gateway(parts, gateway, record)


async def create_gateway(parts: Parts, new: NewGateway) -> Gateway:
    """A new one, or a name for one that so far only reports itself. Raises Conflict."""
    record = await parts.registry.gateways.create(new.id, name=new.name, site=new.site)
    return _gateway(parts, new.id, record)


async def change_gateway(parts: Parts, gateway: str, change: GatewayChange) -> Gateway:
    """Raises NotFound, or Conflict where a file rules."""
    await _refuse_undeclared(parts, gateway)
    record = await parts.registry.gateways.change(gateway, name=change.name, site=change.site)
    return _gateway(parts, gateway, record)


async def delete_gateway(parts: Parts, gateway: str) -> None:
    """Raises NotFound, or Conflict where a file rules or devices remain."""
    await _refuse_undeclared(parts, gateway)
    await parts.registry.gateways.delete(gateway)


async def ensure_gateway(parts: Parts, gateway: str) -> None:
    """Gives a gateway that so far only reports itself a row, so that devices can be given to it.

    Raises NotFound for one that nobody knows.
    """
    try:
        await parts.registry.gateways.get(gateway)
    except NotFound:
        heard = parts.live.current.gateways.get(gateway)
        if heard is None:
            raise
        await _create_unless_there(parts, gateway, heard.status.site)


async def _create_unless_there(parts: Parts, gateway: str, site: str) -> None:
    try:
        await parts.registry.gateways.create(gateway, site=site)
    except Conflict:
        await parts.registry.gateways.get(gateway)


async def _refuse_undeclared(parts: Parts, gateway: str) -> None:
    """A gateway without a row, that reports itself, was set up by a file of its own."""
    try:
        await parts.registry.gateways.get(gateway)
    except NotFound:
        if gateway not in parts.live.current.gateways:
            raise
        raise Conflict(
            f"gateway {gateway!r} is set up by a configuration file of its own; change it there"
        ) from None


def _gateway(parts: Parts, gateway: str, record: GatewayRecord | None) -> Gateway:
    heard = parts.live.current.gateways.get(gateway)
    site = heard.status.site if heard else ""
    return Gateway(
        **dict(reported(check_identifier(gateway), heard)),
        name=record.name if record else "",
        site=(record.site if record else "") or site,
        declared=Declared.API if record else Declared.FILE,
        configuration=Versions(
            wanted=record.config_version if record else 0,
            applied=heard.status.configuration if heard else None,
        ),
        created_at=time_or_none(record.created_at if record else None),
        changed_at=time_or_none(record.changed_at if record else None),
    )
