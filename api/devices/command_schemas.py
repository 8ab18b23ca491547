"""What the API takes and shows of commands."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from api.shapes import Given, Shown, time_or_none
from registry import CommandEntry
from telemetry import Action, Argument, Title, Value, format_utc
from telemetry.commands import Kind
from telemetry.devices import Duration

LONGEST_TIMEOUT = 60.0  # seconds
MOST_ARGUMENTS = 50


def _check_printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("is one line that names somebody")
    return text


Somebody = Annotated[str, AfterValidator(_check_printable)]


class ArgumentShape(Shown):
    """One thing an action needs to know. unit: UCUM code. default: what it is when left out."""

    name: str
    title: Title
    kind: Kind
    required: bool
    unit: str
    minimum: float | None
    maximum: float | None
    choices: Sequence[str]
    default: Value | None


class ActionShape(Shown):
    """Something the device can be told."""

    name: str
    title: Title
    arguments: Sequence[ArgumentShape]


class Actions(Shown):
    """What a device can be told; none where it only listens."""

    items: Sequence[ActionShape]


class NewCommand(Given):
    """A command to be carried out now.

    timeout: how long it may take; what was not sent to the device by then is given up. A gateway that says
    nothing is waited for a second longer.
    """

    action: str = Field(min_length=1, max_length=100, examples=["set_coil"])
    arguments: dict[str, Value] = Field(default={}, max_length=MOST_ARGUMENTS, examples=[{"on": True}])
    timeout: Annotated[Duration, Field(ge=0.1, le=LONGEST_TIMEOUT)] = Field(
        default=5.0, description="Seconds, or text such as `500ms`; a minute at most.", examples=["5s"]
    )
    by: Somebody = Field(
        min_length=1,
        max_length=100,
        description="Who gives it, as the ledger will show.",
        examples=["Trực ban Nguyễn An"],
    )


class CommandState(StrEnum):
    """How a command stands. Unanswered: its time is over, and it may have been carried out or not."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    UNANSWERED = "unanswered"


class CommandShape(Shown):
    """A command and its end. done: null while there is no reply.

    reason: empty when done, else `refused`, `timeout` (no answer of the device: it may have been done or
    not), `unsent`, `expired` or `mismatch`; detail: a sentence. values: what the device answered.
    """

    id: str
    device: str
    gateway: str
    action: str
    arguments: Mapping[str, Value]
    by: str
    address: str
    asked_at: str
    expires_at: str
    replied_at: str | None
    state: CommandState
    done: bool | None
    reason: str
    detail: str
    values: Mapping[str, Value]


def action_shape(action: Action) -> ActionShape:
    """The action as shown."""
    arguments = [_argument_shape(argument) for argument in action.arguments]
    return ActionShape(name=action.name, title=action.title, arguments=arguments)


def command_shape(entry: CommandEntry, now: int) -> CommandShape:
    """The entry as shown. now: UTC nanoseconds."""
    command = entry.command
    return CommandShape(
        id=command.id,
        device=command.device,
        gateway=entry.gateway,
        action=command.action,
        arguments=command.arguments,
        by=entry.by,
        address=entry.address,
        asked_at=format_utc(entry.asked_at),
        expires_at=format_utc(command.expires_at),
        replied_at=time_or_none(entry.replied_at),
        state=_state(entry, now),
        done=None if entry.replied_at is None else not entry.reason,
        reason=entry.reason,
        detail=entry.detail,
        values=entry.values,
    )


def _state(entry: CommandEntry, now: int) -> CommandState:
    if entry.replied_at is None:
        return CommandState.WAITING if now <= entry.command.expires_at else CommandState.UNANSWERED
    return CommandState.FAILED if entry.reason else CommandState.DONE


def _argument_shape(argument: Argument) -> ArgumentShape:
    return ArgumentShape(
        name=argument.name,
        title=argument.title,
        kind=argument.kind,
        required=argument.default is None,
        unit=argument.unit,
        minimum=argument.minimum,
        maximum=argument.maximum,
        choices=argument.choices,
        default=argument.default,
    )
