"""`/incidents`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.incidents.schemas import Acknowledgement, IncidentShape, shape
from api.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from api.parts import PartsOf
from registry import IncidentState

LIST = "incidents"

router = APIRouter(prefix="/incidents", tags=["incidents"])
IncidentId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The incident's number.")]


@router.get("", operation_id="listIncidents", summary="List incidents")
async def list_incidents(
    parts: PartsOf,
    state: Annotated[
        list[IncidentState] | None, Query(description="Only these; may be given several times.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[IncidentShape]:
    """Newest first."""
    before = decode_cursor(LIST, cursor, int)
    states = tuple(state or IncidentState)
    found = await parts.registry.incidents.list(states=states, limit=limit + 1, before=before)
    following = encode_cursor(LIST, found[limit - 1].id) if len(found) > limit else None
    return Page(items=[shape(incident) for incident in found[:limit]], next=following)


@router.get("/{incident_id}", operation_id="getIncident", summary="Read an incident")
async def get_incident(parts: PartsOf, incident_id: IncidentId) -> IncidentShape:
    """The incident."""
    return shape(await parts.registry.incidents.get(incident_id))


@router.post(
    "/{incident_id}/acknowledge", operation_id="acknowledgeIncident", summary="Acknowledge an incident"
)
async def acknowledge_incident(
    parts: PartsOf, incident_id: IncidentId, acknowledgement: Acknowledgement
) -> IncidentShape:
    """Somebody has it in hand: it is repeated no more. Again keeps the first name. 409 once closed."""
    incident = await parts.registry.incidents.acknowledge(
        incident_id, acknowledgement.by, acknowledgement.note
    )
    parts.live.show_incident(incident)
    return shape(incident)
