"""A process to be killed: writes batch after batch into an embedded store and says which are stored.

Arguments: the store's folder. Each line of its output is the number of an acknowledged batch.
"""

import asyncio
import sys
from pathlib import Path

from stores.contract import Points, Source
from stores.embedded import EmbeddedStore

SIZE = 4000
START = 1_790_000_000_000_000_000
SOURCE = Source("quay", "epoch")


def batch(number: int) -> Points:
    """The points of a batch: they and their values tell its number."""
    times = [START + number * SIZE + row for row in range(SIZE)]
    fields = {
        f"f{column}": [(number * SIZE + row) / 7 + column for row in range(SIZE)] for column in range(5)
    }
    return Points("load", times, {"device": [f"d{row % 20}" for row in range(SIZE)]}, fields)


async def main(folder: Path) -> None:
    async with EmbeddedStore(folder) as store:
        number = (await store.watermarks()).get(SOURCE, 0)
        print("open", flush=True)
        while True:
            number += 1
            await store.write([batch(number)], {SOURCE: number})
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
