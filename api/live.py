"""The live view: hears what ingest and the gateways publish, and passes it on to whoever listens.

live topics, statuses → Current → Audience → WebSockets
registry → Desired → retained configurations
replies → CommandRoad → ledger, and whoever waits
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter, Gauge

from api.audience import Interest, Listener
from api.command_road import CommandRoad
from api.current import Current, Heard, Item, Topic
from api.desired import Desired
from api.gateways.schemas import reported_item
from api.incidents.schemas import incident_item
from broker import topics
from broker.session import BrokerAddress, Message, Session, stay_connected, together
from broker.statuses import decode_status
from broker.wire import LiveReading, decode
from registry import Incident, IncidentState, Registry
from telemetry import LinkError, RegistryError, WireError
from vessels.picture import Vessel

MOST_LISTENERS = 200
MOST_INCIDENTS = 500
INCIDENTS_AGAIN_AFTER = 15.0  # seconds; others (the alerts service, the command line) change them too

log = structlog.get_logger()
_unreadable = Counter("haidang_api_unreadable_total", "Live messages that could not be read")
_listeners = Gauge("haidang_api_listeners", "Live WebSockets that are open")
_dropped = Counter("haidang_api_dropped_total", "States a slow WebSocket did not get to see")


class Seat:
    """A listener's place: what waits for it, and the wait for more."""

    def __init__(self, interest: Interest) -> None:
        self.listener = Listener(interest)
        self.more = asyncio.Event()

    async def items(self) -> Sequence[Item]:
        """The next items, once there are any."""
        while not (items := self.listener.take()):
            self.more.clear()
            await self.more.wait()
        return items

    def offer(self, items: Iterable[Item]) -> None:
        """What changed; it is up to the listener whether it wants it."""
        dropped = self.listener.dropped
        if self.listener.offer(items):
            self.more.set()
        _dropped.inc(self.listener.dropped - dropped)


class LiveView:
    """`run` it as long as the API serves. clock: UTC nanoseconds."""

    def __init__(
        self, broker: BrokerAddress, registry: Registry, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.current = Current()
        self.desired = Desired(registry)
        self.commands = CommandRoad(registry.commands)
        self._broker = broker
        self._registry = registry
        self._clock = clock
        self._client_id = f"haidang-api-{secrets.token_hex(4)}"
        self._seats: set[Seat] = set()
        self._session: Session | None = None
        self._incidents_changed = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether there is a session with the broker now."""
        return self._session is not None

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._seats)

    async def run(self) -> None:
        """Stays connected for ever."""
        staying = stay_connected(self._broker, self._client_id, self._converse)
        await together(staying, self.commands.record_ends(), self.commands.forget_old())

    def seed(self, readings: Iterable[LiveReading], vessels: Iterable[Vessel]) -> None:
        """What the store knew before anything is heard."""
        now = self._clock()
        self._tell(self.current.take_readings(readings, now))
        self._tell(self.current.take_vessels(vessels, now))

    @asynccontextmanager
    async def seat(self, interest: Interest) -> AsyncGenerator[Seat]:
        """A place in the audience: first everything as it is, then what changes.

        Raises LinkError when all places are taken.
        """
        if len(self._seats) >= MOST_LISTENERS:
            raise LinkError(f"{MOST_LISTENERS} listen already; close one, or try again later")
        seat = Seat(interest)
        self.show_all(seat)
        self._seats.add(seat)
        _listeners.set(len(self._seats))
        try:
            yield seat
        finally:
            self._seats.discard(seat)
            _listeners.set(len(self._seats))

    def show_all(self, seat: Seat) -> None:
        """Everything as it is, for a listener that is new or wants something else."""
        for topic in Topic:
            seat.offer(self.current.snapshot(topic))

    def show_incident(self, incident: Incident) -> None:
        """An incident that was changed here."""
        self._tell(self.current.show([incident_item(incident)]))
        if incident.state is IncidentState.CLOSED:
            self.current.forget(Topic.INCIDENTS, incident.id)

    def _tell(self, items: Sequence[Item]) -> None:
        if items:
            for seat in self._seats:
                seat.offer(items)

    async def _converse(self, session: Session) -> None:
        await session.subscribe(
            topics.LIVE_READINGS,
            topics.LIVE_VESSELS,
            topics.LIVE_INCIDENTS,
            topics.ALL_STATUSES,
            topics.ALL_REPLIES,
        )

        async def publish(topic: str, payload: bytes) -> None:
            await session.publish(topic, payload, retain=True)

        self._session = session
        try:
            await together(
                self._listen(session),
                self.desired.run(publish),
                self.commands.converse(session.publish),
                self._follow_incidents(),
            )
        finally:
            self._session = None

    async def _listen(self, session: Session) -> None:
        async for message in session.messages():
            try:
                self._tell(self._take(message))
            except (WireError, ValueError, OverflowError) as error:
                _unreadable.inc()
                log.warning("api.unreadable", topic=message.topic, reason=str(error))

    def _take(self, message: Message) -> Sequence[Item]:
        """Raises WireError, ValueError or OverflowError (a time no calendar has) for what cannot be read."""
        now = self._clock()
        if message.topic == topics.LIVE_READINGS:
            return self.current.take_readings(decode(message.payload, list[LiveReading]), now)
        if message.topic == topics.LIVE_VESSELS:
            return self.current.take_vessels(decode(message.payload, list[Vessel]), now)
        if message.topic == topics.LIVE_INCIDENTS:
            self._incidents_changed.set()
            return ()
        if message.topic.endswith("/reply"):
            self.commands.take_reply(message.topic, message.payload, now)
            return ()
        return self._take_status(message, now)

    def _take_status(self, message: Message, now: int) -> Sequence[Item]:
        gateway = topics.gateway_of(message.topic)
        if not message.payload:
            self.current.forget(Topic.GATEWAYS, gateway)
            return ()
        status = decode_status(message.payload)
        heard = self.current.take_status(gateway, Heard(status, None if message.retained else now))
        if status.online:
            self.desired.applied(gateway, status.configuration)
        return self.current.show([reported_item(gateway, heard)])

    async def _follow_incidents(self) -> None:
        """Incidents are told from the registry: a message, or some time, is only the cause to look."""
        while True:
            self._incidents_changed.clear()
            try:
                await self._look_at_incidents()
            except RegistryError as error:
                log.warning("api.incidents_unknown", reason=str(error))
            try:
                async with asyncio.timeout(INCIDENTS_AGAIN_AFTER):
                    await self._incidents_changed.wait()
            except TimeoutError:
                continue

    async def _look_at_incidents(self) -> None:
        unclosed = await self._registry.incidents.list(
            states=set(IncidentState) - {IncidentState.CLOSED}, limit=MOST_INCIDENTS
        )
        shown = {item.key for item in self.current.snapshot(Topic.INCIDENTS)}
        for incident_id in shown - {incident.id for incident in unclosed}:
            self.show_incident(await self._registry.incidents.get(int(incident_id)))
        self._tell(self.current.show(map(incident_item, unclosed)))
