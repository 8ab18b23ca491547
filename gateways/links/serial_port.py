"""A serial port of this machine as a link: its descriptor, read and written in the event loop."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import serialx

from gateways.links.contract import LARGEST_READ, PIECE, Receiver
from gateways.links.pipe import CONNECT_TIME, reason
from telemetry import LinkError

_REMEDIES = {
    errno.ENOENT: "there is no such port; plug the adapter in, `haidang scan serial` lists those there are",
    errno.EACCES: "this user may not use it; make it a member of the group dialout and log in again",
    errno.EBUSY: "another process uses it; stop the gateway or program that reads this port",
    errno.ENOTTY: "this is no serial port",
}


class SerialPort:
    """An open port. A short read is all there is, so a piece is what one turn of the loop brings."""

    def __init__(self, descriptor: int, name: str, receiver: Receiver) -> None:
        self._descriptor, self._name, self._receiver = descriptor, name, receiver
        self._loop = asyncio.get_running_loop()
        self._unsent = b""
        self._failure: LinkError | None = None

    def write(self, payload: bytes, to: str = "") -> None:
        """Sends; what the port does not take for long breaks the link."""
        if self._failure is not None:
            raise self._failure
        if self._unsent:
            self._unsent += payload
            if len(self._unsent) > LARGEST_READ:
                raise LinkError(f"{self._name} takes nothing of what is sent to it")
            return
        sent = self._send(payload)
        if sent < len(payload) and self._failure is None:
            self._unsent = payload[sent:]
            self._loop.add_writer(self._descriptor, self._send_on)

    def pause(self) -> None:
        """Reads nothing more."""
        self._loop.remove_reader(self._descriptor)

    def resume(self) -> None:
        """Reads on."""
        if self._failure is None:
            self._loop.add_reader(self._descriptor, self._read)

    def close(self) -> None:
        """Watches the descriptor no more."""
        self._failure = self._failure or LinkError(f"{self._name} was closed")
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)

    def _read(self) -> None:
        try:
            chunk = os.read(self._descriptor, PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._break(error)
            return
        if chunk:
            self._receiver.receive(chunk)
        else:  # what Linux gives for a terminal that was hung up
            self._break(OSError(errno.EIO, "the adapter is gone, or another program uses it"))

    def _send(self, payload: bytes) -> int:
        try:
            return os.write(self._descriptor, payload)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._break(error)
            return 0

    def _send_on(self) -> None:
        self._unsent = self._unsent[self._send(self._unsent) :]
        if not self._unsent:
            self._loop.remove_writer(self._descriptor)

    def _break(self, error: OSError) -> None:
        self.close()
        self._failure = LinkError(f"{self._name} broke: {error}")
        self._receiver.broke(self._failure)


@asynccontextmanager
async def open_port(port: serialx.BaseSerial, name: str, receiver: Receiver) -> AsyncGenerator[None]:
    """The port as it is set, for us alone. Raises LinkError when it cannot be opened."""
    try:
        async with asyncio.timeout(CONNECT_TIME):
            await _opened(port)
    except (OSError, ValueError, serialx.SerialException) as error:
        raise LinkError(f"cannot open {name}: {_remedy(error)}") from error
    link = SerialPort(port.fileno(), name, receiver)
    try:
        receiver.opened(link)
        link.resume()
        yield
    finally:
        link.close()
        await asyncio.to_thread(port.close)


def _remedy(error: Exception) -> str:
    """Why it does not open and what to do; what is not known to happen, in the system's words."""
    return _REMEDIES.get(getattr(error, "errno", None) or 0) or reason(error)


async def _opened(port: serialx.BaseSerial) -> None:
    """Opens it in a thread; one that is given up is closed when the thread is done with it."""
    opening = asyncio.get_running_loop().run_in_executor(None, port.open)
    try:
        await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(lambda done: done.exception() or port.close())
        raise
