"""An RS-485 bus at 9600 baud with ten units, one of them dead, asked for more than it can carry.

    python -m benchmarks.bus_9600 [--seconds 30]

The units are simulated in a process of their own, on a pty at the pace of a real line: 11 bits a character,
one may speak at a time, 5 ms until a unit answers. Each has ten float32 values and is asked for five times a
second, which together is four times what the line carries. Printed: how much of the time the line carried
frames or had to be silent (3.5 characters between frames, and the units' 5 ms), polls of each unit, and how
long commands took that were given meanwhile, their own exchange included. Then pymodbus's asyncio client
asks the same units in turn, if pyserial is there, without the silences.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException

from drivers.catalogue import Catalogue, parse_profile
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import ModbusServer
from firmware_sim.wires import on_pty
from gateways.background import background
from gateways.bus import Seat
from gateways.device_record import DeviceRecord
from gateways.links import parse_link
from gateways.pump import Pump
from telemetry import Command, Device, Reading, Reply

BAUD, BITS, TURNAROUND = 9600, 11, 0.005
GAP = 3.5 * BITS / BAUD
UNITS, DEAD = range(1, 11), 10
VALUES = 10
TIMEOUT = 0.2  # seconds; an exchange takes 0.06
COMMAND_EVERY = 0.7  # seconds
PROFILE = f"""
id: meter
title: {{en: Meter, vi: Công tơ}}
driver: modbus
kind: power
every: 200ms
settings: {{timeout: {TIMEOUT}}}
actions:
  - {{name: reset, title: {{en: Reset, vi: Đặt lại}}, write: {{address: 100, value: 1}}}}
metrics:
""" + "".join(
    f"  - name: value_{number}\n    title: {{en: Value, vi: Giá trị}}\n"
    f"    read: {{address: {2 * number}, type: float32}}\n"
    for number in range(VALUES)
)
MODEL = parse_profile(PROFILE, "meter.yaml")
FRAMES = 8 + 5 + 4 * VALUES  # bytes of a poll's request and reply
spawn = multiprocessing.get_context("spawn")


def run_units(pipe: Connection, path: Path) -> None:
    """The process of the units."""
    uvloop.run(serve_units(pipe, path))


async def serve_units(pipe: Connection, path: Path) -> None:
    """Answers until told to stop; says for how long the line was busy whenever it is asked."""
    values = {f"value_{number}": float(number) for number in range(VALUES)}
    units = [
        ModbusDevice(MODEL, lambda: values, unit, turnaround=TURNAROUND) for unit in UNITS if unit != DEAD
    ]
    server = ModbusServer(*units, framing="rtu")
    async with on_pty(path, server, baudrate=BAUD, bits=BITS, half_duplex=True) as wire:
        pipe.send("ready")
        while await asyncio.to_thread(pipe.recv):
            pipe.send((wire.busy, dict(wire.counts)))


@contextmanager
def units_on(path: Path) -> Generator[Connection]:
    """The simulated bus, while the block runs."""
    ends: Any = spawn.Pipe()  # its type differs between the type checkers
    pipe, far = ends
    process = spawn.Process(target=run_units, args=(far, path), daemon=True)
    process.start()
    pipe.recv()
    yield pipe
    process.kill()
    process.join()


def ask(pipe: Connection) -> tuple[float, dict[str, int]]:
    """Seconds for which the line carried bytes so far, and what went wrong on it."""
    pipe.send("when")
    busy: tuple[float, dict[str, int]] = pipe.recv()
    return busy


class Tally:
    """What came of it: readings of each device, and seconds until each command's reply."""

    def __init__(self) -> None:
        self.polls: Counter[str] = Counter()
        self.waited: list[float] = []
        self.failed = 0

    def take(self, readings: Sequence[Reading]) -> None:
        """The pump's sink."""
        self.polls.update(reading.device for reading in readings)

    async def give_commands(self, pump: Pump) -> None:
        """One after the other, to each live unit in turn."""
        for number in range(10**6):
            await asyncio.sleep(COMMAND_EVERY)
            unit = UNITS[number % (len(UNITS) - 1)]
            given, expires_at = time.monotonic(), time.time_ns() + 10**10
            pump.command(
                Command(f"c{number}", f"meter-{unit}", "reset", {}, expires_at),
                partial(self.replied, given),
            )

    def replied(self, given: float, reply: Reply) -> None:
        """A command is over."""
        self.waited.append(time.monotonic() - given)
        self.failed += not reply.done


async def ours(path: Path, pipe: Connection, seconds: float) -> None:
    """The gateway's own pump, link and drivers."""
    link = f"serial://{path}?baudrate={BAUD}"
    catalogue, tally = Catalogue([MODEL]), Tally()
    pump = Pump(parse_link(link), tally.take)
    for unit in UNITS:
        device = Device(id=f"meter-{unit}", profile="meter", link=link, unit_id=unit)

        def opened(device: Device = device) -> Any:
            return catalogue.open_driver(device)

        pump.add(Seat(device.id, opened, opened()), DeviceRecord(device, "file", silence=60))
    async with background(pump.run()):
        await asyncio.sleep(1)
        tally.polls.clear()
        before, begun = ask(pipe)[0], time.monotonic()
        async with background(tally.give_commands(pump)):
            await asyncio.sleep(seconds)
        busy, counts = ask(pipe)
        elapsed = time.monotonic() - begun
    say(tally, busy - before, elapsed, counts)


def say(tally: Tally, carried: float, elapsed: float, counts: dict[str, int]) -> None:
    """Prints the figures of our own run."""
    exchanges = tally.polls.total() + len(tally.waited)
    silent = exchanges * (GAP + TURNAROUND)
    print(
        f"ours: line used {100 * (carried + silent) / elapsed:.1f} % of {elapsed:.1f} s: frames "
        f"{100 * carried / elapsed:.1f} %, silences that have to be {100 * silent / elapsed:.1f} %; "
        f"{tally.polls.total() / elapsed:.2f} polls/s of {1 / (FRAMES * BITS / BAUD + GAP + TURNAROUND):.2f} "
        f"that fit; on the line {counts or 'nothing went wrong'}"
    )
    print("polls of each unit:", ", ".join(f"{unit}: {tally.polls[f'meter-{unit}']}" for unit in UNITS))
    print(
        f"{len(tally.waited)} commands, {tally.failed} failed; replied after "
        f"{1000 * statistics.median(tally.waited):.0f} ms (median), {1000 * max(tally.waited):.0f} ms (most)"
    )


async def pymodbus(path: Path, pipe: Connection, seconds: float) -> None:
    """pymodbus's client, one unit after the other."""
    client = AsyncModbusSerialClient(str(path), baudrate=BAUD, timeout=TIMEOUT, retries=0)
    await client.connect()
    polls = 0
    before, begun = ask(pipe)[0], time.monotonic()
    while time.monotonic() - begun < seconds:
        for unit in UNITS:
            try:
                reply = await client.read_holding_registers(0, count=2 * VALUES, device_id=unit)
                polls += not reply.isError()
            except ModbusException:
                await client.connect()
    elapsed = time.monotonic() - begun
    carried = ask(pipe)[0] - before
    client.close()
    print(
        f"pymodbus: frames {100 * carried / elapsed:.1f} % of {elapsed:.1f} s, {polls / elapsed:.2f} polls/s"
    )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bus"
        with units_on(path) as pipe:
            uvloop.run(ours(path, pipe, arguments.seconds))
            if find_spec("serial") is not None:
                asyncio.run(pymodbus(path, pipe, min(arguments.seconds, 10)))


if __name__ == "__main__":
    main()
