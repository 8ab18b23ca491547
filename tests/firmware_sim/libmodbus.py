"""libmodbus, a Modbus client in C that is not ours, by ctypes: reads and writes over RTU and TCP."""

import ctypes
import ctypes.util
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


class Client:
    """One connection; blocking, so call it from a thread."""

    def __init__(self, library: ctypes.CDLL, context: ctypes.c_void_p) -> None:
        self._library, self._context = library, context

    def read(self, *, unit: int, address: int, count: int, table: str = "holding") -> list[int]:
        """Register contents. Raises OSError with libmodbus's errno."""
        cell = ctypes.c_uint16 if table in ("holding", "input") else ctypes.c_uint8
        found = (cell * count)()
        self._call(f"modbus_read_{_READS[table]}", unit, count, address, count, found)
        return list(found)

    def write(self, *, unit: int, address: int, contents: Sequence[int], table: str = "holding") -> None:
        """Registers or coils, one by its own function. Raises OSError with libmodbus's errno."""
        what = "register" if table == "holding" else "bit"
        cell = ctypes.c_uint16 if table == "holding" else ctypes.c_uint8
        if len(contents) == 1:
            self._call(f"modbus_write_{what}", unit, 1, address, contents[0])
            return
        array = (cell * len(contents))(*contents)
        self._call(f"modbus_write_{what}s", unit, len(contents), address, len(contents), array)

    def mask(self, *, unit: int, address: int, keep: int, add: int) -> None:
        """Mask write. Raises OSError with libmodbus's errno."""
        words = (ctypes.c_uint16(keep), ctypes.c_uint16(add))
        self._call("modbus_mask_write_register", unit, 1, address, *words)

    def write_and_read(self, *, unit: int, write_at: int, contents: Sequence[int], read_at: int) -> int:
        """One register read after several were written, in one request."""
        array, found = (ctypes.c_uint16 * len(contents))(*contents), (ctypes.c_uint16 * 1)()
        words = (write_at, len(contents), array, read_at, 1, found)
        self._call("modbus_write_and_read_registers", unit, 1, *words)
        return int(found[0])

    def _call(self, name: str, unit: int, wanted: int, *words: object) -> None:
        self._library.modbus_set_slave(self._context, unit)
        if getattr(self._library, name)(self._context, *words) != wanted:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


@contextmanager
def rtu_client(path: Path, baudrate: int) -> Generator[Client]:
    """A client on a serial port that waits 0.3 s for an answer."""
    library = _library()
    parity = ctypes.c_char(b"N")
    context = ctypes.c_void_p(library.modbus_new_rtu(str(path).encode(), baudrate, parity, 8, 1))
    with _connected(library, context) as client:
        yield client


@contextmanager
def tcp_client(port: int) -> Generator[Client]:
    """A client of a loopback port that waits 0.3 s for an answer."""
    library = _library()
    with _connected(library, ctypes.c_void_p(library.modbus_new_tcp(b"127.0.0.1", port))) as client:
        yield client


@contextmanager
def _connected(library: ctypes.CDLL, context: ctypes.c_void_p) -> Generator[Client]:
    assert context.value, "libmodbus takes no such port"
    library.modbus_set_response_timeout(context, 0, 300_000)
    library.modbus_set_slave(context, 1)
    try:
        assert library.modbus_connect(context) == 0, os.strerror(ctypes.get_errno())
        yield Client(library, context)
    finally:
        library.modbus_close(context)
        library.modbus_free(context)


_READS = {
    "holding": "registers",
    "input": "input_registers",
    "coil": "bits",
    "discrete": "input_bits",
}


def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("modbus")
    if name is None:
        if os.environ.get("CI"):
            pytest.fail("libmodbus is missing: scripts/test installs the Debian package libmodbus-dev")
        pytest.skip("needs libmodbus: apt-get install libmodbus-dev")
    library = ctypes.CDLL(name, use_errno=True)
    library.modbus_new_rtu.restype = library.modbus_new_tcp.restype = ctypes.c_void_p
    return library
