"""How fast a gateway's backlog goes through MQTT and ingest into the embedded store.

    python -m benchmarks.ingest [--readings 400000] [--devices 200]

Prints readings/s end to end (outbox → MQTT → ingest → store → receipt), with ingest on one core and
everything else on the others, beside the bare store fed the same points on one core. A reading has
five values.
"""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil

from broker import topics
from broker.embedded import embedded_broker
from broker.session import BrokerAddress, connect
from broker.wire import Receipt, decode
from drivers.catalogue import load_catalogue
from gateways.daemon import Gateway, GatewaySettings
from gateways.delivery.outbox import open_outbox
from haidang.configuration import load
from haidang.installation import Installation
from ingest.columns import Intake, columns
from stores.contract import Source
from stores.open import open_store
from telemetry import Reading

BATCH = 1_000
spawn = multiprocessing.get_context("spawn")


def readings(number: int, devices: int) -> Iterator[list[Reading]]:
    """Batches of five-value readings from now on, a microsecond apart."""
    start = time.time_ns()
    for first in range(0, number, BATCH):
        yield [
            Reading(
                f"meter-{n % devices}",
                "power",
                start + n * 1000,
                {
                    "voltage": 230.0 + n % 17 / 10,
                    "current": n % 311 / 7,
                    "power": n % 7001 / 3,
                    "frequency": 50.0,
                    "energy": n / 4,
                },
            )
            for n in range(first, min(first + BATCH, number))
        ]


def run(task: Callable[[], Awaitable[None]], core: int) -> None:
    """An asyncio program on one core, on the loop that the product uses."""
    os.sched_setaffinity(0, {core})
    import uvloop  # noqa: PLC0415 - only in the child

    uvloop.run(task())  # type: ignore[arg-type]


def serve_ingest(folder: Path, address: BrokerAddress, ready: Event) -> None:
    """The centre, on core 0."""

    async def main() -> None:
        centre = Installation.prepare(load(None, {}), folder)
        async with centre.store() as store, centre.registry() as registry:
            ready.set()
            await centre.ingest(address, store, registry).run()

    run(main, 0)


def serve_gateway(folder: Path, address: BrokerAddress) -> None:
    """A gateway with a backlog and no devices, on core 1."""

    async def main() -> None:
        settings = GatewaySettings(id="gw", site="bench", devices=(), folder=folder, broker=address)
        await Gateway(settings, load_catalogue()).run()

    run(main, 1)


async def fill(folder: Path, number: int, devices: int) -> None:
    """Puts the backlog into the gateway's outbox."""
    async with open_outbox(folder / "outbox.db", waiting_limit=number) as outbox:
        for batch in readings(number, devices):
            outbox.append(batch)
        await outbox.flush()


async def drain(folder: Path, batches: int) -> tuple[float, float]:
    """Seconds, and seconds of ingest's processor, from the first receipt to the last."""
    async with embedded_broker() as address, connect(address, "benchmark") as listener:
        await listener.subscribe(topics.receipts("gw"))
        ready = spawn.Event()
        ingest = spawn.Process(target=serve_ingest, args=(folder / "centre", address, ready), daemon=True)
        gateway = spawn.Process(target=serve_gateway, args=(folder / "gateway", address), daemon=True)
        ingest.start()
        await asyncio.to_thread(ready.wait)
        gateway.start()
        cost = psutil.Process(ingest.pid)
        started, used = 0.0, 0.0
        async for message in listener.messages():
            if not started:
                started, used = time.perf_counter(), sum(cost.cpu_times()[:2])
            if decode(message.payload, Receipt).seq >= batches:
                break
        elapsed, spent = time.perf_counter() - started, sum(cost.cpu_times()[:2]) - used
        for process in (gateway, ingest):
            process.terminate()
            process.join()
        return elapsed, spent


async def bare(folder: Path, number: int, devices: int) -> float:
    """Seconds in which the store alone takes the same points, ten batches a write."""
    source = Source("gw", "bare")
    batches = list(readings(number, devices))
    writes = [
        columns([Intake("gw", "bench", batch) for batch in batches[first : first + 10]])
        for first in range(0, len(batches), 10)
    ]
    async with open_store(None, folder) as store:
        started = time.perf_counter()
        for seq, points in enumerate(writes, 1):
            await store.write(points, {source: seq})
        return time.perf_counter() - started


async def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--readings", type=int, default=400_000)
    parser.add_argument("--devices", type=int, default=200)
    options = parser.parse_args()
    number = options.readings // BATCH * BATCH
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await fill(folder / "gateway", number, options.devices)
        os.sched_setaffinity(0, {1})
        elapsed, spent = await drain(folder, number // BATCH)
        os.sched_setaffinity(0, {0})
        alone = await bare(folder / "bare", number, options.devices)
    print(f"{number:,} readings of five values, {options.devices} devices")
    print(f"outbox → MQTT → ingest → store   {number / elapsed:>10,.0f} readings/s")
    print(f"  per second of ingest's core    {number / spent:>10,.0f} readings/s")
    print(f"bare store, the same points      {number / alone:>10,.0f} readings/s")
    print(f"ratio to the bare store          {alone / elapsed:>10.2f}")


if __name__ == "__main__":
    asyncio.run(main())
