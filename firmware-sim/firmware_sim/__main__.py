"""Runs simulated devices by themselves, with the configuration to copy.

Without a command the small world of Hai Phong; `run FILE` a scenario; `list` tells those that come along.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from broker.session import BrokerAddress
from drivers.catalogue import load_catalogue
from firmware_sim.port import SimulatedPort, as_toml
from firmware_sim.scenario import Scenario, read_scenario, shipped_scenarios
from firmware_sim.scenario_run import RunningScenario
from telemetry import Device, HaidangError

TERMINAL, LOG = 1.0, 30.0
"""Seconds between two lines of counts: on a terminal the line is written over, elsewhere added."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until interrupted; the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        broker = BrokerAddress.parse(asked.broker) if asked.broker else None
        if asked.command == "list":
            _list()
        elif asked.command == "run":
            scenario = read_scenario(asked.scenario, load_catalogue(*asked.profiles))
            port = RunningScenario(scenario, asked.folder, broker)
            asyncio.run(_run_scenario(scenario, port, asked.broker, asked.config_out))
        else:
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
    broker = "mqtt://host:port for what speaks MQTT; left out, that stays away"
    parser.add_argument("--broker", default="", help=broker)
    commands = parser.add_subparsers(dest="command", metavar="run | list")
    commands.add_parser("list", help="the scenarios that come along")
    run = commands.add_parser("run", help="run a scenario file, or one that comes along by its name")
    run.add_argument("scenario", metavar="FILE")
    run.add_argument("--broker", default=argparse.SUPPRESS, help=broker)
    run.add_argument("--config-out", type=Path, help="write the gateway's part of haidang.toml there")
    run.add_argument("--folder", type=Path, help="where serial ports get their names")
    run.add_argument("--profiles", type=Path, action="append", default=[], help="a folder of profiles")
    return parser


def _list() -> None:
    catalogue = load_catalogue()
    for name in shipped_scenarios():
        sys.stdout.write(f"{name:16} {read_scenario(name, catalogue).words.title}\n")


async def _run(port: SimulatedPort) -> None:
    stop = _interrupted()
    async with port:
        _print(f"# Below a [[gateway]] in haidang.toml. Ctrl-C ends.\n\n{as_toml(port.devices)}")
        await stop.wait()


async def _run_scenario(
    scenario: Scenario, port: RunningScenario, broker: str, config_out: Path | None
) -> None:
    stop = _interrupted()
    async with port:
        devices = [_on_broker(device, broker) for device in port.devices]
        gateway = f'[[gateway]]\nid = "{scenario.words.gateway}"\n\n{as_toml(devices)}'
        if config_out is None:
            _print(f"# {scenario.words.title}. In haidang.toml; Ctrl-C ends.\n\n{gateway}")
        else:
            await asyncio.to_thread(config_out.write_text, gateway, "utf-8")
            _print(f"# {config_out} has the gateway's configuration. Ctrl-C ends.\n")
        every = TERMINAL if sys.stderr.isatty() else LOG
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await stop.wait()
            sys.stderr.write(_counted(port))
            sys.stderr.flush()
    sys.stderr.write("\n" if sys.stderr.isatty() else "")


def _on_broker(device: Device, broker: str) -> Device:
    """The device with the broker in its link, so that any platform finds it there; unless none was named."""
    scheme, _, topics = device.link.partition(":")
    if not broker or scheme != "mqtt" or topics.startswith("//"):
        return device
    return device.model_copy(update={"link": f"{broker.rstrip('/')}/{topics}"})


def _counted(port: RunningScenario) -> str:
    """The line of counts, over the last one on a terminal."""
    counts = port.counts()
    text = ", ".join(f"{name.replace('_', ' ')} {counts[name]:,}" for name in sorted(counts)) or "nothing yet"
    return f"\r\x1b[K{text}" if sys.stderr.isatty() else f"{text}\n"


def _interrupted() -> asyncio.Event:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    # Standard output is the configuration's and the counts': it may be written into a file.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.exit(main())
