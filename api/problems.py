"""Every error of the API as RFC 9457 problem details, rendered in this one place."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from registry.errors import Conflict, NotFound
from telemetry import ConfigurationError, HaidangError, LinkError, RegistryError, StoreError

MEDIA_TYPE = "application/problem+json"
LONGEST_DETAIL = 500  # characters: a message that quotes the request stays readable

log = structlog.get_logger()


class Flaw(msgspec.Struct, frozen=True):
    """One thing wrong in a request. where: `query/limit`, `path/device_id` or `body/link`."""

    where: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 §3.1, with `errors` of ours as its example in §3 has it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: Sequence[Flaw] = ()
    parts: Mapping[str, str] = {}


class RefusedError(HaidangError):
    """A request this API cannot do. flaws: the places in the request that are wrong.

    parts: for 503, the parts of the platform and how each is.
    """

    def __init__(
        self, status: int, detail: str, *, flaws: Sequence[Flaw] = (), parts: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.flaws = flaws
        self.parts = parts or {}


def wrong(where: str, detail: str) -> RefusedError:
    """A 422 for one wrong place of a request."""
    return RefusedError(422, f"{where}: {detail}", flaws=[Flaw(where, detail)])


def install_problems(app: FastAPI) -> None:
    """Makes the application answer every error as a problem."""
    app.add_exception_handler(RefusedError, _refusal)
    app.add_exception_handler(HaidangError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(
    status: int,
    detail: str,
    instance: str,
    *,
    flaws: Sequence[Flaw] = (),
    parts: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for a problem. Its type is `urn:haidang:problem:` and the words of its title."""
    title = HTTPStatus(status).phrase
    problem = Problem(
        type=f"urn:haidang:problem:{title.lower().replace(' ', '-')}",
        title=title,
        status=status,
        detail=detail[:LONGEST_DETAIL],
        instance=instance,
        errors=flaws,
        parts=parts or {},
    )
    return Response(msgspec.json.encode(problem), status, headers, MEDIA_TYPE)


async def _refusal(request: Request, raised: Exception) -> Response:
    error = cast("RefusedError", raised)
    return problem_response(error.status, str(error), request.url.path, flaws=error.flaws, parts=error.parts)


_STATUSES: Sequence[tuple[type[HaidangError], int]] = (
    (NotFound, 404),
    (Conflict, 409),
    (ConfigurationError, 422),
    (RegistryError, 503),
    (StoreError, 503),
    (LinkError, 503),
)


async def _known(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    if status >= 500:
        log.warning("api.unavailable", path=request.url.path, reason=str(error))
    return problem_response(status, str(error), request.url.path)


async def _invalid(request: Request, raised: Exception) -> Response:
    found = cast("RequestValidationError", raised).errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problem_response(
            400, "The body is not JSON; send an object as the documentation at /docs shows.", request.url.path
        )
    flaws = [
        Flaw("/".join(map(str, each["loc"]))[:LONGEST_DETAIL], _sentence(each["type"], each["msg"]))
        for each in found
    ]
    detail = "; ".join(f"{flaw.where}: {flaw.detail}" for flaw in flaws)
    return problem_response(422, detail, request.url.path, flaws=flaws)


def _sentence(kind: str, message: str) -> str:
    sentences = {
        "missing": "is missing and must be given",
        "extra_forbidden": "is not known here; leave it out or correct its name",
        "model_attributes_type": "must be a JSON object, sent as Content-Type: application/json",
    }
    return sentences.get(kind, message.removeprefix("Value error, "))[:LONGEST_DETAIL]


async def _http(request: Request, raised: Exception) -> Response:
    error = cast("HTTPException", raised)
    path = request.url.path
    headers = dict(error.headers or {})
    if error.status_code == 404:
        detail = f"There is nothing at {path}; /docs shows what there is."
    elif error.status_code == 405:
        allowed = _allowed(request)
        headers["Allow"] = ", ".join(allowed)
        detail = f"{path} does not answer {request.method}; it answers {' and '.join(allowed)}."
    elif error.status_code == 400:
        detail = "The body cannot be read; send a JSON object as the documentation at /docs shows."
    else:
        detail = str(error.detail)
    return problem_response(error.status_code, detail, path, headers=headers)


def _allowed(request: Request) -> Sequence[str]:
    """What a path does answer: one path may be several routes, of which Starlette names the first only."""
    return [
        method
        for method in ("GET", "POST", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("api.failed", path=request.url.path, error=repr(error))
    return problem_response(
        500,
        "Something went wrong here that should not have; the log of the API says what. Report it.",
        request.url.path,
    )
