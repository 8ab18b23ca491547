"""What the API takes and shows of incidents."""

from pydantic import Field

from api.current import Item, Topic
from api.shapes import Given, Shown, time_or_none
from registry import Incident, IncidentState
from telemetry import Severity, Title, format_utc


class IncidentShape(Shown):
    """A rule's firing for a device and all that followed. firings: how often it fired."""

    id: int
    rule: str
    device: str
    severity: Severity
    title: Title
    detail: Title
    value: float = Field(
        description="Of the last firing: the number beyond the limit, or seconds of silence."
    )
    state: IncidentState
    firings: int
    opened_at: str
    last_fired_at: str
    cleared_at: str | None
    acknowledged_at: str | None
    acknowledged_by: str | None
    note: str


class Acknowledgement(Given):
    """Who has it in hand."""

    by: str = Field(min_length=1, max_length=100, pattern=r"\S", examples=["Trực ban Nguyễn An"])
    note: str = Field(default="", max_length=2_000)


def shape(incident: Incident) -> IncidentShape:
    """The incident as shown."""
    return IncidentShape(
        id=incident.id,
        rule=incident.rule_id,
        device=incident.device,
        severity=incident.severity,
        title=incident.title,
        detail=incident.detail,
        value=incident.value,
        state=incident.state,
        firings=incident.firings,
        opened_at=format_utc(incident.opened_at),
        last_fired_at=format_utc(incident.last_fired_at),
        cleared_at=time_or_none(incident.cleared_at),
        acknowledged_at=time_or_none(incident.acknowledged_at),
        acknowledged_by=incident.acknowledged_by,
        note=incident.note,
    )


def incident_item(incident: Incident) -> Item:
    """The incident in the live stream."""
    return Item(Topic.INCIDENTS, incident.id, shape(incident).model_dump_json().encode())
