"""kill -9 of the whole platform under load: nothing accepted is missing, nothing shows twice."""

import asyncio
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

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

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lives += 1
        life = self.lives
        try:
            while True:
                first = self.sent[life]
                self.sent[life] += LINES_AT_ONCE
                numbers = range(first, first + LINES_AT_ONCE)
                writer.write(b"".join(encode("YX", "MTW", [str(life * LIFE + n), "C"]) for n in numbers))
                await writer.drain()
                await asyncio.sleep(PAUSE)
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


def waiting_batches(folder: Path) -> int:
    """How many sealed batches the outbox of the killed gateway holds."""
    (file,) = (folder / "data" / "gateways" / "quay").glob("outbox*.sqlite3")
    with sqlite3.connect(file) as outbox:
        return int(outbox.execute("SELECT count(*) FROM batch").fetchone()[0])


async def stored_numbers(folder: Path) -> Mapping[int, list[int]]:
    """What the store holds, life by life, in the order of time."""
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
    held = 0
    async with instrument() as (device, port):
        for kill in range(1, KILLS + 1):
            running = await Platform.start(tmp_path, configuration(port))
            await until(lambda kill=kill: device.sent[device.lives] > 0 and device.lives >= kill)
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            await running.kill()
            held += waiting_batches(tmp_path)
        running = await Platform.start(tmp_path, configuration(port))
        await running.until("/api/v1/gateways/quay", lambda one: one.get("backlog") == 0, seconds=60)
        await running.stop()
    lives = await stored_numbers(tmp_path)
    missing = sum(max(numbers) + 1 - len(set(numbers)) for numbers in lives.values())
    doubled = sum(len(numbers) - len(set(numbers)) for numbers in lives.values())
    stored = sum(map(len, lives.values()))
    with capsys.disabled():
        print(
            f"\n{KILLS} kills: {sum(device.sent.values())} sent, {stored} accepted and stored, "
            f"{missing} missing, {doubled} twice; {held} batches waited in the outbox when killed"
        )
    assert stored > KILLS * 200
    assert len(lives) >= KILLS
    assert (missing, doubled) == (0, 0)
