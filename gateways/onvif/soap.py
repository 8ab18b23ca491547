"""SOAP to one ONVIF camera through the library onvif-zeep-async, within bounds of time and size.

What comes from the camera is not trusted: an answer is read up to LARGEST_ANSWER, a document type
declaration is refused (so no entity is ever defined), no redirection is followed, and whatever address
the camera gives for its services, only the host and port of the link are dialled.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from telemetry import LinkError

ANSWER_TIME = 5.0  # seconds
LARGEST_ANSWER = 1024 * 1024  # bytes
_CONNECTIONS = 6  # at once to one camera: a long poll, a question, a command, and one each to spare
_NOT_ALLOWED = frozenset({"notauthorized", "failedauthentication", "failedcheck", "invalidsecurity"})
_NOT_KNOWN = re.compile(r"not authori[sz]ed|unauthori[sz]ed|authenticat|wrong password", re.IGNORECASE)
"""How cameras say it that give no such code."""
_SPOILED = (
    AttributeError, TypeError, ValueError, LookupError, ArithmeticError, RuntimeError, AssertionError,
    SyntaxError,
)  # fmt: skip
"""What the library raises besides its own errors when an answer lacks what it must have."""


class SoapError(LinkError):
    """A request failed.

    reason: `refused` (the camera answers with a fault), `unauthorized`, `unreachable`, `timeout` or
    `garbled`.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Account:
    """Where a camera is and who we are there. root: scheme, host and port, without a slash at the end."""

    root: str
    user: str
    password: str = field(repr=False)

    def here(self, url: str) -> str:
        """The path of a URL the camera gave, on the host and port that we know. Raises ValueError."""
        parts = urlsplit(url.strip())
        query = f"?{parts.query}" if parts.query else ""
        return f"{self.root}/{parts.path.lstrip('/')}{query}"


class _BoundedAnswer(aiohttp.ClientResponse):
    """An answer of which no more than LARGEST_ANSWER bytes are read."""

    async def read(self) -> bytes:
        """The whole body."""
        if self.status == 401 or 300 <= self.status < 400:
            self.close()
            raise aiohttp.ClientResponseError(self.request_info, self.history, status=self.status)
        if self.content_type.startswith("multipart/"):
            self.close()
            raise aiohttp.ClientPayloadError("an answer in several parts, which ONVIF does not have")
        body = bytearray()
        async for piece in self.content.iter_any():
            body += piece
            if len(body) > LARGEST_ANSWER:
                self.close()
                raise aiohttp.ClientPayloadError(f"an answer of more than {LARGEST_ANSWER} bytes")
        return bytes(body)


async def _follow_nothing(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await send(request)
    if 300 <= response.status < 400:
        response.close()
        raise aiohttp.ClientResponseError(response.request_info, (), status=response.status)
    return response


class Soap:
    """The services of one camera. offset: how far the camera's clock is ahead of ours."""

    def __init__(self, account: Account, session: aiohttp.ClientSession, library: Any) -> None:
        self.account = account
        self.offset = timedelta()
        self._session = session
        self._library = library
        self._faults = import_module("zeep.exceptions")
        self._services: dict[str, Any] = {}

    async def use(self, service: str, url: str) -> None:
        """Makes a service known under the library's name for it, at the path of this URL."""
        definition = self._library.definition.SERVICES[service]
        await self.forget(service)
        try:
            address = self.account.here(url)
        except ValueError as error:
            raise SoapError("garbled", f"the camera gives no address for {service}: {url[:80]!r}") from error
        client = self._library.ONVIFService(
            address,
            self.account.user or None,
            self.account.password,
            str(Path(self._library.__file__).parent / "wsdl" / definition["wsdl"]),
            no_cache=True,
            dt_diff=self.offset,
            binding_name=f"{{{definition['ns']}}}{definition['binding']}",
        )
        self._services[service] = client
        client.transport = self._library.client.AsyncTransportProtocolErrorHandler(session=self._session)
        await client.setup()

    def has(self, service: str) -> bool:
        """Whether the camera has this service."""
        return service in self._services

    async def forget(self, service: str) -> None:
        """The service is not used any more."""
        client = self._services.pop(service, None)
        if client is not None:
            await client.close()

    async def close(self) -> None:
        """Forgets all services."""
        for service in list(self._services):
            await self.forget(service)

    def set_offset(self, offset: timedelta) -> None:
        """The camera's clock is so far ahead of ours: what we sign carries its time."""
        self.offset = offset
        for client in self._services.values():
            client.dt_diff = client.zeep_client.wsse.dt_diff = offset

    async def read_clock(self) -> timedelta:
        """How far the camera's clock is ahead; nothing where it does not say. Raises SoapError."""
        asked_at = datetime.now(UTC)
        try:
            told = await self.ask("devicemgmt", "GetSystemDateAndTime", signed=False)
        except SoapError as error:
            if error.reason not in {"refused", "unauthorized"}:
                raise
            told = await self.ask("devicemgmt", "GetSystemDateAndTime")
        clock = told.get("UTCDateTime") or {}
        try:
            date, time = clock["Date"], clock["Time"]
            at = datetime(date["Year"], date["Month"], date["Day"], tzinfo=UTC) + timedelta(
                hours=time["Hour"], minutes=time["Minute"], seconds=time["Second"]
            )
        except _SPOILED:
            return timedelta()
        return at - asked_at

    async def ask(
        self,
        service: str,
        operation: str,
        within: float = ANSWER_TIME,
        *,
        signed: bool = True,
        **parameters: Any,
    ) -> Any:
        """The answer as plain dicts and lists. Raises SoapError."""
        found = await self.ask_as_is(service, operation, within, signed=signed, **parameters)
        try:
            return self._library.ONVIFService.to_dict(found)
        except (self._library.ONVIFError, *_SPOILED) as error:
            raise SoapError(
                "garbled", f"{operation}: an answer that cannot be read: {error!s:.200}"
            ) from error

    async def ask_as_is(
        self,
        service: str,
        operation: str,
        within: float = ANSWER_TIME,
        *,
        signed: bool = True,
        **parameters: Any,
    ) -> Any:
        """The answer as the library's own objects. Raises SoapError."""
        if service not in self._services:
            raise SoapError("refused", f"this camera has no {service} service")
        name = operation if signed and self.account.user else f"authless_{operation}"
        try:
            async with asyncio.timeout(within):
                return await getattr(self._services[service], name)(parameters)
        except TimeoutError as error:
            raise SoapError("timeout", f"{operation}: no answer within {within:g} s") from error
        except aiohttp.ClientResponseError as error:
            raise self._http_error(operation, error.status) from error
        except (aiohttp.ClientPayloadError, aiohttp.InvalidURL) as error:
            raise SoapError("garbled", f"{operation}: {error}") from error
        except aiohttp.ClientConnectorCertificateError as error:
            told = f"{self.account.root}: this machine does not trust the camera's certificate"
            raise SoapError("unreachable", f"{told}; install its issuer here, or add ?verify=no") from error
        except (aiohttp.ClientError, OSError) as error:
            number = (error.errno or 0) if isinstance(error, OSError) else 0
            why = os.strerror(number) if number > 0 else str(error)
            raise SoapError(
                "unreachable", f"cannot reach the camera at {self.account.root}: {why}"
            ) from error
        except self._faults.Fault as error:
            raise self._fault(operation, error) from error
        except self._faults.TransportError as error:
            raise self._http_error(operation, error.status_code) from error
        except (self._faults.Error, self._library.ONVIFError, *_SPOILED) as error:
            raise SoapError(
                "garbled", f"{operation}: an answer that cannot be read: {error!s:.200}"
            ) from error

    def _http_error(self, operation: str, status: object) -> SoapError:
        if status == 401:
            return self._unauthorized()
        return SoapError("garbled", f"{operation}: the camera answers with HTTP status {status} and no SOAP")

    def _fault(self, operation: str, fault: Any) -> SoapError:
        codes = [str(getattr(code, "localname", code)) for code in (fault.subcodes or ())]
        words = {word.rpartition(":")[2].lower() for word in (*codes, str(fault.code))}
        message = " ".join(str(fault.message or "no reason given").split())[:200]
        if words & _NOT_ALLOWED or _NOT_KNOWN.search(message):
            return self._unauthorized()
        return SoapError("refused", f"{operation}: the camera refuses: {message}")

    def _unauthorized(self) -> SoapError:
        if not self.account.user:
            told = "the camera wants a user: write onvif://user:password@host"
        else:
            told = f"the camera refuses user {self.account.user}: check name and password in the link"
        return SoapError("unauthorized", f"{told} ({self.account.root})")


@asynccontextmanager
async def open_soap(account: Account, *, verify: bool = True) -> AsyncGenerator[Soap]:
    """Nothing is dialled yet. verify: whether a certificate must be one that this machine trusts."""
    library = await asyncio.to_thread(_library)
    middlewares: list[aiohttp.ClientMiddlewareType] = [_follow_nothing]
    if account.user:
        middlewares.insert(0, aiohttp.DigestAuthMiddleware(account.user, account.password))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=verify),
        response_class=_BoundedAnswer,
        middlewares=middlewares,
        timeout=aiohttp.ClientTimeout(total=60, connect=ANSWER_TIME),
    ) as session:
        soap = Soap(account, session, library)
        try:
            yield soap
        finally:
            await soap.close()


@cache
def _library() -> Any:
    """The library, which is slow to import and configures everybody's log unless it is stopped."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    library: Any = import_module("onvif")
    root.handlers[:] = handlers
    root.setLevel(level)
    settings: Any = import_module("onvif.settings").DEFAULT_SETTINGS
    settings.xml_huge_tree = False
    settings.forbid_dtd = settings.forbid_entities = settings.forbid_external = True
    return library
