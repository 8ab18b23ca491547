"""The outbox of notifications: written together with the incident, taken out once they are sent.

So a crash loses none, and one that comes between sending and noting it sends the message again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from registry.errors import NotFound
from registry.incidents import Incident, incident
from registry.sessions import Sessions
from registry.states import Cause, NotificationState
from registry.tables import IncidentRow, NotificationRow
from telemetry.times import NANOSECONDS

__all__ = ["Cause", "Notification", "NotificationRepository", "NotificationState"]

LONGEST_WAIT = 3600.0
"""Seconds. What is due later than this was dated by a clock that has since been set back: it is due now."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to a contact about an incident. Times in UTC nanoseconds.

    attempts: how often sending began. channel: which of the contact's channels is next, counted on and
    on from 0. last_error: why the last attempt failed, empty when none did.
    """

    id: int
    incident: Incident
    contact: str
    cause: Cause
    state: NotificationState
    attempts: int
    channel: int
    last_error: str
    next_attempt_at: int
    created_at: int


class NotificationRepository:
    """Take, return and finish notifications; one notifier at a time works on a registry.

    Everything raises RegistryError when the registry is away.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def take_over(self) -> int:
        """What an earlier notifier had in hand when it ended is pending again. Returns how many."""
        now = self._sessions.now()
        interrupted = (
            update(NotificationRow)
            .where(NotificationRow.state == NotificationState.SENDING)
            .values(state=NotificationState.PENDING, next_attempt_at=now, changed_at=now)
            .returning(NotificationRow.id)
        )
        async with self._sessions.writing() as session:
            return len((await session.scalars(interrupted)).all())

    async def take(self, limit: int) -> Sequence[Notification]:
        """At most `limit` notifications that are due, oldest first; they are `sending` from now on."""
        now = self._sessions.now()
        time = NotificationRow.next_attempt_at
        due = (
            select(NotificationRow)
            .where(
                NotificationRow.state == NotificationState.PENDING,
                or_(time <= now, time > now + int(LONGEST_WAIT * NANOSECONDS)),
            )
            .order_by(NotificationRow.id)
            .limit(limit)
        )
        async with self._sessions.reading() as session:
            if (await session.scalars(due)).first() is None:
                return []
        async with self._sessions.writing() as session:
            return [await self._start(session, row) for row in (await session.scalars(due)).all()]

    async def _start(self, session: AsyncSession, row: NotificationRow) -> Notification:
        row.state = NotificationState.SENDING
        row.attempts += 1
        row.changed_at = self._sessions.now()
        about = await session.get_one(IncidentRow, row.incident_id)
        return _notification(row, about)

    async def sent(self, notification_id: int) -> None:
        """A channel took it."""
        async with self._sessions.writing() as session:
            row = await self._changed(session, notification_id)
            row.state = NotificationState.SENT

    async def retry(self, notification_id: int, error: str, *, after: float, channel: int) -> None:
        """It failed for this reason; again in `after` seconds (an hour at most) by this channel."""
        async with self._sessions.writing() as session:
            row = await self._changed(session, notification_id)
            row.state = NotificationState.PENDING
            row.last_error = error
            row.channel = channel
            row.next_attempt_at = row.changed_at + int(min(after, LONGEST_WAIT) * NANOSECONDS)

    async def give_up(self, notification_id: int, error: str) -> None:
        """It will not be tried again, for this reason."""
        async with self._sessions.writing() as session:
            row = await self._changed(session, notification_id)
            row.state = NotificationState.FAILED
            row.last_error = error

    async def list(self, incident_id: int) -> Sequence[Notification]:
        """All notifications of an incident, oldest first."""
        query = select(NotificationRow).where(NotificationRow.incident_id == incident_id)
        async with self._sessions.reading() as session:
            about = await session.get(IncidentRow, incident_id)
            if about is None:
                raise NotFound(f"there is no incident {incident_id}")
            rows = await session.scalars(query.order_by(NotificationRow.id))
            return [_notification(row, about) for row in rows]

    async def _changed(self, session: AsyncSession, notification_id: int) -> NotificationRow:
        row = await session.get(NotificationRow, notification_id)
        if row is None:
            raise NotFound(f"there is no notification {notification_id}")
        row.changed_at = self._sessions.now()
        return row


def _notification(row: NotificationRow, about: IncidentRow) -> Notification:
    return Notification(
        id=row.id,
        incident=incident(about),
        contact=row.contact,
        cause=Cause(row.cause),
        state=NotificationState(row.state),
        attempts=row.attempts,
        channel=row.channel,
        last_error=row.last_error,
        next_attempt_at=row.next_attempt_at,
        created_at=row.created_at,
    )
