"""What the commands of the terminal share: consoles, options, the event loop, and errors as sentences."""

import asyncio
import signal
from collections.abc import Awaitable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from telemetry import HaidangError

try:
    import uvloop
except ImportError:  # not on this system; asyncio's own loop serves
    uvloop = None  # type: ignore[assignment]

ResultT = TypeVar("ResultT")

out = Console(markup=False, emoji=False, highlight=False)
err = Console(markup=False, emoji=False, highlight=False, stderr=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration, haidang.toml.", envvar="HAIDANG_CONFIG"),
]
ApiOption = Annotated[str, typer.Option("--api", help="The platform's API.", envvar="HAIDANG_API")]
ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", help="The device model; `haidang profiles` lists them.")
]
UnitOption = Annotated[int, typer.Option("--unit", "-u", help="Address on a shared line.", min=0, max=255)]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="What differs from the model's settings: timeout=300ms; repeat for more."),
]


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


def run(task: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Runs it on uvloop where there is one: a poll costs two thirds of what it does on asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop is not None else None) as runner:
        return runner.run(task)


def _exit(errors: Sequence[BaseException]) -> typer.Exit:
    for error in errors:
        err.print(str(error), soft_wrap=True)
    return typer.Exit(1)


def _leaves(group: BaseExceptionGroup[HaidangError]) -> list[BaseException]:
    return [
        leaf
        for one in group.exceptions
        for leaf in (_leaves(one) if isinstance(one, BaseExceptionGroup) else [one])
    ]
