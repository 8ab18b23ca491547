"""Points per second into the bare stores: the embedded one at several batch sizes, InfluxDB beside it.

    python -m benchmarks.stores [--points 300000] [--folder DIR]

A point has three tags and five numbers; every write also moves seven watermarks, and is on the disk when
it returns. InfluxDB is the influxd found on the path; without it only the embedded store is measured.
"""

import argparse
import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from stores.contract import Points, RangeQuery, Source, Store
from stores.embedded import FILE, EmbeddedStore
from stores.influx import InfluxStore
from stores.influx_address import InfluxAddress
from tests.servers import influxd

START = 1_790_000_000_000_000_000
SIZES = (200, 2_000, 5_000, 10_000, 20_000)
DEVICES, GATEWAYS = 2_000, 7
ALWAYS = (0, 2**62)


def batch(size: int, number: int, chance: random.Random) -> Points:
    """Readings of all devices in turn, a millisecond apart."""
    rows = range(number * size, (number + 1) * size)
    tags = {
        "device": [f"device-{row % DEVICES}" for row in rows],
        "gateway": [f"gateway-{row % DEVICES % GATEWAYS}" for row in rows],
        "site": ["dinh-vu"] * size,
    }
    fields = {name: [round(chance.gauss(20, 5), 2) for _ in rows] for name in ("a", "b", "c", "d", "e")}
    return Points("weather", [START + row * 1_000_000 for row in rows], tags, fields)


async def pour(store: Store, batches: Sequence[Points]) -> float:
    """Seconds until all batches are stored, each in a write of its own."""
    begin = time.perf_counter()
    for number, points in enumerate(batches):
        marks = {Source(f"gateway-{gateway}", "epoch"): number for gateway in range(GATEWAYS)}
        rejected = await store.write([points], marks)
        if rejected:
            raise SystemExit(f"{len(rejected)} points were rejected: {rejected[0].reason}")
    return time.perf_counter() - begin


async def measure(name: str, store: Store, batches: Sequence[Points]) -> None:
    """Prints one line: the rate, and how long a board waits for its answers."""
    size, total = len(batches[0].times), sum(len(points.times) for points in batches)
    seconds = await pour(store, batches)
    if await store.count("weather", *ALWAYS) != total:
        raise SystemExit(f"{name} does not hold {total} points")
    begin = time.perf_counter()
    await store.latest("weather", "device", START)
    latest = time.perf_counter() - begin
    query = RangeQuery("weather", *ALWAYS, tags={"device": "device-7"}, every=60 * 10**9)
    begin = time.perf_counter()
    await store.range(query)
    chart = time.perf_counter() - begin
    print(
        f"{name:9} writes of {size:6,}: {total / seconds:9,.0f} points/s, "
        f"{seconds / len(batches) * 1e3:6.1f} ms a write; "
        f"latest of {DEVICES:,} devices {latest * 1e3:4.0f} ms, a chart {chart * 1e3:4.0f} ms"
    )


async def run(total: int, folder: Path) -> None:
    """All sizes into the embedded store, then into InfluxDB."""
    server = shutil.which("influxd") or shutil.which("influxd", path="/usr/sbin:/sbin")
    for size in SIZES:
        chance = random.Random(1)
        batches = [batch(size, number, chance) for number in range(max(1, min(total // size, 300)))]
        async with EmbeddedStore(folder / f"embedded-{size}") as embedded:
            await measure("embedded", embedded, batches)
        points = sum(len(each.times) for each in batches)
        print(f"{'':9} {(folder / f'embedded-{size}' / FILE).stat().st_size / points:.1f} bytes a point")
        if server:
            with influxd(folder / f"influx-{size}") as url:
                async with InfluxStore(InfluxAddress(url, "benchmark"), attempt=60, patience=60) as influx:
                    await measure("influxdb", influx, batches)
    if not server:
        print("influxd is not installed, so InfluxDB was not measured")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=300_000)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the stores are made (default: /var/tmp)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder or "/var/tmp") as folder:
        asyncio.run(run(arguments.points, Path(folder)))


if __name__ == "__main__":
    main()
