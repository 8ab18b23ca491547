"""A simulated ONVIF camera on a real TCP port: HTTP and SOAP, long polls, and whatever may go wrong.

`OnvifCamera.spoil` says by operation, or `*` for any: `unauthorized` (HTTP 401), `fault`, `slow` (no answer
until it is asked to go on), `drop` (the connection is cut), `garbage`, `bomb` (entities that swell),
`huge` (an answer without an end), `redirect`, `empty` (no body), `status` (HTTP 503 with a page), `parts`
(a multipart answer), `raw` (whatever stands in `OnvifServer.raw`).
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

from firmware_sim.onvif.camera import OnvifCamera
from firmware_sim.onvif.requests import CHALLENGE, SoapAnswer, SoapRequest, fault, read_request
from telemetry import Instant

LARGEST_REQUEST = 65_536  # bytes
LONGEST_PULL = 60.0  # seconds
_SOAP = "application/soap+xml; charset=utf-8"
_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + b"a" * 500 + b'"><!ENTITY b "' + b"&a;" * 100
    + b'"><!ENTITY c "' + b"&b;" * 100 + b'"><!ENTITY d "' + b"&c;" * 100 + b'">]><s:Envelope '
    b'xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&d;</s:Body></s:Envelope>'
)  # fmt: skip


class OnvifServer:
    """One camera and those who are connected to it."""

    def __init__(self, camera: OnvifCamera, clock: Callable[[], Instant]) -> None:
        self.camera = camera
        self.connections = 0
        self.raw = b""
        self._clock = clock
        self._changed = asyncio.Event()
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._go_on = asyncio.Event()

    def happen(self, topic: str, source: Mapping[str, str], items: Mapping[str, str]) -> None:
        """Something happens before the camera."""
        self.camera.happen(topic, source, items, self._clock())
        self._stir()

    def reboot(self) -> None:
        """Everybody is cut off, and what was in memory is gone."""
        self.camera.reboot()
        self.cut()

    def cut(self) -> None:
        """Cuts every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._stir()
        self.go_on()

    async def close(self) -> None:
        """Cuts every connection and waits until all have ended."""
        self.cut()
        if waiting := [task for task in self._writers.values() if task is not None]:
            await asyncio.wait(waiting)

    def go_on(self) -> None:
        """What was kept waiting by `slow` is answered now."""
        self._go_on.set()
        self._go_on = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        self.connections += 1
        self._writers[writer] = asyncio.current_task()
        try:
            while (asked := await _read(reader)) is not None:
                if not await self._reply(*asked, writer):
                    break
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that went away, or one that speaks no HTTP
        finally:
            del self._writers[writer]
            writer.transport.abort()

    async def _reply(self, path: str, authorization: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        request = read_request(body, path, authorization)
        if request is None:
            _write(writer, fault("ter:WellFormed", "not SOAP"))
            return True
        spoil = self.camera.spoil.get(request.operation, self.camera.spoil.get("*", ""))
        if spoil in {"drop", "slow"}:
            self.camera.asked.append(request.operation)
        if spoil == "drop":
            return False
        if spoil == "slow":
            await self._go_on.wait()
        elif spoil:
            self.camera.asked.append(request.operation)
            if spoil == "raw":
                _write(writer, SoapAnswer(200, self.raw))
            else:
                _spoil(spoil, writer)
            await writer.drain()
            return True
        refusal = self.camera.admits(request, self._clock())
        answer = refusal or await self._carried_out(request, writer)
        if answer is None:
            return False
        _write(writer, answer, *((CHALLENGE,) if answer.status == 401 else ()))
        await writer.drain()
        return True

    async def _carried_out(self, request: SoapRequest, writer: asyncio.StreamWriter) -> SoapAnswer | None:
        """Waits for events as long as a pull says; None when the connection was cut meanwhile."""
        now = self._clock()
        answer = self.camera.carry_out(request, now, waited=False)
        until = now.monotonic + _hold(request)
        while answer is None and not writer.transport.is_closing():
            try:
                async with asyncio.timeout(max(0.0, until - time.monotonic())):
                    await self._changed.wait()
            except TimeoutError:
                answer = self.camera.carry_out(request, self._clock())
            else:
                answer = self.camera.carry_out(request, self._clock(), waited=False)
        return answer

    def _stir(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@asynccontextmanager
async def serve_onvif(
    camera: OnvifCamera, clock: Callable[[], Instant], port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[OnvifServer]:
    """The camera on a loopback port, which its addresses name then; everybody is cut off at the end."""
    one = OnvifServer(camera, clock)
    server = await asyncio.start_server(one.serve, "127.0.0.1", port, limit=LARGEST_REQUEST, ssl=tls)
    camera.root = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if camera.events is not None:
        camera.events.root = camera.root
    try:
        yield one
    finally:
        server.close()
        await one.close()
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, bytes] | None:
    """Path, Authorization and body of the next request; None at the end. ValueError: it is no HTTP."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines[1:])}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= LARGEST_REQUEST:
        return None
    path, authorization = lines[0].split(" ")[1], headers.get("authorization", "")
    return path, authorization, await reader.readexactly(length)


def _write(writer: asyncio.StreamWriter, answer: SoapAnswer, *headers: str, kind: str = _SOAP) -> None:
    head = [
        f"HTTP/1.1 {answer.status} Status",
        f"Content-Type: {kind}",
        f"Content-Length: {len(answer.body)}",
        *headers,
    ]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + answer.body)


def _spoil(kind: str, writer: asyncio.StreamWriter) -> None:
    match kind:
        case "unauthorized":
            _write(
                writer,
                SoapAnswer(401, b"<html>who are you?</html>"),
                'WWW-Authenticate: Basic realm="camera"',
            )
        case "fault":
            _write(writer, fault("ter:Action", "not now", 500))
        case "redirect":
            _write(writer, SoapAnswer(307), "Location: http://127.0.0.1:1/elsewhere")
        case "empty":
            _write(writer, SoapAnswer(200))
        case "status":
            _write(writer, SoapAnswer(503, b"<html>busy</html>"))
        case "parts":
            _write(writer, SoapAnswer(200, b"--x"), kind='multipart/related; boundary="y"')
        case "bomb":
            _write(writer, SoapAnswer(200, _BOMB))
        case "huge":
            _write(writer, SoapAnswer(200, b"<a>" + b"x" * 8_000_000))
        case _:
            _write(writer, SoapAnswer(200, b"\x00\xff<<<garbage"))


def _hold(request: SoapRequest) -> float:
    """Seconds a pull may wait for events."""
    text = request.body.text_of("Timeout").removeprefix("PT").removesuffix("S")
    try:
        return min(float(text), LONGEST_PULL)
    except ValueError:
        return 1.0
