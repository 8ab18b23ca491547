"""A device that never stops talking, and the count of what became of its numbered readings."""

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

from broker.wire import decode_batch, seal
from drivers.nmea.sentences import encode
from stores.contract import RangeQuery
from stores.open import open_store
from tests.waiting import until

LINES_AT_ONCE = 40
PAUSE = 0.02  # seconds between them: 2,000 readings a second
LIFE = 1_000_000


class Instrument:
    """Sends numbered readings to whoever connects; each connection is a life of the gateway."""

    def __init__(self) -> None:
        self.lives = 0
        self.sent: Counter[int] = Counter()
        self.speaking = True
        self.lines: set[asyncio.StreamWriter] = set()

    def has_begun(self, life: int) -> bool:
        """Whether this life has been sent something."""
        return self.sent[life] > 0

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lives += 1
        life = self.lives
        self.lines.add(writer)
        try:
            while self.speaking:
                first = self.sent[life]
                self.sent[life] += LINES_AT_ONCE
                numbers = range(first, first + LINES_AT_ONCE)
                writer.write(b"".join(encode("YX", "MTW", [str(life * LIFE + n), "C"]) for n in numbers))
                await writer.drain()
                await asyncio.sleep(PAUSE)
            await writer.wait_closed()
        except OSError:
            pass  # whoever listened was killed
        finally:
            writer.close()
            self.lines.discard(writer)


@asynccontextmanager
async def instrument() -> AsyncGenerator[tuple[Instrument, int]]:
    """An instrument that listens as long as the block runs, and its port."""
    device = Instrument()
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    async with server:
        try:
            yield device, int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for line in device.lines:
                line.transport.abort()
            await until(lambda: not device.lines)


def configuration(port: int) -> str:
    """A gateway that reads the instrument."""
    return f"""
[[gateway]]
id = "quay"
[[gateway.device]]
id = "gauge"
profile = "nmea-weather"
link = "tcp://127.0.0.1:{port}"
"""


def held_numbers(folder: Path) -> Sequence[int]:
    """The numbers of the readings that the ended gateway's outbox holds: accepted, not yet receipted."""
    with closing(sqlite3.connect(folder / "data" / "gateways" / "quay" / "outbox.db")) as outbox:
        packs = outbox.execute("SELECT pack FROM batch").fetchall()
    batches = [decode_batch(seal("e", 1, 0, pack)) for (pack,) in packs]
    return [
        int(float(reading.values["water_temperature"])) for batch in batches for reading in batch.readings
    ]


async def stored_numbers(folder: Path) -> Mapping[int, list[int]]:
    """What the store holds, life by life. Within a life the numbers accepted begin at 0 without a hole."""
    lives: dict[int, list[int]] = defaultdict(list)
    async with open_store(None, folder / "data") as store:
        query = RangeQuery("weather", 0, 2**62, fields=("water_temperature",), limit=10_000_000)
        for _, value in (await store.range(query)).rows:
            life, number = divmod(int(float(value or 0)), LIFE)
            lives[life].append(number)
    return lives
