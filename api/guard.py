"""What is refused before any endpoint runs: large bodies, and pages of other sites.

The API listens on loopback and has no accounts yet, so the danger is a web page in the same
machine's browser: by a name that resolves to loopback (DNS rebinding) or by a request or WebSocket
across origins. Hence only loopback names count as Host, and an Origin must be the Host's own.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response

LARGEST_BODY = 1 << 20  # bytes
_TOO_LARGE = f"The body is larger than {LARGEST_BODY} bytes; send less at once."
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or lets the application answer."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is not None:
            status, detail = refusal
            await problem_response(status, detail, scope["path"])(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._app(scope, _counted(receive), _with_headers(send))


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(scope: Scope) -> tuple[int, str] | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not is_loopback(_host_name(host)):
        return (
            421,
            f"This API serves its own machine only; call it as 127.0.0.1 or localhost, not {host[:99]!r}.",
        )
    origin = headers.get("origin")
    unsafe = scope["type"] == "websocket" or scope["method"] not in _READING_METHODS
    if unsafe and origin is not None and _authority(origin) != host.lower():
        return 403, f"A page of {origin[:99]!r} may not use this API; open the API's own page instead."
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > LARGEST_BODY:
        return 413, _TOO_LARGE
    return None


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _counted(receive: Receive) -> Receive:
    """Bodies without a Content-Length are counted as they come."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await send(message)

    return sending
