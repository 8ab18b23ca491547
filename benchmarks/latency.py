"""How long a reading takes from its device to an open live WebSocket, with durability on.

    python -m benchmarks.latency [--rate 1000] [--devices 50] [--seconds 20]

Each device sends sentences whose value is the moment of sending. So the latency covers socket, driver,
outbox (group commit), MQTT, ingest, store (commit), live topic and WebSocket. Readings that newer ones of
the same device overtook are not shown, and not counted.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil
import websockets

from drivers.nmea.sentences import encode
from tests.end_to_end.platform import platform

START = time.monotonic()


def stamp() -> float:
    """Milliseconds since the benchmark began."""
    return (time.monotonic() - START) * 1000


def configuration(port: int, devices: int) -> str:
    """A gateway with so many devices, each on a connection of its own."""
    device = """
[[gateway.device]]
id = "gauge-{n}"
profile = "nmea-weather"
link = "tcp://127.0.0.{host}:{port}"
"""
    return '[[gateway]]\nid = "quay"\n' + "".join(
        device.format(n=n, host=n % 200 + 1, port=port) for n in range(devices)
    )


async def send(writer: asyncio.StreamWriter, rate: float) -> None:
    """So many stamped sentences a second, until the peer goes."""
    try:
        while not writer.is_closing():
            writer.write(encode("YX", "MTW", [f"{stamp():.3f}", "C"]))
            await writer.drain()
            await asyncio.sleep(1 / rate)
    except OSError:
        writer.close()


async def listen(address: str, seconds: float) -> Sequence[float]:
    """Latencies in milliseconds of what a console is shown, after a second of warming up."""
    latencies: list[float] = []
    url = address.replace("http://", "ws://") + "/api/v1/live"
    async with websockets.connect(url, max_size=None) as socket:
        begin = stamp() + 1000
        while (now := stamp()) < begin + seconds * 1000:
            message = msgspec.json.decode(await socket.recv())
            if message["type"] == "readings" and now > begin:
                now = stamp()
                latencies += [
                    now - item["values"]["water_temperature"]
                    for item in message["items"]
                    if "water_temperature" in item["values"]
                ]
    return latencies


async def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    per_device = options.rate / options.devices

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, per_device)

    server = await asyncio.start_server(serve, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        async with server, platform(Path(folder), configuration(port, options.devices)) as running:
            process = psutil.Process(running.process.pid)
            await running.until(
                "/api/v1/devices",
                lambda page: sum(one["state"] == "ok" for one in page["items"]) == options.devices,
                limit="500",
            )
            process.cpu_percent()
            latencies = sorted(await listen(running.address, options.seconds))
            busy, memory = process.cpu_percent(), process.memory_info().rss
    print(f"{options.rate:,.0f} readings/s from {options.devices} devices for {options.seconds:.0f} s")
    print(f"shown on the WebSocket  {len(latencies):>8,}")
    for percent in (50, 90, 99, 100):
        print(f"p{percent:<3} {latencies[min(len(latencies) * percent // 100, len(latencies) - 1)]:>8.1f} ms")
    print(f"platform: {busy:.0f}% of a core, {memory / 1e6:.0f} MB")


if __name__ == "__main__":
    asyncio.run(main())
