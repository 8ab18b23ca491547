"""A simulated serial port: a pty under a name of its own, at the true pace of a UART if asked for."""

import asyncio
import os
import termios
import time
import tty
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from firmware_sim.simulated import SimulatedDevice
from firmware_sim.wires.faults import Spoiler
from firmware_sim.wires.wire import Conversation, Wire, living
from telemetry import LinkError

SLICE = 0.01
"""Seconds of line time that are written at once."""


class PtyWire(Wire):
    """A serial port at `path`. Paced, bytes take their time in both directions.

    busy: seconds for which the line carried something. counts has `collisions`, chunks that came on a
    half-duplex line while we spoke and were lost, and `wrong_baudrate`, chunks nobody could read.
    """

    def __init__(
        self,
        path: Path,
        spoiler: Spoiler | None,
        *,
        baudrate: int,
        bits: int,
        half_duplex: bool,
        strict: bool,
    ) -> None:
        super().__init__(f"serial://{path}" + (f"?baudrate={baudrate}" if baudrate else ""), spoiler)
        self.path = path
        self.busy = 0.0
        self._baudrate, self._half_duplex, self._strict = baudrate, half_duplex, strict
        self._character = bits / baudrate if baudrate else 0.0
        self._speed: int | None = getattr(termios, f"B{baudrate}", None)
        self._conversation: Conversation | None = None
        self._ends: tuple[int, int] | None = None
        self._in: deque[bytes] = deque()
        self._out: deque[tuple[float, bytes]] = deque()
        self._out_timer: asyncio.TimerHandle | None = None
        self._in_free = self._out_free = 0.0

    def begin(self, devices: Sequence[SimulatedDevice]) -> None:
        """Puts the devices on the port. Raises LinkError when its name cannot be had."""
        self._plug()
        self._conversation = Conversation(self, devices, self._put)

    def close(self) -> None:
        """Takes the port away for good."""
        super().close()
        if self._conversation is not None:
            self._conversation.close()
        self._unplug()

    def _plug(self) -> None:
        near, far = os.openpty()
        tty.setraw(far)
        os.set_blocking(near, False)
        try:
            self.path.unlink(missing_ok=True)
            self.path.symlink_to(os.ttyname(far))
        except OSError as error:
            os.close(near)
            os.close(far)
            raise LinkError(f"the simulated port cannot be called {self.path}: {error}") from error
        self._ends = near, far
        asyncio.get_running_loop().add_reader(near, self._read, near, far)

    def _unplug(self) -> None:
        if self._ends is None:
            return
        near, far = self._ends
        self._ends = None
        asyncio.get_running_loop().remove_reader(near)
        self.path.unlink(missing_ok=True)
        os.close(far)
        os.close(near)
        self._out.clear()
        self._in.clear()

    def _drop_clients(self) -> None:
        """A serial line has no connections: whoever has it open is hung up on."""
        if self._ends is not None:
            self._unplug()
            self._plug()

    def _read(self, near: int, far: int) -> None:
        chunk = os.read(near, 4096)
        if not self._character:
            self._hear(chunk)
        elif self._strict and self._speed is not None and termios.tcgetattr(far)[4] != self._speed:
            self.counts["wrong_baudrate"] += 1
        elif self._half_duplex and self._out:
            self.counts["collisions"] += 1
        else:
            self._hear_in_time(chunk)

    def _hear_in_time(self, chunk: bytes) -> None:
        """Hands the chunk on when its last bit has come."""
        now = time.monotonic()
        self._in_free = max(now, self._in_free) + len(chunk) * self._character
        self.busy += len(chunk) * self._character
        self._in.append(chunk)
        self._after(self._in_free - now, self._hear_next)

    def _hear_next(self) -> None:
        if self._in:
            self._hear(self._in.popleft())

    def _hear(self, chunk: bytes) -> None:
        if self._conversation is not None:
            self.heard(self._conversation, chunk)

    def _put(self, payload: bytes, to: str) -> None:
        if not self._character:
            self._emit(payload)
            return
        free = max(time.monotonic(), self._out_free, self._in_free if self._half_duplex else 0.0)
        size = max(1, int(SLICE / self._character))
        for start in range(0, len(payload), size):
            piece = payload[start : start + size]
            free += len(piece) * self._character
            self._out.append((free, piece))
        self.busy += len(payload) * self._character
        self._out_free = free
        self._arm_out()

    def _arm_out(self) -> None:
        if self._out and self._out_timer is None:
            delay = max(0.0, self._out[0][0] - time.monotonic())
            self._out_timer = asyncio.get_running_loop().call_later(delay, self._emit_due)

    def _emit_due(self) -> None:
        self._out_timer = None
        now = time.monotonic()
        while self._out and self._out[0][0] <= now:
            self._emit(self._out.popleft()[1])
        self._arm_out()

    def _emit(self, payload: bytes) -> None:
        """Writes at once; when nobody has read for long, the oldest bytes are forgotten, as on a wire."""
        if self._ends is None:
            return
        near, far = self._ends
        try:
            written = os.write(near, payload)
        except BlockingIOError:
            written = 0
        if written < len(payload):
            termios.tcflush(far, termios.TCIFLUSH)
            self.counts["unheard"] += 1


@asynccontextmanager
async def on_pty(
    path: Path,
    *devices: SimulatedDevice,
    baudrate: int = 0,
    bits: int = 10,
    half_duplex: bool = False,
    strict: bool = False,
    spoiler: Spoiler | None = None,
) -> AsyncGenerator[PtyWire]:
    """Devices on a serial port called `path` while the block runs; several make a bus.

    baudrate: the true pace in both directions, 0 for as fast as it goes. bits: of a character, 10 for
    8N1, 11 for 8E1 or 8N2. half_duplex: an RS-485 pair, where one at a time may speak. strict: who opens
    the port at another baud rate is not understood. Raises LinkError when the name cannot be had.
    """
    if spoiler is not None:
        spoiler.check(devices)
    wire = PtyWire(path, spoiler, baudrate=baudrate, bits=bits, half_duplex=half_duplex, strict=strict)
    async with living(wire):
        wire.begin(devices)
        yield wire
