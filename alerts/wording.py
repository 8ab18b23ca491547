"""What a notification says: Vietnamese first, then English, with the incident's number in both.

The number lets a reader recognise a message that came twice, as it can after a crash.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from registry import Cause, Incident, Notification
from telemetry import Severity, Title
from telemetry.times import NANOSECONDS, VIETNAM

_SEVERITY = {
    Severity.INFO: Title(en="information", vi="thông tin"),
    Severity.WARNING: Title(en="warning", vi="cảnh báo"),
    Severity.CRITICAL: Title(en="critical", vi="nguy cấp"),
}
_CAUSE = {
    Cause.OPENED: Title(en="New incident", vi="Sự cố mới"),
    Cause.REPEATED: Title(en="Still or again so", vi="Nhắc lại, vẫn chưa hết"),
    Cause.CLEARED: Title(en="Over", vi="Đã hết"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A text ready to send."""

    title: str
    body: str
    severity: Severity


def compose(notification: Notification) -> Message:
    """The message of a notification."""
    incident = notification.incident
    severity, cause = _SEVERITY[incident.severity], _CAUSE[notification.cause]
    vietnamese = _vietnamese(incident, severity.vi, cause.vi)
    english = _english(incident, severity.en, cause.en)
    over = notification.cause == Cause.CLEARED
    return Message(
        title=f"[Hải Đăng #{incident.id}] {cause.vi}: {incident.title.vi} / {incident.title.en}",
        body=f"{vietnamese}\n\n{english}\n",
        severity=Severity.INFO if over else incident.severity,
    )


def _vietnamese(incident: Incident, severity: str, cause: str) -> str:
    lines = [
        f"{cause}: {incident.title.vi}",
        incident.detail.vi,
        f"Thiết bị: {incident.device}",
        f"Bắt đầu: {_local(incident.opened_at)}",
    ]
    if incident.cleared_at is not None:
        lines.append(f"Kết thúc: {_local(incident.cleared_at)}")
    if incident.firings > 1:
        lines.append(f"Đã xảy ra {incident.firings} lần, lần cuối: {_local(incident.last_fired_at)}")
    answered = (
        f"{incident.acknowledged_by} đã tiếp nhận" if incident.acknowledged_by else "chưa có người tiếp nhận"
    )
    return "\n".join([*lines, f"Sự cố số {incident.id}, mức {severity}, {answered}"])


def _english(incident: Incident, severity: str, cause: str) -> str:
    lines = [
        f"{cause}: {incident.title.en}",
        incident.detail.en,
        f"Device: {incident.device}",
        f"Since: {_utc(incident.opened_at)}",
    ]
    if incident.cleared_at is not None:
        lines.append(f"Until: {_utc(incident.cleared_at)}")
    if incident.firings > 1:
        lines.append(f"Happened {incident.firings} times, last: {_utc(incident.last_fired_at)}")
    answered = (
        f"acknowledged by {incident.acknowledged_by}" if incident.acknowledged_by else "not acknowledged"
    )
    return "\n".join([*lines, f"Incident {incident.id}, {severity}, {answered}"])


def _local(nanoseconds: int) -> str:
    return f"{_moment(nanoseconds).astimezone(VIETNAM):%H:%M:%S ngày %d/%m/%Y} (giờ Việt Nam)"


def _utc(nanoseconds: int) -> str:
    moment = _moment(nanoseconds)
    return f"{moment.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S} Asia/Ho_Chi_Minh ({moment:%Y-%m-%d %H:%M:%S} UTC)"


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // NANOSECONDS, UTC)
