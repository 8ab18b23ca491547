"""How firings and clearings become incidents, and incidents notifications, within one transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from registry.states import FIRING_STATES, Cause, IncidentPolicy, IncidentState, NotificationState
from registry.tables import IncidentRow, NotificationRow
from telemetry import Change, Clearing, Firing
from telemetry.times import NANOSECONDS


class Recording:
    """One transaction's worth of changes; recording the same change twice changes nothing more."""

    def __init__(self, session: AsyncSession, policy: IncidentPolicy, now: int) -> None:
        self._session = session
        self._policy = policy
        self._now = now
        self._unclosed: dict[tuple[str, str], IncidentRow] = {}

    async def record(self, changes: Sequence[Change]) -> Sequence[IncidentRow]:
        """Applies the changes in order; gives the incidents that are different now."""
        rules = {change.rule_id for change in changes}
        unclosed = select(IncidentRow).where(
            IncidentRow.rule_id.in_(rules), IncidentRow.state != IncidentState.CLOSED
        )
        self._unclosed = {(row.rule_id, row.device): row for row in await self._session.scalars(unclosed)}
        touched: dict[int, IncidentRow] = {}
        for change in changes:
            row = await (self._fire(change) if isinstance(change, Firing) else self._clear(change))
            if row is not None:
                touched[row.id] = row
        return list(touched.values())

    async def _fire(self, firing: Firing) -> IncidentRow | None:
        row = self._unclosed.get((firing.rule_id, firing.device))
        if row is not None and row.state in FIRING_STATES:
            return None
        if row is None or self._is_over(row, firing.at):
            return await self._open(firing, replaces=row)
        await self._reopen(row, firing)
        return row

    def _is_over(self, row: IncidentRow, fired_at: int) -> bool:
        if row.acknowledged_at is None or row.cleared_at is None:
            return False
        return fired_at - row.cleared_at > self._policy.reopen_within * NANOSECONDS

    async def _open(self, firing: Firing, replaces: IncidentRow | None) -> IncidentRow:
        if replaces is not None:
            replaces.state = IncidentState.CLOSED
            replaces.changed_at = self._now
            await self._session.flush()  # the index allows only one unclosed incident for the pair
        row = _new_incident(firing, self._now)
        self._session.add(row)
        await self._session.flush()
        self._unclosed[firing.rule_id, firing.device] = row
        self._tell(row, Cause.OPENED)
        return row

    async def _reopen(self, row: IncidentRow, firing: Firing) -> None:
        cancelled = await cancel(self._session, row.id, {Cause.CLEARED}, self._now)
        _describe(row, firing)
        row.state = IncidentState.OPEN if row.acknowledged_at is None else IncidentState.ACKNOWLEDGED
        row.cleared_at = None
        row.firings += 1
        row.changed_at = self._now
        believed_over = cancelled < len(row.notify)
        if believed_over and row.state == IncidentState.OPEN:
            self._tell(row, Cause.REPEATED)

    async def _clear(self, clearing: Clearing) -> IncidentRow | None:
        row = self._unclosed.get((clearing.rule_id, clearing.device))
        if row is None or row.state not in FIRING_STATES:
            return None
        await cancel(self._session, row.id, {Cause.REPEATED}, self._now)
        row.state = IncidentState.CLEARED
        row.cleared_at = clearing.at
        row.changed_at = self._now
        self._tell(row, Cause.CLEARED, after=self._policy.tell_cleared_after)
        return row

    def _tell(self, row: IncidentRow, cause: Cause, after: float = 0.0) -> None:
        self._session.add_all(notifications(row, row.notify, cause, self._now, after))


def notifications(
    row: IncidentRow, contacts: Iterable[str], cause: Cause, now: int, after: float = 0.0
) -> Sequence[NotificationRow]:
    """A pending notification for every contact, due in `after` seconds."""
    return [
        NotificationRow(
            incident_id=row.id,
            contact=contact,
            cause=cause,
            state=NotificationState.PENDING,
            attempts=0,
            channel=row.repeats,
            last_error="",
            next_attempt_at=now + int(after * NANOSECONDS),
            created_at=now,
            changed_at=now,
        )
        for contact in contacts
    ]


async def cancel(session: AsyncSession, incident_id: int, causes: Iterable[Cause], now: int) -> int:
    """Cancels the incident's pending notifications of these causes. Returns how many there were."""
    pending = (
        update(NotificationRow)
        .where(
            NotificationRow.incident_id == incident_id,
            NotificationRow.cause.in_(list(causes)),
            NotificationRow.state == NotificationState.PENDING,
        )
        .values(state=NotificationState.CANCELLED, changed_at=now)
        .returning(NotificationRow.id)
    )
    return len((await session.scalars(pending)).all())


def _new_incident(firing: Firing, now: int) -> IncidentRow:
    row = IncidentRow(
        rule_id=firing.rule_id,
        device=firing.device,
        state=IncidentState.OPEN,
        firings=1,
        repeats=0,
        note="",
        opened_at=firing.at,
        notified_at=now,
        changed_at=now,
    )
    _describe(row, firing)
    return row


def _describe(row: IncidentRow, firing: Firing) -> None:
    row.severity = firing.severity
    row.title_en, row.title_vi = firing.title.en, firing.title.vi
    row.detail_en, row.detail_vi = firing.detail.en, firing.detail.vi
    row.value = firing.value
    row.notify = list(firing.notify)
    row.last_fired_at = firing.at
