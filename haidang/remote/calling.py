"""The platform's API as the commands of the terminal call it: answers as JSON, refusals as sentences."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec

from telemetry import ConfigurationError, HaidangError

DEFAULT_API = "http://127.0.0.1:8080"
LONGEST_WAIT = 70.0  # seconds: a command may take a minute

AnswerT = TypeVar("AnswerT")


class CallError(HaidangError):
    """The API is not there, or does not do what was asked; `status` is its HTTP status, 0 without one."""

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class Calls:
    """A connection to one API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, kind: type[AnswerT]) -> AnswerT:
        """What stands there. Raises CallError."""
        return await self._call("GET", path, None, kind)

    async def post(self, path: str, content: Mapping[str, Any], kind: type[AnswerT]) -> AnswerT:
        """The answer to what was posted. Raises CallError."""
        return await self._call("POST", path, content, kind)

    async def delete(self, path: str) -> None:
        """Raises CallError."""
        await self._call("DELETE", path, None, type(None))

    async def _call(
        self, method: str, path: str, content: Mapping[str, Any] | None, kind: type[AnswerT]
    ) -> AnswerT:
        try:
            response = await self._client.request(method, f"/api/v1{path}", json=content)
        except httpx.TransportError as error:
            raise CallError(
                f"no API answers at {self._client.base_url} ({error or type(error).__name__}): start "
                "`haidang up`, or name another address with --api"
            ) from error
        if not response.is_success:
            raise CallError(_refusal(response), response.status_code)
        try:
            return msgspec.json.decode(response.content or b"null", type=kind)
        except msgspec.MsgspecError as error:
            raise CallError(f"{self._client.base_url} does not answer as our API does: {error}") from error


@asynccontextmanager
async def calling(api: str) -> AsyncGenerator[Calls]:
    """Calls to the API at this address, as long as the block runs. Raises ConfigurationError."""
    try:
        client = httpx.AsyncClient(base_url=api, timeout=LONGEST_WAIT, trust_env=False)
        known = client.base_url.scheme in {"http", "https"} and bool(client.base_url.host)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"--api {api}: {error}") from error
    if not known:
        raise ConfigurationError(f"--api {api}: write an address such as {DEFAULT_API}")
    async with client:
        yield Calls(client)


def _refusal(response: httpx.Response) -> str:
    """A problem's sentence; what is no problem document, by its status."""
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {}
    detail = str(problem.get("detail") or "").removeprefix("body/")
    return detail or f"the API answers {response.status_code} {response.reason_phrase}"
