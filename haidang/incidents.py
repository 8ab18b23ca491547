"""Incidents on the command line: for a duty officer with nothing but a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from haidang.installation import Installation
from registry.incidents import Incident, IncidentState
from telemetry.times import VIETNAM

OPEN_STATES = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.CLEARED)


async def print_incidents(installation: Installation, out: Console, *, everything: bool) -> None:
    """Incidents as a table, newest first. Raises RegistryError."""
    async with installation.registry() as registry:
        states = tuple(IncidentState) if everything else OPEN_STATES
        out.print(_table(await registry.incidents.list(states=states)))


async def acknowledge_incident(
    installation: Installation, out: Console, number: int, by: str, note: str
) -> None:
    """Acknowledges and says so. Raises RegistryError, NotFound, Conflict."""
    async with installation.registry() as registry:
        incident = await registry.incidents.acknowledge(number, by, note)
        out.print(
            f"#{incident.id} {incident.title.vi} / {incident.title.en}: {incident.acknowledged_by}",
            markup=False,
            highlight=False,
        )


def local(nanoseconds: int) -> str:
    """A time as people here read it."""
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).astimezone(VIETNAM).strftime("%d/%m %H:%M:%S")


def _table(incidents: Sequence[Incident]) -> Table:
    table = Table(
        "#",
        "mức / severity",
        "sự cố / incident",
        "thiết bị / device",
        "trạng thái / state",
        "từ / since",
        "×",
    )
    for one in incidents:
        title = Text(f"{one.title.vi} / {one.title.en}")
        by = f" ({one.acknowledged_by})" if one.acknowledged_by else ""
        table.add_row(
            str(one.id),
            one.severity,
            title,
            Text(one.device),
            Text(f"{one.state}{by}"),
            local(one.opened_at),
            str(one.firings),
        )
    return table
