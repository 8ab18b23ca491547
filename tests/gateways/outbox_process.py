"""A process that fills an outbox and says how many readings are accepted: `FOLDER FIRST_NUMBER`."""

import asyncio
import sys
from pathlib import Path

from gateways.background import background
from gateways.delivery.outbox import open_outbox
from telemetry import Reading

EPOCH = 1_795_000_000_000_000_000


def numbered(number: int) -> Reading:
    """The reading with this number."""
    return Reading("counter", "test", EPOCH + number, {"value": number})


async def fill(folder: Path, number: int) -> None:
    """Appends one by one until killed."""
    async with open_outbox(folder / "outbox.db") as outbox, background(outbox.commit_regularly()):
        said = -1
        while True:
            for _ in range(7):
                outbox.append([numbered(number)])
                number += 1
            await asyncio.sleep(0.002)
            if outbox.accepted != said:
                said = outbox.accepted
                print(said, flush=True)


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2])))
