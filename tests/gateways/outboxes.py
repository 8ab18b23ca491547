"""What the tests of the outbox share: numbered readings in, the same numbers out."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from broker.wire import decode_batch, seal
from gateways.background import background
from gateways.delivery.outbox import Outbox, open_outbox
from gateways.delivery.outbox_file import Row
from gateways.delivery.sealing import Pack
from gateways.settings import OUTBOX_LIMIT
from tests.gateways.outbox_process import numbered


@asynccontextmanager
async def working(
    folder: Path, limit: int = OUTBOX_LIMIT, waiting_limit: int = 100_000
) -> AsyncGenerator[Outbox]:
    """An outbox in this folder that commits while the block runs."""
    async with (
        open_outbox(folder / "outbox.db", limit, waiting_limit) as outbox,
        background(outbox.commit_regularly()),
    ):
        yield outbox


async def append(outbox: Outbox, first: int, number: int, size: int = 1) -> None:
    """Accepted readings, `size` to a batch."""
    for start in range(first, first + number, size):
        outbox.append([numbered(one) for one in range(start, min(start + size, first + number))])
        assert await outbox.flush()


def numbers(rows: list[Row]) -> list[int]:
    """The numbers of the readings in these rows."""
    found: list[int] = []
    for row in rows:
        batch = decode_batch(seal("e", row.seq, row.seq - 1, row.pack))
        assert not batch.poison
        found += [int(reading.values["value"]) for reading in batch.readings]
    return found


async def everything(outbox: Outbox) -> list[Row]:
    """All rows that wait."""
    rows: list[Row] = []
    while page := await outbox.pending(rows[-1].seq if rows else 0, 500):
        rows += page
    return rows


def numbered_pack(number: int) -> Pack:
    """A pack of one reading with this number."""
    return Pack(b'[{"bn":"d/","bt":%d,"k":"k","n":"value","v":%d}]' % (number, number), 1)
