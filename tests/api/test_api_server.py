"""Serving: loopback only, a port of one's own, a clean end."""

import asyncio
import signal

import httpx
import pytest
from websockets.asyncio.client import connect

from api.app import create_app
from api.server import serve
from telemetry import ConfigurationError
from tests.api.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "quay.example", ""])
async def test_a_host_that_others_could_reach_is_refused_with_the_reason(api: Running, host: str) -> None:
    with pytest.raises(ConfigurationError, match="no accounts yet"):
        async with serve(create_app(api.parts), host, 0):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
async def test_the_address_given_is_the_one_that_answers(api: Running, host: str) -> None:
    async with serve(create_app(api.parts), host, 0) as url, httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/healthz")).status_code == 200
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(f"{url}/healthz")


async def test_a_port_that_is_taken_is_said_with_the_remedy(api: Running) -> None:
    port = int(api.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match="choose another with --port"):
        async with serve(create_app(api.parts), "127.0.0.1", port):
            pass


async def test_signals_stay_with_whoever_started_the_process(api: Running) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with serve(create_app(api.parts), port=0):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_a_server_that_is_cancelled_still_tells_its_clients_and_frees_its_port(api: Running) -> None:
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve_forever() -> None:
        async with serve(create_app(api.parts), port=0) as address:
            url.set_result(address)
            await asyncio.Event().wait()

    serving = asyncio.create_task(serve_forever())
    address = await url
    async with connect(f"{address.replace('http', 'ws', 1)}/api/v1/live") as socket:
        serving.cancel()
        async with asyncio.timeout(10):
            await socket.wait_closed()
        assert socket.close_code == 1012
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert api.parts.live.listeners == 0


async def test_the_document_has_a_stable_name_and_words_for_every_operation(api: Running) -> None:
    operations = [one for path in api.document["paths"].values() for one in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert sorted(names) == sorted(OPERATIONS)
    for operation in operations:
        assert operation["tags"]
        assert operation["summary"]
        assert operation["description"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]


OPERATIONS = (
    *("acknowledgeIncident", "changeDevice", "changeGateway", "createDevice", "createGateway"),
    *("deleteDevice", "deleteGateway", "getDevice", "getGateway", "getHealth", "getIncident", "getLatest"),
    *("getMetrics", "getProfile", "getReadiness", "getRule", "getTrack", "getVessel", "listDevices"),
    *("listActions", "listCommands", "sendCommand"),
    *("listGateways", "listIncidents", "listProfiles", "listReadings", "listRules", "listVessels"),
)
