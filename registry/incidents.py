"""Incidents in the registry: what became of a rule's firings for one device, however often it flaps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from registry.errors import Conflict, NotFound
from registry.recording import Recording, notifications
from registry.sessions import Sessions
from registry.states import FIRING_STATES, Cause, IncidentPolicy, IncidentState, NotificationState
from registry.tables import IncidentRow, NotificationRow
from telemetry import Change, Firing, RegistryError, Severity, Title
from telemetry.times import NANOSECONDS

__all__ = ["Incident", "IncidentPolicy", "IncidentRepository", "IncidentState"]


@dataclass(frozen=True, slots=True)
class Incident:
    """A rule's firing for a device and all that followed. Times in UTC nanoseconds.

    title, detail, value, notify: of the last firing. firings: how often it fired.
    """

    id: int
    rule_id: str
    device: str
    severity: Severity
    title: Title
    detail: Title
    value: float
    notify: tuple[str, ...]
    state: IncidentState
    firings: int
    opened_at: int
    last_fired_at: int
    cleared_at: int | None
    acknowledged_at: int | None
    acknowledged_by: str | None
    note: str


class IncidentRepository:
    """Record, read and acknowledge incidents. Everything raises RegistryError when the registry is away."""

    def __init__(self, sessions: Sessions, policy: IncidentPolicy) -> None:
        self._sessions = sessions
        self._policy = policy

    async def record(self, changes: Sequence[Change]) -> Sequence[Incident]:
        """Makes incidents and their notifications of what the rules said, in one transaction.

        Safe to repeat: a firing of what fires already changes nothing. Gives the changed incidents.
        """
        if not changes:
            return []
        async with self._sessions.writing() as session:
            recording = Recording(session, self._policy, self._sessions.now())
            return [incident(row) for row in await recording.record(changes)]

    async def firing(self) -> Sequence[Firing]:
        """Everything that fires now, for an evaluator to go on from after a restart."""
        query = select(IncidentRow).where(IncidentRow.state.in_(FIRING_STATES)).order_by(IncidentRow.id)
        async with self._sessions.reading() as session:
            return [_firing(row) for row in await session.scalars(query)]

    async def get(self, incident_id: int) -> Incident:
        """The incident. Raises NotFound."""
        async with self._sessions.reading() as session:
            return incident(await _row(session, incident_id))

    async def list(
        self,
        *,
        states: Collection[IncidentState] = tuple(IncidentState),
        limit: int = 100,
        before: int | None = None,
    ) -> Sequence[Incident]:
        """At most `limit` incidents in these states, newest first, those with an id below `before`."""
        query = select(IncidentRow).where(IncidentRow.state.in_(list(states)))
        if before is not None:
            query = query.where(IncidentRow.id < before)
        async with self._sessions.reading() as session:
            rows = await session.scalars(query.order_by(IncidentRow.id.desc()).limit(limit))
            return [incident(row) for row in rows]

    async def acknowledge(self, incident_id: int, by: str, note: str = "") -> Incident:
        """Somebody has it in hand: no more repeats. Acknowledging again keeps the first name.

        Raises NotFound, and Conflict for a closed incident.
        """
        if not by.strip():
            raise RegistryError("an acknowledgement needs the name of who gives it")
        async with self._sessions.writing() as session:
            row = await _row(session, incident_id)
            if row.state == IncidentState.CLOSED:
                raise Conflict(f"incident {incident_id} is closed; there is nothing left to acknowledge")
            await self._accept(session, row, by)
            row.note = note or row.note
            return incident(row)

    async def _accept(self, session: AsyncSession, row: IncidentRow, by: str) -> None:
        if row.acknowledged_at is not None:
            return
        row.acknowledged_at = row.changed_at = self._sessions.now()
        row.acknowledged_by = by
        if row.state == IncidentState.OPEN:
            row.state = IncidentState.ACKNOWLEDGED
        repeats = update(NotificationRow).where(
            NotificationRow.incident_id == row.id,
            NotificationRow.cause == Cause.REPEATED,
            NotificationRow.state == NotificationState.PENDING,
        )
        await session.execute(repeats.values(state=NotificationState.CANCELLED, changed_at=row.changed_at))

    async def remind(self, every: float) -> int:
        """New notifications of critical incidents that nobody acknowledged for `every` seconds.

        A contact still waiting for an earlier one gets no second. Returns how many incidents were repeated.
        """
        now = self._sessions.now()
        overdue = select(IncidentRow).where(
            IncidentRow.state == IncidentState.OPEN,
            IncidentRow.severity == Severity.CRITICAL,
            IncidentRow.notified_at <= now - int(every * NANOSECONDS),
        )
        async with self._sessions.reading() as session:
            if (await session.scalars(overdue.limit(1))).first() is None:
                return 0
        async with self._sessions.writing() as session:
            rows = (await session.scalars(overdue)).all()
            for row in rows:
                await _remind(session, row, now)
            return len(rows)

    async def close_settled(self) -> int:
        """Closes what was acknowledged and has stayed clear for `reopen_within`. Returns how many."""
        now = self._sessions.now()
        settled = (
            IncidentRow.state == IncidentState.CLEARED,
            IncidentRow.acknowledged_at.is_not(None),
            IncidentRow.changed_at <= now - int(self._policy.reopen_within * NANOSECONDS),
        )
        async with self._sessions.reading() as session:
            if (await session.scalars(select(IncidentRow.id).where(*settled).limit(1))).first() is None:
                return 0
        close = update(IncidentRow).where(*settled).values(state=IncidentState.CLOSED, changed_at=now)
        async with self._sessions.writing() as session:
            return len((await session.scalars(close.returning(IncidentRow.id))).all())


def incident(row: IncidentRow) -> Incident:
    """What the row says."""
    return Incident(
        id=row.id,
        rule_id=row.rule_id,
        device=row.device,
        severity=Severity(row.severity),
        title=Title(en=row.title_en, vi=row.title_vi),
        detail=Title(en=row.detail_en, vi=row.detail_vi),
        value=row.value,
        notify=tuple(row.notify),
        state=IncidentState(row.state),
        firings=row.firings,
        opened_at=row.opened_at,
        last_fired_at=row.last_fired_at,
        cleared_at=row.cleared_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        note=row.note,
    )


def _firing(row: IncidentRow) -> Firing:
    return Firing(
        rule_id=row.rule_id,
        device=row.device,
        at=row.last_fired_at,
        value=row.value,
        severity=Severity(row.severity),
        title=Title(en=row.title_en, vi=row.title_vi),
        detail=Title(en=row.detail_en, vi=row.detail_vi),
        notify=tuple(row.notify),
    )


async def _row(session: AsyncSession, incident_id: int) -> IncidentRow:
    row = await session.get(IncidentRow, incident_id)
    if row is None:
        raise NotFound(f"there is no incident {incident_id}")
    return row


async def _remind(session: AsyncSession, row: IncidentRow, now: int) -> None:
    waiting = select(NotificationRow.contact).where(
        NotificationRow.incident_id == row.id,
        NotificationRow.state.in_([NotificationState.PENDING, NotificationState.SENDING]),
    )
    busy = set((await session.scalars(waiting)).all())
    row.notified_at = now
    row.repeats += 1
    session.add_all(notifications(row, [c for c in row.notify if c not in busy], Cause.REPEATED, now))
