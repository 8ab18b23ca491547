"""`/devices/{id}/actions` and `/devices/{id}/commands`: what a device can be told, and telling it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fastapi import APIRouter, Request

from api.devices.command_schemas import Actions, CommandShape, NewCommand, action_shape, command_shape
from api.devices.endpoints import DeviceId
from api.devices.service import placed_device
from api.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from api.parts import Parts, PartsOf
from api.problems import RefusedError, wrong
from registry import CommandEntry
from telemetry import Action, Command, CommandError, Device, ProfileError, Value
from telemetry.commands import find_action
from telemetry.times import NANOSECONDS

LIST = "commands"

router = APIRouter(prefix="/devices", tags=["commands"])


@router.get("/{device_id}/actions", operation_id="listActions", summary="What a device can be told")
async def list_actions(parts: PartsOf, device_id: DeviceId) -> Actions:
    """Each action with its arguments: kind, limits, unit, and what it is when left out."""
    device, _ = await placed_device(parts, device_id)
    return Actions(items=[action_shape(action) for action in _actions(parts, device)])


@router.post("/{device_id}/commands", operation_id="sendCommand", summary="Tell a device something")
async def send_command(
    parts: PartsOf, device_id: DeviceId, new: NewCommand, request: Request
) -> CommandShape:
    """Waits for the reply: 200 says how it ended, done or not. 422: the device cannot be told so. 429: too
    many commands to it wait. 503: its gateway or the broker is away, and nothing was sent. 504: no reply in
    time, so it may have been done or not."""
    device, gateway = await placed_device(parts, device_id)
    arguments = _checked(_actions(parts, device), new)
    _refuse_unreachable(parts, gateway)
    asked_at = parts.clock()
    expires_at = asked_at + int(new.timeout * NANOSECONDS)
    command = Command(secrets.token_hex(12), device_id, new.action, arguments, expires_at)
    address = request.client.host if request.client else ""
    entry = CommandEntry(command, gateway, new.by, address, asked_at)
    end = await parts.live.commands.send(entry, new.timeout)
    if end is None:
        raise RefusedError(504, _unanswered(entry, new.timeout))
    reply = end.reply
    ended = replace(
        entry, replied_at=end.replied_at, reason=reply.reason, detail=reply.detail, values=reply.values
    )
    return command_shape(ended, parts.clock())


@router.get("/{device_id}/commands", operation_id="listCommands", summary="Who told a device what")
async def list_commands(
    parts: PartsOf, device_id: DeviceId, limit: Limit = 100, cursor: Cursor = None
) -> Page[CommandShape]:
    """The ledger, newest first: every command that was sent, by whom, and how it ended."""
    before = decode_cursor(LIST, cursor, int)
    found = await parts.registry.commands.list(device_id, limit=limit + 1, before=before)
    if not found and before is None:
        await placed_device(parts, device_id)
    following = encode_cursor(LIST, found[limit - 1].number) if len(found) > limit else None
    now = parts.clock()
    return Page(items=[command_shape(entry, now) for entry in found[:limit]], next=following)


def _actions(parts: Parts, device: Device) -> Sequence[Action]:
    try:
        return parts.catalogue.open_driver(device).actions
    except ProfileError as error:
        raise RefusedError(
            409, f"Device {device.id!r} cannot be used with the profiles installed here: {error}"
        ) from error


def _checked(actions: Sequence[Action], new: NewCommand) -> Mapping[str, Value]:
    """The arguments with their defaults. Raises RefusedError naming what is wrong and what it takes."""
    try:
        action = find_action(actions, new.action)
    except CommandError as error:
        raise wrong("body/action", str(error)) from error
    try:
        return action.check(new.arguments)
    except CommandError as error:
        raise wrong(_where(action, new.arguments), str(error)) from error


def _where(action: Action, given: Mapping[str, Value]) -> str:
    """The first argument that is not as the action wants it."""
    unknown = given.keys() - {argument.name for argument in action.arguments}
    if unknown:
        return f"body/arguments/{min(unknown)[:100]}"
    for argument in action.arguments:
        try:
            Action(name=action.name, title=action.title, arguments=(argument,)).check(
                {name: value for name, value in given.items() if name == argument.name}
            )
        except CommandError:
            return f"body/arguments/{argument.name}"
    return "body/arguments"


def _refuse_unreachable(parts: Parts, gateway: str) -> None:
    heard = parts.live.current.gateways.get(gateway)
    if parts.live.connected and (heard is None or not heard.status.online):
        since = "is away" if heard else "was never heard"
        raise RefusedError(
            503, f"Gateway {gateway!r} {since}: nothing was sent. Try again once it is online."
        )


def _unanswered(entry: CommandEntry, timeout: float) -> str:
    command = entry.command
    return (
        f"No reply from gateway {entry.gateway!r} within {timeout:g} s: {command.action} may have been done "
        f"or not. Should the reply still come, /api/v1/devices/{command.device}/commands has it under "
        f"{command.id}."
    )
