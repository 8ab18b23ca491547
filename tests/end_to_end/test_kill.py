"""kill -9 of the whole platform under load: nothing accepted is missing, nothing shows twice."""

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.instrument import LIFE, configuration, held_numbers, instrument, stored_numbers
from tests.end_to_end.platform import Platform
from tests.waiting import until

KILLS = 20


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
        await running.drained()
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
