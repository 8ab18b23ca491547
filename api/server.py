"""Serves the application in the running event loop; signals stay with whoever started the process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator

import uvicorn
from fastapi import FastAPI

from api.guard import is_loopback
from telemetry import ConfigurationError

GRACE = 3  # seconds for what is under way when the server stops
LARGEST_WISH = 64 << 10  # bytes of a message to the live WebSocket
MOST_CONNECTIONS = 1_000


@contextlib.asynccontextmanager
async def serve(app: FastAPI, host: str = "127.0.0.1", port: int = 8080) -> AsyncGenerator[str]:
    """Serves as long as the block runs and gives the address, `http://127.0.0.1:8080`.

    port: 0 for a free one. Raises ConfigurationError for a host that others could reach, or a port
    that is taken.
    """
    if not is_loopback(host):
        raise ConfigurationError(
            f"the API cannot listen on {host!r}: it has no accounts yet, so it serves its own machine only; "
            "use 127.0.0.1, and reach it from elsewhere by ssh -L 8080:127.0.0.1:8080"
        )
    listening = _listen(host, port)
    server = _Server(_configuration(app))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    serving.add_done_callback(lambda _: server.up.set())
    try:
        await server.up.wait()
        if not serving.done():
            yield _address(listening)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals alone, and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def _configuration(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_max_size=LARGEST_WISH,
        ws_per_message_deflate=False,  # on loopback it would only cost time
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
    )


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a port that is taken is an error here and not an exit in there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"the API cannot listen on {host}:{port}: {error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"the API cannot listen on {host}:{port} ({error.strerror}); "
            "stop what uses that port, or choose another with --port"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
