"""The ledger of commands: who told which device what, when, from where, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select, update

from registry.sessions import Sessions
from registry.tables import CommandRow
from telemetry import Command, Reply, Value
from telemetry.times import NANOSECONDS

KEPT = 90 * 24 * 3600 * NANOSECONDS
"""Nanoseconds by which an entry may be older than the newest; each renewal of a camera's move is an entry."""
FORGOTTEN_AT_ONCE = 1_000


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
    """Writes and reads entries; nothing is ever changed but an end added, once. `forget` ends old ones.

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
                        reason=_storable(reply.reason),
                        detail=_storable(reply.detail),
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

    async def unanswered(self, expiring_after: int, limit: int) -> Sequence[CommandEntry]:
        """The newest without an end among those that expire after this UTC nanosecond."""
        query = select(CommandRow).where(
            CommandRow.replied_at.is_(None), CommandRow.expires_at > expiring_after
        )
        async with self._sessions.reading() as session:
            rows = await session.scalars(query.order_by(CommandRow.number.desc()).limit(limit))
            return [_entry(row) for row in rows]

    async def forget(self) -> bool:
        """Deletes the oldest entries, a thousand at most, that are KEPT older than the newest.

        True when that was not all. Measured by the ledger itself: a clock that runs ahead deletes nothing
        before somebody gives a command by it.
        """
        asked_at = select(CommandRow.asked_at).order_by(CommandRow.number.desc()).limit(1)
        oldest = select(CommandRow.number).order_by(CommandRow.number).limit(FORGOTTEN_AT_ONCE)
        async with self._sessions.writing() as session:
            newest = await session.scalar(asked_at) or 0
            numbers = (await session.scalars(oldest.where(CommandRow.asked_at < newest - KEPT))).all()
            await session.execute(delete(CommandRow).where(CommandRow.number.in_(numbers)))
        return len(numbers) == FORGOTTEN_AT_ONCE


def _storable(text: str) -> str:
    """PostgreSQL's text has no NUL, and one reply must not hold up the others."""
    return text.replace("\0", "\ufffd")


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
