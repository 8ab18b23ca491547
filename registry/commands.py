"""The ledger of commands: who told which device what, when, from where, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, update

from registry.sessions import Sessions
from registry.tables import CommandRow
from telemetry import Command, Reply, Value


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended, by the gateway that said so. replied_at: UTC nanoseconds, the centre's."""

    gateway: str
    reply: Reply
    replied_at: int


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command as it was given, and its end once that is known. Times in UTC nanoseconds.

    by: who, as they call themselves. address: the network address it came from.
    replied_at: None while there is no reply; then reason, detail and values are empty.
    number: place in the ledger, given when it is written.
    """

    command: Command
    gateway: str
    by: str
    address: str
    asked_at: int
    number: int = 0
    replied_at: int | None = None
    reason: str = ""
    detail: str = ""
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])


class CommandLedger:
    """Writes and reads entries; nothing is ever changed but an end added, once.

    Everything raises RegistryError when the registry is away.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def record(self, entry: CommandEntry) -> None:
        """A command that is about to be sent. Raises Conflict for an id that is there already."""
        command = entry.command
        row = CommandRow(
            id=command.id,
            device=command.device,
            gateway=entry.gateway,
            action=command.action,
            asked_by=entry.by,
            asked_from=entry.address,
            arguments=dict(command.arguments),
            asked_at=entry.asked_at,
            expires_at=command.expires_at,
            replied_at=None,
            reason="",
            detail="",
            reply_values={},
        )
        async with self._sessions.writing() as session:
            session.add(row)

    async def complete(self, ends: Sequence[CommandEnd]) -> None:
        """Adds ends, each to the entry of its id and gateway that has none; what fits no entry is left."""
        async with self._sessions.writing() as session:
            for end in ends:
                reply = end.reply
                unanswered = update(CommandRow).where(
                    CommandRow.id == reply.command,
                    CommandRow.gateway == end.gateway,
                    CommandRow.replied_at.is_(None),
                )
                await session.execute(
                    unanswered.values(
                        replied_at=end.replied_at,
                        reason=reply.reason,
                        detail=reply.detail,
                        reply_values=dict(reply.values),
                    )
                )

    async def list(
        self, device: str, *, limit: int = 100, before: int | None = None
    ) -> Sequence[CommandEntry]:
        """At most `limit` commands to a device, newest first, those with a number below `before`."""
        query = select(CommandRow).where(CommandRow.device == device)
        if before is not None:
            query = query.where(CommandRow.number < before)
        async with self._sessions.reading() as session:
            rows = await session.scalars(query.order_by(CommandRow.number.desc()).limit(limit))
            return [_entry(row) for row in rows]


def _entry(row: CommandRow) -> CommandEntry:
    return CommandEntry(
        command=Command(row.id, row.device, row.action, row.arguments, row.expires_at),
        gateway=row.gateway,
        by=row.asked_by,
        address=row.asked_from,
        asked_at=row.asked_at,
        number=row.number,
        replied_at=row.replied_at,
        reason=row.reason,
        detail=row.detail,
        values=row.reply_values,
    )
