"""Every kind of error is a problem (RFC 9457) that says what to do."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.paging import encode_cursor
from api.server import serve
from stores.contract import RangeQuery, Table
from stores.embedded import EmbeddedStore
from telemetry import StoreError
from tests.api.running import Running, meter, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
JSON = {"content-type": "application/json"}


async def test_an_unknown_path_is_not_found(api: Running) -> None:
    answer = await api.ask("GET", "/api/v1/harbours")
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "urn:haidang:problem:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at /api/v1/harbours; /docs shows what there is.",
        "instance": "/api/v1/harbours",
    }


async def test_a_misspelt_query_parameter_is_refused_and_those_there_are_named(api: Running) -> None:
    answer = await api.get("/api/v1/vessels/574001230/track", 422, strat="-6h", end="now")
    assert [flaw["where"] for flaw in answer["errors"]] == ["query/strat"]
    assert "is not known here; there are " in answer["detail"]
    assert "start" in answer["detail"]
    answer = await api.get("/api/v1/profiles/ais-receiver", 422, x=1)
    assert answer["errors"] == [
        {"where": "query/x", "detail": "is not known here; nothing can be asked here"}
    ]


async def test_a_method_that_is_not_answered_names_those_that_are(api: Running) -> None:
    answer = await api.ask("PUT", "/api/v1/devices/x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PATCH, DELETE"
    assert "GET and PATCH and DELETE" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"id": "a', JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 200_000, JSON, 400),
        (b'{"id": 1' + b"0" * 5_000 + b"}", JSON, 400),
        (b"null", JSON, 422),
        (b'"a"', JSON, 422),
        (b'{"id": "a"}', {"content-type": "text/plain"}, 422),
        (b"", {}, 422),
        (b'{"id": "\\ud800"}', JSON, 422),
        (b'{"id": "a", "name": NaN}', JSON, 422),
    ],
)
async def test_a_body_that_cannot_be_used_is_refused(
    api: Running, content: bytes, headers: Mapping[str, str], status: int
) -> None:
    answer = await api.ask("POST", "/api/v1/gateways", content=content, headers=headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("every", ["NaN", "Infinity", "-Infinity", "1e400", "-1"])
async def test_numbers_that_are_not_finite_or_sensible_are_refused(api: Running, every: str) -> None:
    body = f'{{"id": "a", "gateway": "b", "profile": "c", "link": "d", "every": {every}}}'
    answer = await api.ask("POST", "/api/v1/devices", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body/every"


async def test_a_body_larger_than_a_mebibyte_is_refused_however_it_comes(api: Running) -> None:
    large = b" " * ((1 << 20) + 1)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    for content in (large, chunks()):
        answer = await api.ask("POST", "/api/v1/gateways", content=content, headers=JSON)
        assert answer.status_code == 413
        assert "1048576" in answer.json()["detail"]


@pytest.mark.parametrize(
    "cursor",
    ["x", "!", "ế", "W10", encode_cursor("devices", "a"), encode_cursor("gateways", 5), "e30", "A" * 200],
)
async def test_a_cursor_that_is_not_of_this_list_is_refused(api: Running, cursor: str) -> None:
    assert "`next`" in (await api.get("/api/v1/gateways", 400, cursor=cursor))["detail"]


@pytest.mark.parametrize(
    ("path", "place"),
    [("vessels", -1), ("vessels", 2**63), ("incidents", 2**70), ("gateways", "\0"), ("gateways", "\ud800")],
)
async def test_a_forged_place_never_reaches_the_database(api: Running, path: str, place: str | int) -> None:
    content = json.dumps([path, place]).encode()
    cursor = base64.urlsafe_b64encode(content).decode().rstrip("=")
    await api.get(f"/api/v1/{path}", 400, cursor=cursor)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_pages_of_other_sites_may_not_use_the_api(
    api: Running, headers: Mapping[str, str], status: int
) -> None:
    answer = await api.ask("POST", "/api/v1/gateways", json={"id": "a"}, headers=headers)
    assert answer.status_code == status
    assert (await api.get("/api/v1/gateways"))["items"] == []


async def test_the_apis_own_page_may_use_it(api: Running) -> None:
    answer = await api.ask("POST", "/api/v1/gateways", json={"id": "own"}, headers={"origin": api.url})
    assert answer.status_code == 201
    await api.send("DELETE", "/api/v1/gateways/own", status=204)


class _AwayStore(EmbeddedStore):
    """A store whose server went away."""

    async def range(self, query: RangeQuery) -> Table:
        raise StoreError("the store at http://127.0.0.1:8086 does not answer: is InfluxDB running?")

    async def measurements(self) -> list[str]:
        raise StoreError("the store at http://127.0.0.1:8086 does not answer: is InfluxDB running?")


async def test_a_store_that_is_away_is_said_with_the_remedy(tmp_path: Path) -> None:
    async with running(tmp_path, store=_AwayStore(tmp_path / "away")) as api:
        await api.send("POST", "/api/v1/gateways", {"id": "quay"}, 201)
        await api.send("POST", "/api/v1/devices", meter("meter-1", "quay"), 201)
        for path in ("/api/v1/devices/meter-1/readings", "/api/v1/vessels/1/track"):
            assert "is InfluxDB running?" in (await api.get(path, 503))["detail"]
        ready = await api.get("/readyz", 503)
        assert "is InfluxDB running?" in ready["parts"]["store"]
        assert (ready["parts"]["registry"], ready["parts"]["broker"]) == ("ok", "ok")


async def test_a_failure_of_our_own_is_a_problem_without_its_insides(api: Running) -> None:
    app: FastAPI = create_app(api.parts)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret insides")

    async with serve(app, port=0) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "Report it" in answer.json()["detail"]


async def test_readiness_names_the_broker_while_there_is_no_session(tmp_path: Path) -> None:
    async with running(tmp_path, connected=False) as api:
        ready = await api.get("/readyz", 503)
        assert "no session with mqtt://127.0.0.1" in ready["parts"]["broker"]
        assert (await api.get("/healthz"))["status"] == "alive"
        async with api.connected():
            assert (await api.get("/readyz"))["status"] == "ready"


async def test_metrics_are_prometheus_text(api: Running) -> None:
    answer = await api.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "haidang_api_listeners" in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("gateways", r'{"id": "half", "name": "\ud800"}'),
        (
            "devices",
            r'{"id": "h", "gateway": "half", "profile": "p", "link": "l", "settings": {"a": ["\udfff"]}}',
        ),
        ("devices/h/commands", r'{"action": "move", "by": "An", "arguments": {"\ud800": 1}}'),
    ],
)
async def test_half_a_surrogate_pair_is_refused_before_anything_has_to_keep_it(
    api: Running, path: str, body: str
) -> None:
    kind = {"Content-Type": "application/json"}
    answer = await api.ask("POST", f"/api/v1/{path}", content=body.encode(), headers=kind)
    assert answer.status_code == 422
    assert "neither text nor a number" in answer.json()["detail"]
