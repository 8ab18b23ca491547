"""Publishes what changed for consoles and the API: newest readings, ships, incidents.

Changes gather while a publication is under way, so a slow broker makes publications larger and
rarer, never a queue.
"""

import asyncio
from collections.abc import Iterable
from itertools import islice

from broker import topics
from broker.session import Session
from broker.wire import LiveReading, encode
from registry.incidents import Incident
from telemetry import Reading
from vessels.picture import Vessel

ITEMS = 500  # in one message, so that it stays well below the broker's largest payload


class LivePublisher:
    """Collects changes by device, ship and incident; `run` sends them on."""

    def __init__(self) -> None:
        self._readings: dict[tuple[str, ...], LiveReading] = {}
        self._vessels: dict[int, Vessel] = {}
        self._incidents: set[int] = set()
        self._changed = asyncio.Event()

    def readings(self, gateway: str, readings: Iterable[Reading], received_at: int) -> None:
        """The newest counts, of each device and set of values: a mast says wind and air by turns."""
        newest = {(reading.device, *reading.values): reading for reading in readings}
        for key, reading in newest.items():
            self._readings[key] = LiveReading(
                gateway,
                reading.device,
                reading.kind,
                reading.observed_at,
                received_at,
                reading.values,
                reading.quality,
            )
        self._changed.set()

    def vessels(self, vessels: Iterable[Vessel]) -> None:
        """Ships as they are now."""
        self._vessels.update((vessel.mmsi, vessel) for vessel in vessels)
        self._changed.set()

    def incidents(self, incidents: Iterable[Incident]) -> None:
        """Incidents that changed; who listens reads them in the registry."""
        self._incidents.update(incident.id for incident in incidents)
        self._changed.set()

    async def run(self, session: Session) -> None:
        """Publishes changes until the session breaks (LinkError)."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            readings, self._readings = self._readings, {}
            vessels, self._vessels = self._vessels, {}
            incidents, self._incidents = self._incidents, set()
            await _publish(session, topics.LIVE_READINGS, readings.values())
            await _publish(session, topics.LIVE_VESSELS, vessels.values())
            await _publish(session, topics.LIVE_INCIDENTS, incidents)


async def _publish(session: Session, topic: str, items: Iterable[object]) -> None:
    remaining = iter(items)
    while part := list(islice(remaining, ITEMS)):
        await session.publish(topic, encode(part))
