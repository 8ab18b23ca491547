"""What travels on a gateway's command and reply topics (docs/wire.md)."""

import math
from collections.abc import Mapping
from typing import Annotated

import msgspec

from broker.wire import Whole, decode, encode
from telemetry import Command, Reply, Value, WireError
from telemetry.devices import check_identifier
from telemetry.words import check_name

LONGEST_LIFE = 120 * 10**9
"""Nanoseconds between asking and expiring, at most: so long a command may be on its way."""
LARGEST_COMMAND = 64_000  # bytes
LARGEST_REPLY = 64_000  # bytes
LONGEST_DETAIL = 500  # characters

CommandId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z-]{1,64}\Z")]


class CommandMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command on its way to a gateway. Times are UTC nanoseconds of the centre's clock.

    repeated: said once more after the connection broke, in order to hear the reply again; a gateway that
    does not know the command must not carry it out.
    """

    id: CommandId
    device: str
    action: str
    asked_at: Whole
    expires_at: Whole
    arguments: Mapping[str, Value] = {}
    repeated: bool = False

    @property
    def command(self) -> Command:
        """The command itself."""
        return Command(self.id, self.device, self.action, self.arguments, self.expires_at)


class ReplyMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a command ended; `id` is the command's. The other words are those of telemetry.Reply."""

    id: CommandId
    device: str
    reason: str = ""
    detail: str = ""
    values: Mapping[str, Value] = {}

    @property
    def reply(self) -> Reply:
        """The reply itself."""
        return Reply(self.id, self.device, self.reason, self.detail, self.values)


class _Addressed(msgspec.Struct, frozen=True):
    id: CommandId
    device: str = ""


def encode_command(command: Command, asked_at: int, *, repeated: bool = False) -> bytes:
    """The payload of a command. asked_at: UTC nanoseconds."""
    return encode(
        CommandMessage(
            command.id,
            command.device,
            command.action,
            asked_at,
            command.expires_at,
            command.arguments,
            repeated,
        )
    )


def decode_command(payload: bytes) -> CommandMessage:
    """The command in a payload. Raises WireError that says what is wrong with it."""
    if len(payload) > LARGEST_COMMAND:
        raise WireError(f"a command of {len(payload)} bytes; at most {LARGEST_COMMAND} are taken")
    message = decode(payload, CommandMessage)
    try:
        check_identifier(message.device)
        check_name(message.action)
    except ValueError as error:
        raise WireError(f"not a command: {error}") from error
    if not 0 < message.expires_at - message.asked_at <= LONGEST_LIFE:
        raise WireError(
            f"not a command: it must expire after it was asked, within {LONGEST_LIFE // 10**9} seconds"
        )
    return message


def addressee(payload: bytes) -> tuple[str, str]:
    """Id and device of a command that cannot be read otherwise, so that it can be answered.

    Raises WireError where not even they can be read.
    """
    if len(payload) > LARGEST_COMMAND:
        raise WireError("too large to look for its id")
    found = decode(payload, _Addressed)
    return found.id, found.device[:64]


def encode_reply(reply: Reply) -> bytes:
    """The payload of a reply: what JSON or a broker cannot carry of its values is left out."""
    values = {name: value for name, value in reply.values.items() if _can_travel(value)}
    detail = reply.detail[:LONGEST_DETAIL]
    payload = encode(ReplyMessage(reply.command, reply.device, reply.reason, detail, values))
    if len(payload) > LARGEST_REPLY:
        payload = encode(ReplyMessage(reply.command, reply.device, reply.reason, detail))
    return payload


def decode_reply(payload: bytes) -> ReplyMessage:
    """The reply in a payload. Raises WireError."""
    if len(payload) > LARGEST_REPLY:
        raise WireError(f"a reply of {len(payload)} bytes; at most {LARGEST_REPLY} are taken")
    return decode(payload, ReplyMessage)


def _can_travel(value: Value) -> bool:
    if isinstance(value, bool | str):
        return True
    return math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63
