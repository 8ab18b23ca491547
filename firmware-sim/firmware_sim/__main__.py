"""Runs the simulated port by itself: `python -m firmware_sim`, with the configuration to copy."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from broker.session import BrokerAddress
from firmware_sim.port import SimulatedPort, as_toml
from telemetry import HaidangError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until interrupted; the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        broker = BrokerAddress.parse(asked.broker) if asked.broker else None
        asyncio.run(_run(SimulatedPort(asked.seed, broker, speed=asked.speed, ais_port=asked.ais_port)))
    except (HaidangError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m firmware_sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the world; the same seed, the same ships")
    parser.add_argument("--speed", type=float, default=1.0, help="world seconds in a real one")
    parser.add_argument("--ais-port", type=int, default=10110, help="TCP port of the AIS receiver, 0 for any")
    parser.add_argument("--broker", help="mqtt://host:port for the MQTT sensor; left out, there is none")
    return parser


async def _run(port: SimulatedPort) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with port:
        sys.stdout.write(f"# Below a [[gateway]] in haidang.toml. Ctrl-C ends.\n\n{as_toml(port.devices)}")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
