"""kill -9 of the whole platform under load: nothing accepted is missing, nothing shows twice."""

import asyncio
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import pytest

from broker.wire import decode_batch, seal
from drivers.nmea_sentences import encode
from stores.contract import RangeQuery
from stores.open import open_store
from tests.end_to_end.platform import Platform
from tests.waiting import until

KILLS = 20
LINES_AT_ONCE = 40
PAUSE = 0.02  # seconds between them: 2,000 readings a second
LIFE = 1_000_000


class Instrument:
    """Sends numbered readings to whoever connects; each connection is a life of the gateway."""

    def __init__(self) -> None:
        self.lives = 0
        self.sent: Counter[int] = Counter()
        self.speaking = True

    def has_begun(self, life: int) -> bool:
        """Whether this life has been sent something."""
        return self.sent[life] > 0

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lives += 1
        life = self.lives
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
            writer.close()


@asynccontextmanager
async def instrument() -> AsyncGenerator[tuple[Instrument, int]]:
    device = Instrument()
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    async with server:
        yield device, int(server.sockets[0].getsockname()[1])


def configuration(port: int) -> str:
    return f"""
[[gateway]]
id = "quay"
[[gateway.device]]
id = "gauge"
profile = "nmea-weather"
link = "tcp://127.0.0.1:{port}"
"""


def held_numbers(folder: Path) -> Sequence[int]:
    """The numbers of the readings that the killed gateway's outbox holds: accepted, not yet receipted."""
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


@pytest.mark.timeout(400)
async def test_twenty_kills_under_load_lose_nothing_accepted_and_double_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(20261122)
    held: set[int] = set()
    async with instrument() as (device, port):
        for kill in range(1, KILLS + 1):
            running = await Platform.start(tmp_path, configuration(port))
            await until(partial(device.has_begun, kill))
            await asyncio.sleep(chance.uniform(0.2, 2.0))
            await running.kill()
            held.update(held_numbers(tmp_path))
        device.speaking = False
        running = await Platform.start(tmp_path, configuration(port))
        await running.until("/api/v1/gateways/quay", lambda one: one.get("backlog") == 0, seconds=60)
        await running.stop()
    lives = await stored_numbers(tmp_path)
    missing = sum(max(numbers) + 1 - len(set(numbers)) for numbers in lives.values())
    doubled = sum(len(numbers) - len(set(numbers)) for numbers in lives.values())
    stored = sum(map(len, lives.values()))
    arrived = {life * LIFE + number for life, numbers in lives.items() for number in numbers}
    with capsys.disabled():
        print(
            f"\n{KILLS} kills: {sum(device.sent.values())} sent, {stored} accepted and stored, "
            f"{missing} missing, {doubled} twice; {len(held)} of them waited in an outbox when it was killed"
        )
    assert stored > KILLS * 200
    assert len(lives) >= KILLS
    assert (missing, doubled) == (0, 0)
    assert held
    assert held <= arrived
