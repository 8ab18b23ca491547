"""HTTP to an InfluxDB: tries again while that can help, and says what an answer means."""

import asyncio
import gzip
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import httpx
import msgspec

from stores.influx_address import InfluxAddress
from stores.influxql import Answer, Result, decode
from telemetry import StoreError

FIRST_DELAY, LONGEST_DELAY = 0.1, 2.0  # seconds between attempts, before jitter
LONG_ANSWER = 120.0  # seconds for an answer that counts every point

_ABOUT_POINTS = ("partial write", "unable to parse", "type conflict", "too large")
_NOT_FOUND = ("database not found", "retention policy not found", "bucket not found")
_chance = random.SystemRandom()


class NoDatabaseError(StoreError):
    """The database or its retention policy is not there (any more)."""


class RefusedPointsError(StoreError):
    """Some of the points of this write were refused; those that were not are stored."""


class InfluxHttp:
    """One server's `/write` and `/query`.

    attempt: seconds for one request. patience: seconds for one call with all its attempts; then, or when
    the server refuses, StoreError.
    """

    def __init__(self, address: InfluxAddress, *, attempt: float, patience: float) -> None:
        self._address = address
        self._attempt = attempt
        self._patience = patience
        auth = httpx.BasicAuth(address.user, address.password) if address.user else None
        tls: ssl.SSLContext | bool = (
            ssl.create_default_context() if address.base.startswith("https:") else False
        )
        self._client = httpx.AsyncClient(
            base_url=address.base, auth=auth, timeout=attempt, verify=tls, trust_env=False
        )
        self._target = {"db": address.database} | ({"rp": address.policy} if address.policy else {})

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def write(self, lines: Sequence[str]) -> None:
        """Stores the lines. Raises RefusedPointsError, NoDatabaseError, StoreError."""
        body = await asyncio.to_thread(_packed, lines)
        request = self._client.build_request(
            "POST",
            "/write",
            params={**self._target, "precision": "ns"},
            content=body,
            headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"},
        )
        response = await self._answered(request, self._patience)
        if not response.is_success:
            raise self._write_error(response)

    async def query(self, statements: str, *, seconds: float | None = None) -> Sequence[Result]:
        """The answer to each statement. seconds: how long one may take, where `attempt` is too short.

        Raises NoDatabaseError, StoreError.
        """
        request = self._query_request(statements, {}, seconds)
        response = await self._answered(request, max(self._patience, seconds or 0))
        if not response.is_success:
            raise self._refusal(response)
        return self._checked(decode(response.content)).results

    async def query_in_chunks(self, statement: str, take: Callable[[Result], None]) -> None:
        """Gives an answer of any length away piece by piece. Raises StoreError."""
        request = self._query_request(statement, {"chunked": "true", "chunk_size": "10000"}, LONG_ANSWER)
        try:
            async with asyncio.timeout(LONG_ANSWER):
                async for line in self._lines(request):
                    for result in self._checked(decode(line)).results:
                        take(result)
        except (TimeoutError, httpx.RequestError) as error:
            raise self._unreachable(LONG_ANSWER, repr(error)) from error

    async def _lines(self, request: httpx.Request) -> AsyncIterator[bytes]:
        response = await self._client.send(request, stream=True)
        try:
            if not response.is_success:
                await response.aread()
                raise self._refusal(response)
            rest = b""
            async for some in response.aiter_bytes():
                # Not aiter_lines, which ends lines inside texts too, at U+0085 and U+2028.
                *lines, rest = (rest + some).split(b"\n")
                for line in filter(None, lines):
                    yield line
            if rest:
                yield rest
        finally:
            await response.aclose()

    def _query_request(
        self, statements: str, more: Mapping[str, str], seconds: float | None
    ) -> httpx.Request:
        form = {**self._target, "epoch": "ns", "q": statements, **more}
        timeout = httpx.Timeout(self._attempt, read=seconds or self._attempt)
        return self._client.build_request("POST", "/query", data=form, timeout=timeout)

    async def _answered(self, request: httpx.Request, longest: float) -> httpx.Response:
        """The first answer that another attempt would not better.

        No attempt begins after `patience`, none lasts beyond `longest` seconds from now.
        """
        reason, delay = "no answer", FIRST_DELAY
        give_up = time.monotonic() + self._patience
        try:
            async with asyncio.timeout(longest):
                while time.monotonic() < give_up:
                    try:
                        response = await self._client.send(request)
                    except httpx.RequestError as error:
                        reason = str(error) or type(error).__name__
                    else:
                        if not _worth_asking_again(response):
                            return response
                        reason = _error_text(response)
                    await asyncio.sleep(delay * _chance.uniform(0.5, 1.5))
                    delay = min(delay * 2, LONGEST_DELAY)
        except TimeoutError as error:
            raise self._unreachable(longest, reason) from error
        raise self._unreachable(self._patience, reason)

    def _checked(self, answer: Answer) -> Answer:
        for text in (answer.error, *(result.error for result in answer.results)):
            if any(part in text for part in _NOT_FOUND):
                raise NoDatabaseError(f"{self._address}: {text}")
            if text:
                raise StoreError(f"{self._address} refuses a question: {text}")
        return answer

    def _write_error(self, response: httpx.Response) -> StoreError:
        text = _error_text(response)
        if response.status_code == 413:
            return RefusedPointsError("too large for the server's max-body-size")
        if response.status_code in (400, 422) and any(part in text for part in _ABOUT_POINTS):
            return RefusedPointsError(text)
        return self._refusal(response)

    def _refusal(self, response: httpx.Response) -> StoreError:
        text = _error_text(response)
        if response.status_code == 404 or any(part in text for part in _NOT_FOUND):
            return NoDatabaseError(f"{self._address}: {text}")
        if response.status_code in (401, 403):
            user = repr(self._address.user) if self._address.user else "without a user"
            return StoreError(
                f"{self._address} refuses {user} ({text}): give [store] url a user and token that may read "
                "and write this database, and make the database yourself when the user may not"
            )
        return StoreError(f"{self._address} answers {response.status_code}: {text}")

    def _unreachable(self, seconds: float, reason: str) -> StoreError:
        return StoreError(
            f"{self._address} did not take a request within {seconds:g} s ({reason}): "
            "check that InfluxDB runs and that [store] url names it"
        )


def _worth_asking_again(response: httpx.Response) -> bool:
    if response.status_code < 500 and response.status_code != 429:
        return False
    return not any(text in _error_text(response) for text in _NOT_FOUND)


def _packed(lines: Sequence[str]) -> bytes:
    # Level 1: higher levels cost a third of the throughput for a few per cent of size.
    return gzip.compress("\n".join(lines).encode(), 1)


def _error_text(response: httpx.Response) -> str:
    try:
        answer = msgspec.json.decode(response.content, type=dict[str, object])
    except msgspec.DecodeError:
        return response.text[:500] or response.reason_phrase
    return str(answer.get("error") or answer.get("message") or response.text)[:500]
