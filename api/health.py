"""`/healthz`, `/readyz` and `/metrics`, for whoever watches the platform itself."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.parts import Parts, PartsOf
from api.problems import RefusedError
from api.shapes import Shown
from telemetry import HaidangError, format_utc

PATIENCE = 3.0  # seconds for each part
REACHABLE = "ok"

router = APIRouter(tags=["health"])


class Alive(Shown):
    """The process answers."""

    status: Literal["alive"]
    started_at: str


class Ready(Shown):
    """Everything it needs answers too. parts: registry, store and broker."""

    status: Literal["ready"]
    parts: Mapping[str, str]


@router.get("/healthz", operation_id="getHealth", summary="Whether this process is alive")
async def get_health(parts: PartsOf) -> Alive:
    """Restart it when this does not answer."""
    return Alive(status="alive", started_at=format_utc(parts.started_at))


@router.get("/readyz", operation_id="getReadiness", summary="Whether everything it needs is reachable")
async def get_readiness(parts: PartsOf) -> Ready:
    """503 says which part is not, and why."""
    registry, store = await asyncio.gather(
        _state(parts.registry.gateways.list(limit=1)), _state(parts.store.measurements())
    )
    states = {"registry": registry, "store": store, "broker": _broker(parts)}
    away = {name: state for name, state in states.items() if state != REACHABLE}
    if away:
        detail = "; ".join(f"{name}: {state}" for name, state in away.items())
        raise RefusedError(503, f"Not ready: {detail}", parts=states)
    return Ready(status="ready", parts=states)


@router.get("/metrics", operation_id="getMetrics", summary="Counters for Prometheus", response_class=Response)
async def get_metrics() -> Response:
    """Prometheus text format."""
    return Response(await asyncio.to_thread(generate_latest), media_type=CONTENT_TYPE_LATEST)


async def _state(question: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await question
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except HaidangError as error:
        return str(error)
    return REACHABLE


def _broker(parts: Parts) -> str:
    if parts.live.connected:
        return REACHABLE
    return f"no session with {parts.broker!r}; it is tried again and again"
