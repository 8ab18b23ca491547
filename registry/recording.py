"""How firings and clearings become incidents, and incidents notifications, within one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set

from sqlalchemy import select
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
        self._pending: dict[IncidentRow, list[NotificationRow]] = defaultdict(list)
        self._new: list[tuple[IncidentRow, NotificationRow]] = []

    async def record(self, changes: Sequence[Change]) -> Sequence[IncidentRow]:
        """Applies the changes in order; gives the incidents that are different now."""
        await self._read({change.rule_id for change in changes})
        touched: dict[IncidentRow, None] = {}
        for change in changes:
            row = await self._fire(change) if isinstance(change, Firing) else self._clear(change)
            if row is not None:
                touched[row] = None
        await self._session.flush()  # gives new incidents their numbers
        for incident, notification in self._new:
            notification.incident_id = incident.id
            self._session.add(notification)
        return list(touched)

    async def _read(self, rules: Set[str]) -> None:
        about = IncidentRow.rule_id.in_(rules) & (IncidentRow.state != IncidentState.CLOSED)
        incidents: dict[int, IncidentRow] = {}
        for row in await self._session.scalars(select(IncidentRow).where(about)):
            self._unclosed[row.rule_id, row.device] = incidents[row.id] = row
        pending = select(NotificationRow).join(IncidentRow, NotificationRow.incident_id == IncidentRow.id)
        is_pending = NotificationRow.state == NotificationState.PENDING
        for notification in await self._session.scalars(pending.where(about, is_pending)):
            self._pending[incidents[notification.incident_id]].append(notification)

    async def _fire(self, firing: Firing) -> IncidentRow | None:
        row = self._unclosed.get((firing.rule_id, firing.device))
        if row is not None and row.state in FIRING_STATES:
            return None
        if row is None or self._is_over(row, firing.at):
            return await self._open(firing, replaces=row)
        self._reopen(row, firing)
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
        self._unclosed[firing.rule_id, firing.device] = row
        self._tell(row, Cause.OPENED)
        return row

    def _reopen(self, row: IncidentRow, firing: Firing) -> None:
        cancelled = self._cancel(row, Cause.CLEARED)
        _describe(row, firing)
        row.state = IncidentState.OPEN if row.acknowledged_at is None else IncidentState.ACKNOWLEDGED
        row.cleared_at = None
        row.firings += 1
        row.changed_at = self._now
        believed_over = cancelled < len(row.notify)
        if believed_over and row.state == IncidentState.OPEN:
            self._tell(row, Cause.REPEATED)

    def _clear(self, clearing: Clearing) -> IncidentRow | None:
        row = self._unclosed.get((clearing.rule_id, clearing.device))
        if row is None or row.state not in FIRING_STATES:
            return None
        self._cancel(row, Cause.REPEATED)
        row.state = IncidentState.CLEARED
        row.cleared_at = clearing.at
        row.changed_at = self._now
        self._tell(row, Cause.CLEARED, after=self._policy.tell_cleared_after)
        return row

    def _tell(self, row: IncidentRow, cause: Cause, after: float = 0.0) -> None:
        new = notifications(row, row.notify, cause, self._now, after)
        self._pending[row] += new
        self._new += [(row, notification) for notification in new]

    def _cancel(self, row: IncidentRow, cause: Cause) -> int:
        untrue = [each for each in self._pending[row] if each.cause == cause]
        for notification in untrue:
            notification.state = NotificationState.CANCELLED
            notification.changed_at = self._now
        self._pending[row] = [each for each in self._pending[row] if each.cause != cause]
        return len(untrue)


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
