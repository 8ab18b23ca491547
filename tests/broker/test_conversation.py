"""The parts of one conversation: what ends it, what a cancellation is, and what is not one."""

import asyncio
import random

import pytest

from broker.session import BrokerAddress, connect, together
from telemetry import LinkError


async def breaks(after: asyncio.Event) -> None:
    await after.wait()
    raise LinkError("the broker went away")


async def rests(stopped: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        stopped.append("stopped")


async def test_a_broken_connection_is_told_as_such_again_and_again_and_never_as_a_cancellation() -> None:
    broken, stopped = asyncio.Event(), list[str]()
    broken.set()
    for _ in range(3):
        with pytest.raises(LinkError, match="the broker went away"):
            await together(rests(stopped), breaks(broken), breaks(broken))
    assert len(stopped) == 3
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_wins_though_the_connection_breaks_at_the_same_moment() -> None:
    broken, stopped = asyncio.Event(), list[str]()
    conversation = asyncio.create_task(together(rests(stopped), breaks(broken)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    broken.set()
    conversation.cancel()
    await asyncio.wait({conversation})
    assert conversation.cancelled()
    assert stopped == ["stopped"]


async def test_a_bug_in_one_part_surfaces_as_itself() -> None:
    async def errs() -> None:
        raise ZeroDivisionError

    stopped = list[str]()
    with pytest.raises(ZeroDivisionError):
        await together(rests(stopped), errs())


async def test_it_ends_when_every_part_has_ended() -> None:
    await together(asyncio.sleep(0), asyncio.sleep(0))


async def test_a_publication_that_is_cancelled_as_its_answer_comes_is_cancelled(mosquitto_port: int) -> None:
    chance, cancelled = random.Random(1), 0
    async with connect(BrokerAddress("127.0.0.1", mosquitto_port), "speaker") as session:
        turns = await turns_of(asyncio.create_task(session.publish("a/topic", b"first")))
        for number in range(300):
            publication = asyncio.create_task(session.publish("a/topic", str(number).encode()))
            await turns_of(publication, at_most=chance.randrange(turns + 5))
            if publication.cancel():
                await asyncio.wait({publication})
                assert publication.cancelled()
                cancelled += 1
    assert cancelled


async def turns_of(task: "asyncio.Task[None]", at_most: int = 1_000_000) -> int:
    """Lets the task run for so many turns of the loop, or until it is done; how many these were."""
    for turn in range(at_most):
        if task.done():
            return turn
        await asyncio.sleep(0)
    return at_most
