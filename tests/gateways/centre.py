"""A scripted centre: takes batches as ingest does, and misbehaves with its receipts as it is told."""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from broker import topics
from broker.session import BrokerAddress, Session, stay_connected
from broker.statuses import decode_status
from broker.wire import Configuration, GatewayStatus, Receipt, decode_batch, encode
from gateways.background import background
from telemetry import Reading
from tests.waiting import until


@dataclass
class Centre:
    """readings: what was taken, each batch once and in order. deaf: batches are not even seen.

    lose, twice, late, partly: how often (0 to 1) a receipt is left out, doubled, held back until the
    next, or covers less than is stored. lies: receipts to send beside, whatever they say.
    """

    gateway: str
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    readings: list[Reading] = field(default_factory=list[Reading])
    statuses: list[GatewayStatus] = field(default_factory=list[GatewayStatus])
    stored: dict[str, int] = field(default_factory=dict[str, int])
    batches: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    sites: set[str] = field(default_factory=set[str])
    lies: list[Receipt] = field(default_factory=list[Receipt])
    lose: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    partly: float = 0.0
    deaf: bool = False
    session: Session | None = None
    _held: list[Receipt] = field(default_factory=list[Receipt])

    @property
    def numbers(self) -> list[int]:
        """The values of the numbered readings, in the order they were taken."""
        return [int(reading.values["value"]) for reading in self.readings]

    async def push(self, configuration: Configuration | bytes) -> None:
        """Puts a retained configuration on the broker."""
        assert self.session is not None
        payload = configuration if isinstance(configuration, bytes) else encode(configuration)
        await self.session.publish(topics.configuration(self.gateway), payload, retain=True)

    async def converse(self, session: Session) -> None:
        """Takes what comes until the connection breaks."""
        await session.subscribe(topics.ALL_BATCHES, topics.ALL_STATUSES)
        self.session = session
        async for message in session.messages():
            if message.topic == topics.status(self.gateway):
                self.statuses.append(decode_status(message.payload))
            elif not self.deaf:
                await self._take(message.payload, session)

    async def _take(self, payload: bytes, session: Session) -> None:
        batch = decode_batch(payload)
        self.batches.append((batch.epoch, batch.seq, batch.after))
        self.sites.add(batch.site)
        stored = max(self.stored.get(batch.epoch, 0), batch.after)
        if batch.seq == stored + 1:
            self.readings += batch.readings
            self.stored[batch.epoch] = batch.seq
        elif batch.seq > stored:
            return
        for receipt in self._receipts(batch.epoch):
            await session.publish(topics.receipts(self.gateway), encode(receipt))

    def _receipts(self, epoch: str) -> list[Receipt]:
        lies, self.lies = self.lies, []
        if self.chance.random() < self.lose:
            return lies
        seq = self.stored[epoch]
        receipt = Receipt(epoch, self.chance.randint(0, seq) if self.chance.random() < self.partly else seq)
        if self.chance.random() < self.late:
            self._held.append(receipt)
            return lies
        held, self._held = self._held, []
        return [*lies, receipt, *held, *([receipt] if self.chance.random() < self.twice else [])]


@asynccontextmanager
async def centre_at(broker: BrokerAddress, gateway: str = "quay") -> AsyncGenerator[Centre]:
    """A centre that listens when the block begins, and stays connected while it runs."""
    centre = Centre(gateway)
    async with background(stay_connected(broker, "centre", centre.converse)):
        await until(lambda: centre.session is not None)
        yield centre
