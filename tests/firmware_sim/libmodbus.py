"""libmodbus, a Modbus client in C that is not ours, by ctypes: reads registers over RTU and TCP."""

import ctypes
import ctypes.util
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Client:
    """One connection; blocking, so call it from a thread."""

    def __init__(self, library: ctypes.CDLL, context: ctypes.c_void_p) -> None:
        self._library, self._context = library, context

    def read(self, *, unit: int, address: int, count: int, table: str = "holding") -> list[int]:
        """Register contents. Raises OSError with libmodbus's errno."""
        registers = (ctypes.c_uint16 * count)()
        self._library.modbus_set_slave(self._context, unit)
        read = (
            self._library.modbus_read_registers
            if table == "holding"
            else self._library.modbus_read_input_registers
        )
        if read(self._context, address, count, registers) != count:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return list(registers)


@contextmanager
def rtu_client(path: Path, baudrate: int) -> Generator[Client]:
    """A client on a serial port that waits 0.3 s for an answer."""
    library = _library()
    parity = ctypes.c_char(b"N")
    context = ctypes.c_void_p(library.modbus_new_rtu(str(path).encode(), baudrate, parity, 8, 1))
    assert context.value, "libmodbus takes no such port"
    library.modbus_set_response_timeout(context, 0, 300_000)
    library.modbus_set_slave(context, 1)
    try:
        assert library.modbus_connect(context) == 0, os.strerror(ctypes.get_errno())
        yield Client(library, context)
    finally:
        library.modbus_close(context)
        library.modbus_free(context)


def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("modbus")
    if name is None:
        if os.environ.get("CI"):
            pytest.fail("libmodbus is missing: scripts/test installs the Debian package libmodbus-dev")
        pytest.skip("needs libmodbus: apt-get install libmodbus-dev")
    library = ctypes.CDLL(name, use_errno=True)
    library.modbus_new_rtu.restype = ctypes.c_void_p
    return library
