"""The centre's end of the MQTT road: takes batches, has them stored, and says so with receipts.

    session → Ledger → queue → Stream → registry (firings) → store → receipt, then the live topics

A firing is in the registry, and its batch's points are in the store, before the receipt goes out. So
whatever dies in between, the gateway sends the batch again and nothing is lost or shown twice.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from broker import topics
from broker.session import BrokerAddress, Message, Session, stay_connected, together
from broker.statuses import decode_status, merged
from broker.wire import Batch, GatewayStatus, Poison, Receipt, decode_batch, encode
from ingest.columns import Intake, columns
from ingest.dead_letters import DeadLetter, DeadLetters, readable
from ingest.expected import ExpectedDevices
from ingest.health import health_points
from ingest.insisting import insist
from ingest.ledger import Ledger, Verdict
from ingest.live import LivePublisher
from ingest.restoring import restore_picture
from ingest.stream import Stream
from registry.incidents import IncidentRepository
from stores.contract import Points, Rejected, Source, Store
from telemetry import Change, Instant, LinkError, StoreError, WireError

WAITING_BATCHES = 64
READINGS_AT_ONCE = 10_000
TICK = 1.0  # seconds between looks at the rules that wait for silence

log = structlog.get_logger()
_readings = Counter("haidang_ingest_readings_total", "Readings stored", ["gateway"])
_batches = Counter("haidang_ingest_batches_total", "Batches by what became of them", ["verdict"])
_dead = Counter("haidang_ingest_dead_letters_total", "Things refused for ever")
_delay = Gauge("haidang_ingest_delay_seconds", "Age of the newest reading when it was stored", ["gateway"])
_store_up = Gauge("haidang_ingest_store_up", "1 while the store takes writes")


@dataclass(frozen=True, slots=True)
class _Taken:
    gateway: str
    batch: Batch

    @property
    def source(self) -> Source:
        return Source(self.gateway, self.batch.epoch)


class Ingest:
    """Runs until cancelled; then what was taken and not stored comes again from the gateways."""

    def __init__(
        self,
        broker: BrokerAddress,
        store: Store,
        incidents: IncidentRepository,
        stream: Stream,
        dead_letters: DeadLetters,
    ) -> None:
        self._broker = broker
        self._store = store
        self._incidents = incidents
        self._stream = stream
        self._dead_letters = dead_letters
        self._live = LivePublisher()
        self._queue: asyncio.Queue[_Taken] = asyncio.Queue(WAITING_BATCHES)
        self._ledger = Ledger({})
        self._expected = ExpectedDevices(())
        self._statuses: dict[str, GatewayStatus] = {}
        self._health: dict[str, Points] = {}
        self._session: Session | None = None
        self._recording = asyncio.Lock()
        self._store_refuses = False
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Never returns. A store or registry that is not there yet is waited for."""
        await insist(self._resume, "ingest.cannot_start_yet")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stay_connected(self._broker, "haidang-ingest", self._converse))
            tasks.create_task(self._store_forever())
            tasks.create_task(self._tick_forever())

    async def _resume(self) -> None:
        """Goes on from what the store and the registry know."""
        self._ledger = Ledger(await self._store.watermarks())
        await restore_picture(self._store, self._stream.picture, time.time_ns())
        firing = await self._incidents.firing()
        self._expected = ExpectedDevices(one.device for one in firing)
        await self._record(self._stream.evaluator.restore(firing, _now()))

    async def _converse(self, session: Session) -> None:
        await session.subscribe(topics.ALL_BATCHES, topics.ALL_STATUSES)
        self._session = session
        self.listening.set()
        for source in self._ledger.sources:
            await self._acknowledge(session, source)
        try:
            await together(self._listen(session), self._live.run(session))
        finally:
            self._session = None

    async def _listen(self, session: Session) -> None:
        async for message in session.messages():
            if message.topic.endswith("/status"):
                await self._learn(message)
            else:
                await self._receive(message, session)

    async def _learn(self, message: Message) -> None:
        try:
            gateway = topics.gateway_of(message.topic)
            status = decode_status(message.payload) if message.payload else None
        except (ValueError, WireError) as error:
            log.warning("ingest.status_unreadable", topic=message.topic, reason=str(error))
            return
        if status is None:
            self._statuses.pop(gateway, None)
            changed = self._expected.forget(gateway)
        else:
            if message.retained:
                status = replace(status, clock=0)  # said we do not know when
            self._statuses[gateway] = status = merged(self._statuses.get(gateway), status)
            self._health[gateway] = health_points(gateway, status, time.time_ns())
            changed = self._expected.learn(gateway, status)
        if changed:
            await self._record(self._stream.evaluator.expect(self._expected.ids, _now()))

    async def _receive(self, message: Message, session: Session) -> None:
        try:
            gateway = topics.gateway_of(message.topic)
            batch = decode_batch(message.payload)
        except (ValueError, WireError) as error:
            _batches.labels("unreadable").inc()
            poison = [Poison(f"{message.topic}: {error}", message.payload)]
            await self._bury(_letters("", "", 0, poison))
            return
        taken = _Taken(gateway, batch)
        verdict = self._ledger.judge(taken.source, batch.seq, batch.after)
        _batches.labels(verdict.name.lower()).inc()
        if verdict is Verdict.TAKE:
            await self._queue.put(taken)
        elif verdict in {Verdict.STORED, Verdict.AHEAD}:
            await self._acknowledge(session, taken.source)

    async def _store_forever(self) -> None:
        while True:
            batches = [await self._queue.get()]
            readings = len(batches[0].batch.readings)
            while not self._queue.empty() and readings < READINGS_AT_ONCE:
                batches.append(self._queue.get_nowait())
                readings += len(batches[-1].batch.readings)
            await self._settle(batches)

    async def _settle(self, batches: Sequence[_Taken]) -> None:
        now = _now()
        intakes: list[Intake] = []
        changes: list[Change] = []
        for taken in batches:
            meaning = self._stream.take(taken.batch.readings, now)
            intakes.append(Intake(taken.gateway, taken.batch.site, meaning.readings, meaning.observations))
            changes.extend(meaning.changes)
            self._live.vessels(meaning.vessels)
        await self._record(changes)
        for taken in batches:
            await self._bury(_letters(taken.gateway, taken.batch.epoch, taken.batch.seq, taken.batch.poison))
        await self._write(batches, intakes)
        for taken, intake in zip(batches, intakes, strict=True):
            self._live.readings(taken.gateway, intake.readings, now.utc)
            _count(taken)
        if self._session is not None:
            for source in {taken.source for taken in batches}:
                await self._acknowledge(self._session, source)

    async def _write(self, batches: Sequence[_Taken], intakes: Sequence[Intake]) -> None:
        """Tries until the store has it. A failed write may yet have landed, so the store is asked first."""
        waiting = list(zip(batches, intakes, strict=True))
        failed = False

        async def attempt() -> None:
            nonlocal waiting, failed
            try:
                if failed:
                    self._ledger.settle(await self._store.watermarks())
                    waiting = [(t, i) for t, i in waiting if t.batch.seq > self._ledger.stored(t.source)]
                await self._write_once(waiting)
            except StoreError:
                failed = self._store_refuses = True
                _store_up.set(0)
                raise

        await insist(attempt, "ingest.store_refuses")

    async def _write_once(self, waiting: Sequence[tuple[_Taken, Intake]]) -> None:
        marks = {taken.source: taken.batch.seq for taken, _ in waiting}
        rejected = await self._store.write(columns([intake for _, intake in waiting]), marks)
        _store_up.set(1)
        self._store_refuses = False
        self._ledger.settle(marks)
        await self._bury([_letter(one) for one in rejected])

    async def _record(self, changes: Sequence[Change]) -> None:
        """Tries until the registry has them; a clearing never overtakes the firing before it."""
        if not changes:
            return
        async with self._recording:
            recorded = await insist(lambda: self._incidents.record(changes), "ingest.registry_refuses")
            self._live.incidents(recorded)

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        _dead.inc(len(letters))
        log.warning("ingest.dead_letters", count=len(letters), reason=letters[0].reason)
        try:
            await asyncio.to_thread(self._dead_letters.append, letters, time.time_ns())
        except OSError as error:
            log.error("ingest.dead_letters_unwritable", reason=str(error), letters=list(map(str, letters)))

    async def _acknowledge(self, session: Session, source: Source) -> None:
        receipt = Receipt(source.epoch, self._ledger.stored(source))
        try:
            await session.publish(topics.receipts(source.gateway), encode(receipt))
        except LinkError as error:
            log.warning("ingest.receipt_not_sent", gateway=source.gateway, reason=str(error))

    async def _tick_forever(self) -> None:
        last = _now()
        while True:
            await asyncio.sleep(TICK)
            now = _now()
            self._stream.picture.expire(now.utc)
            if self._session is None or self._store_refuses:
                self._stream.evaluator.forgive(now.monotonic - last.monotonic)
            else:
                await self._record(self._stream.evaluator.tick(now))
            last = now
            await self._keep_health()

    async def _keep_health(self) -> None:
        """Statuses come again every few seconds, so one that the store refuses is let go."""
        health, self._health = self._health, {}
        try:
            if health:
                await self._store.write(list(health.values()))
        except StoreError as error:
            log.warning("ingest.health_not_stored", reason=str(error))


def _now() -> Instant:
    return Instant(time.time_ns(), time.monotonic())


def _count(taken: _Taken) -> None:
    _readings.labels(taken.gateway).inc(len(taken.batch.readings))
    if taken.batch.readings:
        age = (time.time_ns() - taken.batch.readings[-1].observed_at) / 1e9
        _delay.labels(taken.gateway).set(age)


def _letters(gateway: str, epoch: str, seq: int, poison: Sequence[Poison]) -> list[DeadLetter]:
    return [DeadLetter(gateway, epoch, seq, one.reason, readable(one.content)) for one in poison]


def _letter(rejected: Rejected) -> DeadLetter:
    content = encode([rejected.measurement, rejected.time, rejected.tags, rejected.fields])
    return DeadLetter(rejected.tags.get("gateway", ""), "", 0, rejected.reason, content.decode())
