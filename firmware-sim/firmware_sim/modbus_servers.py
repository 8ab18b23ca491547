"""Simulated Modbus devices on wires: over TCP on loopback, over RTU on a pty."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from drivers.modbus_frames import MbapFrames, RtuRequests, wrap_mbap, wrap_rtu
from firmware_sim.connections import LOOPBACK, Connection, listening
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.serial_line import SerialLine


@asynccontextmanager
async def serve_tcp(device: ModbusDevice, port: int = 0) -> AsyncGenerator[str]:
    """Answers over Modbus TCP while the block runs; gives the link. A free port unless one is named."""
    async with listening(lambda clients: _Client(clients, device), port) as (bound, _):
        yield f"tcp://{LOOPBACK}:{bound}"


@asynccontextmanager
async def serve_rtu(line: SerialLine, *devices: ModbusDevice) -> AsyncGenerator[str]:
    """Devices with different unit ids answer over Modbus RTU on one line while the block runs.

    Gives the link; a request for a unit that is none of theirs goes unanswered.
    """
    requests = RtuRequests()

    def receive(chunk: bytes) -> None:
        for frame in requests.feed(chunk):
            for device in devices:
                reply = device.reply(frame)
                if reply is not None:
                    line.put(wrap_rtu(frame.unit, reply))

    with line.heard_by(receive):
        yield line.url


class _Client(Connection):
    """One Modbus TCP connection."""

    def __init__(self, clients: set[Connection], device: ModbusDevice) -> None:
        super().__init__(clients)
        self._device = device
        self._frames = MbapFrames()

    def data_received(self, data: bytes) -> None:
        """Requests in any chunking; each is answered in its turn."""
        for frame in self._frames.feed(data):
            reply = self._device.reply(frame)
            if reply is not None:
                self.send(wrap_mbap(frame.transaction, frame.unit, reply))
