"""Whatever is asked, the answer is a success or a problem, and never a failure of ours."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.running import Running, meter, reading, running, ship

GETS = (
    *("gateways", "gateways/{}", "devices", "devices/{}", "devices/{}/latest", "devices/{}/readings"),
    *("devices/meter-1/readings", "profiles", "profiles/{}", "vessels", "vessels/{}", "vessels/{}/track"),
    *("vessels/574001230/track", "incidents", "incidents/{}", "rules", "rules/{}"),
    *("devices/{}/actions", "devices/{}/commands", "devices/meter-1/actions", "devices/meter-1/commands"),
)
PARAMETERS = (
    *("limit", "cursor", "start", "end", "every", "aggregate", "metrics", "bbox", "format", "state"),
    *("gateway", "profile"),
)
WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            *(
                "-1h",
                "now",
                "2026-11-22T08:00:00+07:00",
                "2026-11-22T08:00:00.²Z",
                "0001-01-01T00:00:00+23:59",
            ),
            *(
                "9999-12-31T23:59:59Z",
                "1969-12-31T23:59:59Z",
                "-99999999999999999999999d",
                "1e5",
                "NaN",
                "1m",
            ),
            *("power", "power,voltage_l1", "mean", "count", "geojson", "179,-10,-179,10", "-180,-90,180,90"),
            *("open", "faulty", "meter-1", "574001230", "9223372036854775808", "-1", "0", "1", "10000"),
            *("WyJ2ZXNzZWxzIiwgNV0", "W10", "\0", "%00", "../../etc/passwd", "'; DROP TABLE devices; --"),
        ]
    ),
    st.integers().map(str),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        *("id", "gateway", "profile", "link", "name", "every", "unit_id", "site", "by", "note"),
        *("settings", "action", "arguments", "timeout"),
    ]
)
BODIES = st.one_of(VALUES, st.dictionaries(KEYS, VALUES | st.sampled_from(["quay", "meter-2"]), max_size=8))
SENDS = (
    *(("POST", path) for path in ("gateways", "devices", "incidents/{}/acknowledge")),
    *(("POST", path) for path in ("devices/meter-1/commands", "devices/{}/commands")),
    *((method, path) for method in ("PATCH", "DELETE") for path in ("gateways/{}", "devices/{}")),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Running]]:
    """The API with something in it; hypothesis runs no coroutines, so the loop is driven from here."""
    folder: Path = tmp_path_factory.mktemp("api")
    with asyncio.Runner() as runner:
        finished = asyncio.Event()
        ready: list[Running] = []

        async def hold() -> None:
            async with running(folder) as api:
                await api.send("POST", "/api/v1/gateways", {"id": "quay"}, 201)
                await api.send("POST", "/api/v1/devices", meter("meter-1", "quay"), 201)
                await api.publish_readings(reading("meter-1"))
                await api.publish_ships(ship(574001230))
                ready.append(api)
                await finished.wait()

        async def start() -> "asyncio.Task[None]":
            holding = asyncio.create_task(hold())
            while not ready and not holding.done():
                await asyncio.sleep(0.01)
            return holding

        async def stop(holding: "asyncio.Task[None]") -> None:
            finished.set()
            await holding

        holding = runner.run(start())
        yield runner, ready[0]
        runner.run(stop(holding))


QUIET = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _path(template: str, word: str) -> str:
    return "/api/v1/" + template.format(quote(word, safe=""))


@QUIET
@given(
    path=st.sampled_from(GETS),
    word=WORDS,
    parameters=st.dictionaries(st.sampled_from(PARAMETERS), WORDS, max_size=4),
)
def test_any_question_is_answered_or_refused(
    served: tuple[asyncio.Runner, Running], path: str, word: str, parameters: dict[str, str]
) -> None:
    asked = _path(path, word)
    runner, api = served
    answer = runner.run(api.client.request("GET", asked, params=parameters))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


@QUIET
@given(sent=st.sampled_from(SENDS), word=WORDS, body=BODIES)
def test_any_body_is_taken_or_refused(
    served: tuple[asyncio.Runner, Running], sent: tuple[str, str], word: str, body: Any
) -> None:
    method, path = sent
    runner, api = served
    answer = runner.run(api.client.request(method, _path(path, word), json=body))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
