"""Two lists in order of id made one: what the registry knows, and what only gateways tell of."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

RowT = TypeVar("RowT")


async def merged(
    rows: AsyncIterator[RowT], id_of: Callable[[RowT], str], others: Iterable[str]
) -> AsyncIterator[tuple[str, RowT | None]]:
    """Every id once, in order, with its row where there is one."""
    waiting = sorted(others, reverse=True)
    async for row in rows:
        row_id = id_of(row)
        while waiting and waiting[-1] < row_id:
            yield waiting.pop(), None
        if waiting and waiting[-1] == row_id:
            waiting.pop()
        yield row_id, row
    while waiting:
        yield waiting.pop(), None
