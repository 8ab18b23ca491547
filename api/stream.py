"""WebSocket `/live`: first everything as it is, then what changes, as `{"type": …, "items": […]}`."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter, Query
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.audience import Interest
from api.current import Item, Topic
from api.geography import Box
from api.live import LiveView, Seat
from api.parts import PartsOf
from api.problems import problem_response
from telemetry import LinkError
from telemetry.devices import check_identifier

MOST_DEVICES = 1_000
SEND_TIME = 60.0  # seconds a client may take to read what was sent before it is given up

log = structlog.get_logger()
router = APIRouter(tags=["live"])


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What a client may send. subscribe: which topics. devices, vessels: as in the query, null for all."""

    subscribe: list[Topic] = []
    devices: list[str] | None = None
    vessels: str | None = None


@router.websocket("/live", name="live")
async def live(
    websocket: WebSocket,
    parts: PartsOf,
    devices: Annotated[str | None, Query()] = None,
    vessels: Annotated[str | None, Query()] = None,
) -> None:
    """devices: ids, separated by commas. vessels: west,south,east,north. Left out: all."""
    try:
        names = None if devices is None else [name for name in devices.split(",") if name]
        interest = interest_of(Wish(list(Topic), names, vessels))
    except ValueError as error:
        await _deny(websocket, 422, str(error))
        return
    try:
        async with parts.live.seat(interest) as seat:
            await websocket.accept()
            await _converse(websocket, parts.live, seat)
    except LinkError as error:
        await _deny(websocket, 503, str(error))


def interest_of(wish: Wish) -> Interest:
    """What the wish comes to. Raises ValueError that says what is wrong with it."""
    topics = frozenset(wish.subscribe or Topic)
    box = Box.parse(wish.vessels) if wish.vessels else None
    if wish.devices is None:
        return Interest(topics, None, box)
    if len(wish.devices) > MOST_DEVICES:
        raise ValueError(f"name at most {MOST_DEVICES} devices, or leave devices out for all")
    return Interest(topics, frozenset(map(check_identifier, wish.devices)), box)


def messages(items: Sequence[Item], dropped: int) -> Iterator[str]:
    """The items as live messages, in order; `dropped` counts states that newer ones replaced unsent."""
    for topic, group in groupby(items, key=lambda item: item.topic):
        body = b",".join(item.json for item in group)
        yield f'{{"type":"{topic}","items":[{body.decode()}],"dropped":{dropped}}}'


async def _converse(websocket: WebSocket, view: LiveView, seat: Seat) -> None:
    """Until the client is gone, or does not read what was sent."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_send(websocket, seat))
            tasks.create_task(_listen(websocket, view, seat))
    except* (TimeoutError, WebSocketDisconnect) as gone:
        log.debug("api.listener_gone", reason=repr(gone.exceptions[0]))


async def _send(websocket: WebSocket, seat: Seat) -> None:
    while True:
        for message in messages(await seat.items(), seat.listener.dropped):
            async with asyncio.timeout(SEND_TIME):
                await websocket.send_text(message)


async def _listen(websocket: WebSocket, view: LiveView, seat: Seat) -> None:
    while True:
        received = await websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1000))
        try:
            wish = msgspec.json.decode(received.get("text") or received.get("bytes") or "", type=Wish)
            seat.listener.change(interest_of(wish))
        except (ValueError, RecursionError) as error:
            await websocket.send_json({"type": "problem", "detail": f"{error}"[:500]})
        else:
            view.show_all(seat)


async def _deny(websocket: WebSocket, status: int, detail: str) -> None:
    await websocket.send_denial_response(problem_response(status, detail, websocket.url.path))
