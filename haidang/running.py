"""How a command of the terminal runs: its event loop, and errors as sentences."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console

from telemetry import HaidangError

try:
    import uvloop
except ImportError:  # not on this system; asyncio's own loop serves
    uvloop = None  # type: ignore[assignment]

err = Console(markup=False, emoji=False, stderr=True)


@contextmanager
def told_in_words() -> Generator[None]:
    """What this product raises on purpose becomes a sentence on standard error, never a traceback."""
    try:
        yield
    except HaidangError as error:
        raise _exit([error]) from error
    except BaseExceptionGroup as group:
        ours, others = group.split(HaidangError)
        if ours is None or others is not None:
            raise
        raise _exit(_leaves(ours)) from group


async def until_interrupted(work: Awaitable[None]) -> bool:
    """Works until it is done, or until SIGINT or SIGTERM; then it may stop cleanly, and this is true."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one: a poll costs two thirds of what it does on asyncio's own loop."""
    return uvloop.new_event_loop if uvloop is not None else None


def _exit(errors: Sequence[BaseException]) -> typer.Exit:
    for error in errors:
        err.print(str(error), highlight=False, soft_wrap=True)
    return typer.Exit(1)


def _leaves(group: BaseExceptionGroup[HaidangError]) -> list[BaseException]:
    return [
        leaf
        for one in group.exceptions
        for leaf in (_leaves(one) if isinstance(one, BaseExceptionGroup) else [one])
    ]
