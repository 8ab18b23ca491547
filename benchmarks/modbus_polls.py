"""Polls a second: libmodbus in C, pymodbus's asyncio client, and ours through a gateway's pump and link.

    python -m benchmarks.modbus_polls [--seconds 1] [--rounds 7]

One server, libmodbus in C, on a core of its own, over loopback TCP and over a pair of pseudo-terminals
(socat, on the server's core). Each client reads the same ten registers back to back, one client after the
other in every round; the figures are medians of the rounds, and so are the ratios, each within its round.
Needs cc, pkg-config, libmodbus-dev and socat; pymodbus wants pyserial for serial lines, and is left out
there without it.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import uvloop
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from drivers.catalogue import Catalogue, parse_profile
from gateways.background import background
from gateways.bus import Seat
from gateways.device_record import DeviceRecord
from gateways.links import parse_link
from gateways.pump import Pump
from telemetry import Device, Reading
from tests.waiting import until

REGISTERS = 10
PROFILE = (
    "id: meter\ntitle: {en: Meter, vi: Công tơ}\ndriver: modbus\nkind: power\nevery: 1s\n"
    "settings: {gap: 0}\nmetrics:\n"  # a pseudo-terminal marks no frames by silence
) + "".join(
    f"  - name: value_{number}\n    title: {{en: Value, vi: Giá trị}}\n"
    f"    read: {{address: {number}, table: holding, type: uint16}}\n"
    for number in range(REGISTERS)
)
VALUES = {f"value_{number}": 1000 + number for number in range(REGISTERS)}
IN_C = "libmodbus in C"
CORES = sorted(os.sched_getaffinity(0))
SERVERS_CORE, CLIENTS_CORE = CORES[-1], CORES[0]
AS_FAST_AS_IT_GOES = 1e-6  # seconds between polls
SETTLING = 0.1  # seconds

Client = Callable[[str, float], float]
"""Polls the server at this place for so many seconds; polls a second."""


def libmodbus(program: Path, where: str, seconds: float) -> float:
    """The C client."""
    way = "poll-rtu" if where.startswith("/") else "poll-tcp"
    run = subprocess.run([program, way, where, str(seconds)], check=True, capture_output=True, text=True)
    polls, took = run.stdout.split()
    return int(polls) / float(took)


def pymodbus(where: str, seconds: float) -> float:
    """Its asyncio client."""
    return uvloop.run(_pymodbus(where, seconds))


async def _pymodbus(where: str, seconds: float) -> float:
    client = (
        AsyncModbusSerialClient(where, baudrate=115200)
        if where.startswith("/")
        else AsyncModbusTcpClient("127.0.0.1", port=int(where))
    )
    await client.connect()
    polls, begun = 0, time.monotonic()
    while time.monotonic() < begun + seconds:
        answer = await client.read_holding_registers(0, count=REGISTERS, device_id=1)
        assert answer.registers == list(VALUES.values())
        polls += 1
    client.close()
    return polls / (time.monotonic() - begun)


def ours(where: str, seconds: float) -> float:
    """The Modbus driver on a gateway's link."""
    return uvloop.run(_ours(where, seconds))


async def _ours(where: str, seconds: float) -> float:
    link = f"serial://{where}?baudrate=115200" if where.startswith("/") else f"tcp://127.0.0.1:{where}"
    device = Device(id="meter", profile="meter", link=link, every=AS_FAST_AS_IT_GOES)
    open_driver = partial(Catalogue([parse_profile(PROFILE, "meter.yaml")]).open_driver, device)
    record = DeviceRecord(device, "file", silence=60)

    def sink(readings: Sequence[Reading]) -> bool:
        assert readings[0].values == VALUES
        return True

    pump = Pump(parse_link(link), sink)
    pump.add(Seat(device.id, open_driver, open_driver()), record)
    async with background(pump.run()):
        await until(lambda: record.readings)
        before, begun = record.readings, time.monotonic()
        await asyncio.sleep(seconds)
        polls, took = record.readings - before, time.monotonic() - begun
    assert not record.faults, record.faults
    return polls / took


@contextmanager
def started(*command: str | Path) -> Generator[str]:
    """A process while the block runs; the first line it says."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        os.sched_setaffinity(process.pid, {SERVERS_CORE})
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def serving_tcp(program: Path) -> Generator[str]:
    """The C server on a port; the port."""
    with started(program, "serve-tcp") as port:
        yield port


@contextmanager
def serving_rtu(program: Path) -> Generator[str]:
    """The C server at one end of a null-modem cable; the other end."""
    near, far = (program.with_name(name) for name in ("near", "far"))
    ends = [f"pty,raw,echo=0,link={end}" for end in (near, far)]
    with subprocess.Popen(["socat", *ends]) as cable:
        os.sched_setaffinity(cable.pid, {SERVERS_CORE})
        try:
            while not (near.exists() and far.exists()):
                time.sleep(0.01)
            with started(program, "serve-rtu", far):
                yield str(near)
        finally:
            cable.kill()


def alone(poll: Client, where: str, seconds: float) -> float:
    """The client's rate, begun on a quiet line.

    An answer that the client before left behind would be taken for the first one of the next: libmodbus
    would then always have its answer before it asks, and be nearly twice as fast.
    """
    if where.startswith("/"):
        time.sleep(SETTLING)
        line = os.open(where, os.O_RDWR | os.O_NOCTTY)
        termios.tcflush(line, termios.TCIOFLUSH)
        os.close(line)
    return poll(where, seconds)


def build(folder: Path) -> Path:
    """The C program."""
    program = folder / "modbus_peer"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], check=True, capture_output=True, text=True
    )
    source = Path(__file__).with_name("modbus_peer.c")
    subprocess.run(["cc", "-O2", "-o", program, source, *flags.stdout.split()], check=True)
    return program


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENTS_CORE})
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        clients: dict[str, Client] = {
            IN_C: partial(libmodbus, program),
            "pymodbus, asyncio": pymodbus,
            "ours": ours,
        }
        for name, serving in (("loopback TCP", serving_tcp), ("pseudo-terminals", serving_rtu)):
            if serving is serving_rtu and find_spec("serial") is None:
                del clients["pymodbus, asyncio"]
            with serving(program) as where:
                rounds = [
                    {client: alone(poll, where, arguments.seconds) for client, poll in clients.items()}
                    for _ in range(arguments.rounds)
                ]
            for client in clients:
                rate = statistics.median(one[client] for one in rounds)
                ratio = statistics.median(one[client] / one[IN_C] for one in rounds)
                print(f"{name}: {client} {rate:,.0f} polls/s, {ratio:.2f} of {IN_C}")


if __name__ == "__main__":
    main()
