"""`/gateways`."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.gateways import service
from api.gateways.schemas import Gateway, GatewayChange, NewGateway
from api.paging import Cursor, Limit, Page
from api.parts import PartsOf
from telemetry.devices import Identifier

router = APIRouter(prefix="/gateways", tags=["gateways"])
GatewayId = Annotated[Identifier, Path(description="The gateway's id.", examples=["dinh-vu"])]


@router.get("", operation_id="listGateways", summary="List gateways")
async def list_gateways(parts: PartsOf, limit: Limit = 100, cursor: Cursor = None) -> Page[Gateway]:
    """All gateways in order of id: those created here, those a configuration file declares, and those
    that report themselves."""
    return await service.list_gateways(parts, limit, cursor)


@router.post("", operation_id="createGateway", summary="Create a gateway", status_code=201)
async def create_gateway(parts: PartsOf, new: NewGateway) -> Gateway:
    """A gateway may be created before it first reports."""
    return await service.create_gateway(parts, new)


@router.get("/{gateway_id}", operation_id="getGateway", summary="Read a gateway")
async def get_gateway(parts: PartsOf, gateway_id: GatewayId) -> Gateway:
    """The gateway, and what it last said of itself."""
    return await service.get_gateway(parts, gateway_id)


@router.patch("/{gateway_id}", operation_id="changeGateway", summary="Change a gateway")
async def change_gateway(parts: PartsOf, gateway_id: GatewayId, change: GatewayChange) -> Gateway:
    """Changes what is given. 409 for one that a configuration file declares."""
    return await service.change_gateway(parts, gateway_id, change)


@router.delete("/{gateway_id}", operation_id="deleteGateway", summary="Delete a gateway", status_code=204)
async def delete_gateway(parts: PartsOf, gateway_id: GatewayId) -> None:
    """Forgets a gateway that has no devices. While it reports itself it is still listed."""
    await service.delete_gateway(parts, gateway_id)
