"""Turns at an even rate."""

import asyncio
import time

from gateways.pace import Pace


async def test_turns_come_no_faster_than_the_rate_and_in_order() -> None:
    pace, turns, begun = Pace(200), list[int](), time.monotonic()

    async def take(number: int) -> None:
        await pace.turn()
        turns.append(number)

    await asyncio.gather(*(take(number) for number in range(21)))
    assert time.monotonic() - begun >= 0.1
    assert turns == list(range(21))


async def test_who_comes_alone_does_not_wait() -> None:
    async with asyncio.timeout(10):
        await Pace(0.001).turn()
