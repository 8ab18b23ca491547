"""`haidang listen` without a model shows what a wire says, in pieces a person can read."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from rich.console import Console

from broker.session import BrokerAddress, connect
from haidang.discovery.listening import listen_raw
from tests.waiting import until

WIND = b"$WIMWV,045,R,12.3,N,A*1D\r\n"


@asynccontextmanager
async def saying(*pieces: bytes) -> AsyncGenerator[str]:
    """A TCP server that says these pieces, each in a segment of its own."""

    writers: list[asyncio.StreamWriter] = []

    async def said(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)

    server = await asyncio.start_server(said, "127.0.0.1", 0)
    async with server:
        try:
            yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            for writer in writers:
                writer.close()
                await writer.wait_closed()


async def shown(link: str, wanted: str) -> str:
    """What is printed until this stands there."""
    out, err = Console(file=io.StringIO(), width=80), Console(file=io.StringIO())
    assert isinstance(out.file, io.StringIO)
    text = out.file
    listening = asyncio.create_task(listen_raw(link, None, out, err))
    await until(lambda: wanted in text.getvalue())
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    return text.getvalue()


async def test_a_sentence_that_comes_byte_by_byte_stands_on_one_line() -> None:
    async with saying(*(bytes((byte,)) for byte in WIND)) as link:
        text = await shown(link, "*1D")
    assert "  $WIMWV,045,R,12.3,N,A*1D\n" in text


async def test_bytes_that_are_no_text_are_shown_after_a_silence() -> None:
    async with saying(b"\xff\x07", b"\xc3\xc9") as link:
        text = await shown(link, "C9")
    assert "  FF 07 C3 C9\n" in text


async def test_control_characters_around_a_text_leave_it_readable() -> None:
    async with saying(b"\x02Q,107,003.14,M,00,\x031E\r\n") as link:
        text = await shown(link, "1E")
    assert "  \\x02Q,107,003.14,M,00,\\x031E\n" in text


async def test_a_message_the_broker_had_kept_is_called_retained(mosquitto_port: int) -> None:
    broker = BrokerAddress("127.0.0.1", mosquitto_port)
    async with connect(broker, "sensor") as session:
        await session.publish("tele/fan/LWT", b"Online", retain=True)
    text = await shown(f"mqtt://127.0.0.1:{mosquitto_port}/tele/#", "Online")
    assert "  retained tele/fan/LWT  Online\n" in text
