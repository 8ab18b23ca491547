"""An InfluxDB that misbehaves: hands requests on to a real one, unless told to do something else."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class FaultyInflux:
    """url: where it listens. answers: what the next writes are answered instead of being handed on.

    columns: what questions for the columns are answered, where that is not left to the real one.
    """

    url: str = ""
    answers: list[bytes] = field(default_factory=list[bytes])
    columns: bytes = b""
    writes: int = 0


def answer(status: str, body: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return (head + f"Connection: close\r\n\r\n{body}").encode()


@asynccontextmanager
async def faulty_influx(real_url: str) -> AsyncGenerator[FaultyInflux]:
    real = urlsplit(real_url)
    faulty = FaultyInflux()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode().lower().split("\r\n")
            length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
            body = await reader.readexactly(length)
            is_write = head.startswith(b"POST /write")
            faulty.writes += is_write
            if is_write and faulty.answers:
                writer.write(faulty.answers.pop(0))
            elif faulty.columns and b"SHOW+FIELD+KEYS" in body:
                writer.write(faulty.columns)
            else:
                writer.write(await _real_answer(real.hostname or "", real.port or 0, head, body))
            await writer.drain()
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        faulty.url = f"http://127.0.0.1:{port}"
        yield faulty


async def _real_answer(host: str, port: int, head: bytes, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(head.replace(b"Connection: keep-alive", b"Connection: close") + body)
        return await reader.read()
    finally:
        writer.close()
