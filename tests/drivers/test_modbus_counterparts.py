"""The Modbus client against servers that are not ours, over real wires: libmodbus in C on a serial line,
pymodbus over TCP."""

import asyncio
import os
import select
import socket
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import Driver, Event, Fault
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import ModbusServer
from firmware_sim.wires import on_tcp
from telemetry import Command, Instant, Reading, Reply, Value
from tests.drivers.modbus_wire import driver, profile, sent_by
from tests.servers import free_port, need, pty_pair, running

LIBMODBUS_SERVER = r"""
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* modbus_set_float_abcd and its sisters changed their meaning between versions of libmodbus. */
static void put(float value, int swap_words, int swap_bytes, uint16_t *registers) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    for (int word = 0; word < 2; word++) {
        uint16_t half = word == swap_words ? bits >> 16 : bits & 0xffff;
        registers[word] = swap_bytes ? half << 8 | half >> 8 : half;
    }
}

int main(int count, char **words) {
    int tcp = words[1][0] != '/';
    modbus_t *line = tcp ? modbus_new_tcp("127.0.0.1", atoi(words[1]))
                         : modbus_new_rtu(words[1], 19200, 'N', 8, 1);
    modbus_mapping_t *map = modbus_mapping_new(64, 64, 64, 64);
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    if (!line || !map || modbus_set_slave(line, 17)) return 1;
    int listening = tcp ? modbus_tcp_listen(line, 1) : 0;
    if (!tcp && modbus_connect(line)) return 1;
    map->tab_bits[3] = 1;
    map->tab_bits[20] = 1;
    map->tab_input_bits[9] = 1;
    put(230.5f, 0, 0, map->tab_input_registers);
    modbus_set_float(-12.25f, map->tab_input_registers + 2);
    put(50.0f, 0, 1, map->tab_input_registers + 4);
    put(1e6f, 1, 1, map->tab_input_registers + 6);
    uint32_t whole = (uint32_t)-123456789;
    map->tab_registers[10] = whole >> 16;
    map->tab_registers[11] = whole & 0xffff;
    map->tab_registers[12] = 2262;
    puts("ready");
    fflush(stdout);
    if (tcp && modbus_tcp_accept(line, &listening) < 0) return 1;
    for (;;) {
        int length = modbus_receive(line, request);
        if (length > 0) modbus_reply(line, request, length, map);
        else if (length < 0 && errno != EMBBADCRC) return 2;
    }
}
"""

PYMODBUS_SERVER = """
import sys
from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

holding = [
    SimData(0, values=230.5, datatype=DataType.FLOAT32),
    SimData(2, values=-123456789, datatype=DataType.INT32),
    SimData(4, values=2**40 + 1, datatype=DataType.UINT64),
    SimData(8, values=-2.5e-300, datatype=DataType.FLOAT64),
    SimData(12, values=[0x2000, 0x47F1, 0xFFFF, 0x0924], datatype=DataType.REGISTERS),
    SimData(16, values="SDM630", datatype=DataType.STRING),
]
bits = [SimData(0, values=[False, True, False, True, True], datatype=DataType.BITS)]
device = SimDevice(id=3, simdata=(bits, bits, holding, holding))
StartTcpServer(context=device, address=("127.0.0.1", int(sys.argv[1])))
"""


def now() -> Instant:
    return Instant(time.time_ns(), time.monotonic())


def pump(wire: int, poller: Driver, polls: int) -> list[Event]:
    """Carries bytes and time between a file descriptor and a driver until it gave so many readings."""
    events: list[Event] = []
    if poller.wake_at is None:
        poller.connected(now())
    give_up = time.monotonic() + 30
    while sum(isinstance(event, Reading) for event in events) < polls and time.monotonic() < give_up:
        pause = 1.0 if poller.wake_at is None else max(0.0, poller.wake_at - time.monotonic())
        if select.select([wire], [], [], pause)[0]:
            events += poller.receive(os.read(wire, 4096), now())
        else:
            events += poller.wake(now())
        if data := sent_by(poller):
            os.write(wire, data)
    return events


def values(events: list[Event]) -> list[dict[str, Value]]:
    assert not [event for event in events if isinstance(event, Fault)]
    return [dict(event.values) for event in events if isinstance(event, Reading)]


def compiled(folder: Path) -> Path:
    """The C server. Needs a compiler and libmodbus-dev, else the test is skipped, and fails under CI."""
    compiler = need("cc", "gcc")
    need("pkg-config", "pkg-config")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], check=False, capture_output=True, text=True
    )
    if flags.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "needs libmodbus: apt-get install libmodbus-dev"
        )
    source, program = folder / "server.c", folder / "server"
    source.write_text(LIBMODBUS_SERVER)
    subprocess.run([compiler, "-o", program, source, *flags.stdout.split()], check=True)
    return program


def wait_for_text(log: Path, text: str, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + 20
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up, log.read_text()
        time.sleep(0.01)


@contextmanager
def libmodbus_line(folder: Path) -> Generator[int]:
    """The client's end of a serial line with a libmodbus server, unit 17, at the other."""
    program = compiled(folder)
    log = folder / "server.log"
    with pty_pair(folder) as (ours, theirs), running([str(program), str(theirs)], log) as process:
        wait_for_text(log, "ready", process)
        wire = os.open(ours, os.O_RDWR | os.O_NOCTTY)
        try:
            yield wire
        finally:
            os.close(wire)


FLOATS: dict[str, dict[str, Any]] = {
    "abcd": {"table": "input", "address": 0, "type": "float32"},
    "cdab": {"table": "input", "address": 2, "type": "float32", "word_order": "little"},
    "badc": {"table": "input", "address": 4, "type": "float32", "byte_order": "little"},
    "dcba": {
        "table": "input",
        "address": 6,
        "type": "float32",
        "word_order": "little",
        "byte_order": "little",
    },
    "int32": {"table": "holding", "address": 10, "type": "int32"},
    "voltage": {"table": "holding", "address": 12, "scale": 0.1},
    "coil_3": {"table": "coil", "address": 3},
    "coil_4": {"table": "coil", "address": 4},
    "coil_20": {"table": "coil", "address": 20},
    "contact_9": {"table": "discrete", "address": 9},
}


@contextmanager
def libmodbus_server(folder: Path) -> Generator[int]:
    """A connection to a libmodbus server on TCP, unit 17."""
    program, port, log = compiled(folder), free_port(), folder / "server.log"
    with running([str(program), str(port)], log) as process:
        wait_for_text(log, "ready", process)
        with socket.create_connection(("127.0.0.1", port)) as wire:
            yield wire.fileno()


EXPECTED = {
    "abcd": 230.5,
    "cdab": -12.25,
    "badc": 50.0,
    "dcba": 1e6,
    "int32": -123456789,
    "voltage": 226.2,
    "coil_3": True,
    "coil_4": False,
    "coil_20": True,
    "contact_9": True,
}


FLAG: dict[str, Any] = {"value": "to", "argument": "flag", "read_back": True}
NUMBER: dict[str, Any] = {"value": "to", "argument": "number", "read_back": True}
ACTIONS: dict[str, dict[str, Any]] = {
    "coil": {"table": "coil", "address": 5} | FLAG,
    "coils": {"table": "coil", "address": 30, "count": 10} | FLAG,
    "register": {"address": 40} | NUMBER,
    "registers": {"address": 42, "type": "float32"} | NUMBER,
    "masked": {"address": 44, "mask": 0x0FF0} | NUMBER,
    "merged": {"address": 45, "bit": 3, "mask_write": False} | NUMBER,
    "nowhere": {"address": 4000, "value": 1},
}
WRITTEN: dict[str, dict[str, Any]] = {
    "coil_5": {"table": "coil", "address": 5},
    "coil_39": {"table": "coil", "address": 39},
    "r40": {"address": 40},
    "r42": {"address": 42, "type": "float32"},
    "r44": {"address": 44},
    "r45": {"address": 45},
}


@pytest.mark.parametrize(
    ("serving", "link"),
    [(libmodbus_line, "serial:///dev/ttyUSB0?baudrate=19200"), (libmodbus_server, "tcp://127.0.0.1:502")],
)
def test_a_libmodbus_server_is_written_right(
    serving: Callable[[Path], AbstractContextManager[int]], link: str, tmp_path: Path
) -> None:
    given: dict[str, dict[str, Value]] = {
        "coil": {"to": True},
        "coils": {"to": True},
        "register": {"to": 4711},
        "registers": {"to": -1.5},
        "masked": {"to": 0xAB},
        "merged": {"to": 1},
        "nowhere": {},
    }
    poller = driver(profile(WRITTEN, ACTIONS, max_gap=60), link, unit_id=17, every=0.2)
    with serving(tmp_path) as wire:
        pump(wire, poller, 1)
        replies: dict[str, str] = {}
        for action, arguments in given.items():
            command = Command(action, "quay-power", action, arguments, time.time_ns() + 10**10)
            assert poller.command(command, now()) == ()
        events = pump(wire, poller, 3)
        replies = {event.command: event.reason for event in events if isinstance(event, Reply)}
    assert replies == dict.fromkeys(given, "") | {"nowhere": "refused"}
    last = [dict(event.values) for event in events if isinstance(event, Reading)][-1]
    assert last == {"coil_5": True, "coil_39": True, "r40": 4711, "r42": -1.5, "r44": 0xAB0, "r45": 8}


def test_a_libmodbus_server_over_tcp_is_read_right(tmp_path: Path) -> None:
    poller = driver(profile(FLOATS, max_gap=16), unit_id=17, every=0.1)
    with libmodbus_server(tmp_path) as wire:
        read = values(pump(wire, poller, 3))
    assert read == [EXPECTED] * 3


def test_a_libmodbus_server_on_a_serial_line_is_read_right(tmp_path: Path) -> None:
    link = "serial:///dev/ttyUSB0?baudrate=19200"
    poller = driver(profile(FLOATS, max_gap=16), link, unit_id=17, every=0.2)
    with libmodbus_line(tmp_path) as wire:
        read = values(pump(wire, poller, 5))
    assert read == [EXPECTED] * 5


def test_a_libmodbus_server_s_exception_is_named(tmp_path: Path) -> None:
    metrics: dict[str, dict[str, Any]] = {"here": {"address": 12}, "nowhere": {"address": 5000}}
    link = "serial:///dev/ttyUSB0?baudrate=19200"
    poller = driver(profile(metrics), link, unit_id=17, every=0.2)
    with libmodbus_line(tmp_path) as wire:
        events = pump(wire, poller, 1)
    (fault,) = [event for event in events if isinstance(event, Fault)]
    assert "exception 2, illegal data address" in fault.detail
    assert [event.values for event in events if isinstance(event, Reading)] == [{"here": 2262}]


def test_a_pymodbus_server_over_tcp_is_read_right(tmp_path: Path) -> None:
    metrics: dict[str, dict[str, Any]] = {
        "float32": {"address": 0, "type": "float32"},
        "int32": {"address": 2, "type": "int32"},
        "uint64": {"address": 4, "type": "uint64"},
        "float64": {"address": 8, "type": "float64"},
        "cdab": {"address": 12, "type": "float32", "word_order": "little"},
        "nothing": {"address": 14, "nulls": [0xFFFF]},
        "scaled": {"table": "input", "address": 15, "scale": 0.1},
        "text": {"address": 16, "type": "string", "length": 3},
        "coil_0": {"table": "coil", "address": 0},
        "coil_3": {"table": "coil", "address": 3},
        "contact_1": {"table": "discrete", "address": 1},
    }
    script, port = tmp_path / "server.py", free_port()
    script.write_text(PYMODBUS_SERVER)
    poller = driver(profile(metrics, max_gap=4), f"tcp://127.0.0.1:{port}", unit_id=3, every=0.2)
    with (
        running([sys.executable, str(script), str(port)], tmp_path / "server.log", port),
        socket.create_connection(("127.0.0.1", port)) as wire,
    ):
        read = values(pump(wire.fileno(), poller, 5))
    assert (
        read
        == [
            {
                "float32": 230.5,
                "int32": -123456789,
                "uint64": 2**40 + 1,
                "float64": -2.5e-300,
                "cdab": 123456.0,
                "scaled": 234.0,
                "text": "SDM630",
                "coil_0": False,
                "coil_3": True,
                "contact_1": True,
            }
        ]
        * 5
    )


MBPOLL_MODEL: dict[str, dict[str, Any]] = {
    "voltage": {"table": "input", "address": 0, "type": "float32"},
    "level": {"address": 10, "type": "int16"},
    "lamp": {"table": "coil", "address": 3},
}


async def mbpoll(port: int, *words: str) -> str:
    """What mbpoll says of the server on this port; its exit code must be 0."""
    program = need("mbpoll", "mbpoll")
    process = await asyncio.create_subprocess_exec(
        program, "-m", "tcp", "-p", str(port), "-a", "1", "-0", *words, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(20):
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    return said


async def test_mbpoll_reads_and_writes_a_simulated_device() -> None:
    actions: dict[str, dict[str, Any]] = {
        "set_level": {"address": 10, "type": "int16", "value": 0},
        "lamp": {"table": "coil", "address": 3, "value": True},
    }
    what = profile(MBPOLL_MODEL, actions)
    told: dict[str, Value] = {"voltage": 230.5, "level": -5, "lamp": False}
    async with on_tcp(ModbusServer(ModbusDevice(what, lambda: told))) as wire:
        port = int(wire.url.rpartition(":")[2])
        read = ["-c", "1", "-1"]
        assert "230.5" in await mbpoll(port, "-B", "-t", "3:float", "-r", "0", *read, "127.0.0.1")
        assert "-5" in await mbpoll(port, "-t", "4", "-r", "10", *read, "127.0.0.1")
        assert "Written 1" in await mbpoll(port, "-t", "4", "-r", "10", "127.0.0.1", "7")
        assert "Written 1" in await mbpoll(port, "-t", "0", "-r", "3", "127.0.0.1", "1")
