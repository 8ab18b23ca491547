"""`/devices/{id}/actions` and `/devices/{id}/commands`: a real gateway and its device at the other end."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from broker import topics
from broker.commands import encode_command, encode_reply
from broker.session import BrokerAddress, Session, connect
from broker.wire import DeviceStatus
from gateways.daemon import Gateway, GatewaySettings
from registry import CommandEntry, open_registry
from telemetry import Command, Reply
from tests.api.running import Running, running, status
from tests.gateways.brokers import BOTH, broker_named
from tests.gateways.relay import Relay, RelayCatalogue, relay_running
from tests.proxy import FaultProxy, fault_proxy
from tests.servers import free_port
from tests.waiting import until

COMMANDS = "/api/v1/devices/relay/commands"


IMPOSSIBLE: Sequence[tuple[dict[str, Any], str, str]] = (
    ({"action": "sett"}, "body/action", "did you mean set?"),
    ({"arguments": {}}, "body/arguments/value", "set needs value: Value"),
    ({"arguments": {"value": -1}}, "body/arguments/value", "value is a number from 0, not '-1'"),
    ({"arguments": {"value": "high"}}, "body/arguments/value", "value is a number from 0, not 'high'"),
    ({"arguments": {"value": True}}, "body/arguments/value", "value is a number from 0, not 'True'"),
    (
        {"arguments": {"value": 1, "speed": 2}},
        "body/arguments/speed",
        "set knows no speed; it takes value",
    ),
    ({"timeout": 61}, "body/timeout", "less than or equal to 60"),
    ({"timeout": "soon"}, "body/timeout", "soon"),
    ({"by": "\n"}, "body/by", "names somebody"),
)
"""What is posted, where it is wrong, and what is said."""


@dataclass(frozen=True)
class Road:
    """The API, a gateway, and the relay it switches; the gateway's way to the broker can be broken."""

    api: Running
    gateway: Gateway
    relay: Relay
    proxy: FaultProxy

    async def send(self, status: int = 200, **content: Any) -> Any:
        whole = {"action": "set", "arguments": {"value": 1}, "by": "trực ban An", **content}
        return await self.api.send("POST", COMMANDS, whole, status)

    async def ledger(self) -> list[Any]:
        return [entry for page in await self.api.pages(COMMANDS) for entry in page]

    async def online(self) -> None:
        await until(lambda: self.known_online)

    @property
    def known_online(self) -> bool:
        heard = self.api.parts.live.current.gateways.get("quay")
        return heard is not None and heard.status.online and bool(heard.status.devices)


@pytest.fixture(autouse=True)
def _stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes readings here, so nobody need wait until they are taken."""
    monkeypatch.setattr("gateways.daemon.DRAIN_TIME", 0.0)


@asynccontextmanager
async def road_over(broker: BrokerAddress, folder: Path) -> AsyncGenerator[Road]:
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(relay_running())
        proxy = await stack.enter_async_context(fault_proxy(broker.port))
        through = BrokerAddress("127.0.0.1", proxy.port)
        api = await stack.enter_async_context(running(folder, through, catalogue=RelayCatalogue()))
        settings = GatewaySettings("quay", "Dinh Vu", (relay.device(),), folder / "g", through)
        gateway = Gateway(settings, RelayCatalogue())
        serving = asyncio.create_task(gateway.run())
        stack.push_async_callback(_stopped, serving)
        road = Road(api, gateway, relay, proxy)
        await road.online()
        await until(lambda: [one.state for one in gateway.status().devices] == ["ok"])
        yield road


async def _stopped(serving: "asyncio.Task[None]") -> None:
    serving.cancel()
    await asyncio.wait({serving})


@pytest.fixture(params=BOTH)
async def road(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Road]:
    async with broker_named(request.param, tmp_path) as broker, road_over(broker, tmp_path) as opened:
        yield opened


@pytest.fixture
async def short(tmp_path: Path) -> AsyncGenerator[Road]:
    """For what does not depend on the broker."""
    async with broker_named("embedded", tmp_path) as broker, road_over(broker, tmp_path) as opened:
        yield opened


async def test_a_command_is_carried_out_answered_and_written_into_the_ledger(road: Road) -> None:
    actions = await road.api.get("/api/v1/devices/relay/actions")
    assert [action["name"] for action in actions["items"]] == ["set"]
    (argument,) = actions["items"][0]["arguments"]
    assert (argument["name"], argument["kind"], argument["minimum"], argument["required"]) == (
        "value",
        "number",
        0,
        True,
    )
    answer = await road.send(arguments={"value": 7}, timeout="20s")
    assert (answer["done"], answer["state"], answer["values"]) == (True, "done", {"value": "7"})
    assert answer["asked_at"] < answer["replied_at"] < answer["expires_at"]
    assert (answer["by"], answer["address"]) == ("trực ban An", "127.0.0.1")
    assert road.relay.done == ["7"]
    assert await road.ledger() == [answer]


async def test_a_command_that_cannot_be_is_refused_at_once_with_what_it_takes(short: Road) -> None:
    for content, where, told in IMPOSSIBLE:
        problem = await short.send(422, **content)
        assert problem["errors"][0]["where"].startswith(where)
        assert told in problem["detail"]
    assert (short.relay.done, await short.ledger()) == ([], [])


async def test_what_a_device_refuses_is_an_answer_and_what_is_not_there_a_404(short: Road) -> None:
    name = "/api/v1/devices/ghost"
    for problem in (
        await short.api.get(f"{name}/actions", 404),
        await short.api.get(f"{name}/commands", 404),
        await short.api.send("POST", f"{name}/commands", {"action": "set", "by": "An"}, 404),
    ):
        assert "no device 'ghost'" in problem["detail"]


async def test_a_gateway_that_is_away_is_told_at_once_and_nothing_is_sent(road: Road) -> None:
    road.proxy.refusing = True
    road.proxy.cut()
    problem = await road.send(503)
    assert "nothing was sent" in problem["detail"]
    assert await road.ledger() == []
    road.proxy.refusing = False
    async with asyncio.timeout(20):
        content = {"action": "set", "arguments": {"value": 2}, "by": "An", "timeout": 2}
        while (await road.api.ask("POST", COMMANDS, json=content)).status_code != 200:
            await asyncio.sleep(0.01)
    assert road.relay.done == ["2"]


async def test_a_reply_in_time_crosses_a_broken_connection_and_there_is_one_end(road: Road) -> None:
    road.relay.hold()
    asking = asyncio.create_task(road.send(arguments={"value": 5}, timeout=60))
    await until(lambda: road.relay.done == ["5"])
    road.proxy.refusing = True
    road.proxy.cut()
    road.relay.release()
    await until(lambda: not road.api.parts.live.connected)
    road.proxy.refusing = False
    answer = await asking
    assert (answer["done"], answer["values"]) == (True, {"value": "5"})
    (entry,) = await road.ledger()
    assert entry == answer
    assert road.relay.done == ["5"], "asked again for the reply, it was not done again"


@pytest.mark.parametrize("name", BOTH)
async def test_a_broker_that_dies_between_command_and_reply_costs_neither(tmp_path: Path, name: str) -> None:
    port = free_port()
    async with AsyncExitStack() as brokers:
        broker = await brokers.enter_async_context(broker_named(name, tmp_path, port))
        async with road_over(broker, tmp_path) as road:
            road.relay.hold()
            asking = asyncio.create_task(road.send(arguments={"value": 8}, timeout=60))
            await until(lambda: road.relay.done == ["8"])
            await brokers.aclose()
            road.relay.release()
            async with broker_named(name, tmp_path, port):
                answer = await asking
                assert (answer["done"], answer["values"]) == (True, {"value": "8"})
                assert await road.ledger() == [answer]
                assert road.relay.done == ["8"]


async def test_without_a_reply_nobody_knows_and_a_late_one_completes_the_ledger(
    short: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.command_road.GRACE", 0.0)
    short.relay.hold()
    asking = asyncio.create_task(short.send(504, arguments={"value": 6}, timeout=3))
    await until(lambda: short.relay.done == ["6"])
    short.proxy.silent = True
    short.relay.release()
    problem = await asking
    assert "may have been done or not" in problem["detail"]
    (entry,) = await short.ledger()
    assert (entry["state"], entry["done"], entry["replied_at"]) == ("unanswered", None, None)
    assert entry["id"] in problem["detail"]
    short.proxy.silent = False
    short.proxy.cut()
    async with asyncio.timeout(20):
        while (await short.ledger())[0]["state"] == "unanswered":
            await asyncio.sleep(0.01)
    (entry,) = await short.ledger()
    assert (entry["done"], entry["values"]) == (True, {"value": "6"})
    assert short.relay.done == ["6"]


async def test_a_device_that_does_not_answer_is_told_of_by_its_gateway(short: Road) -> None:
    short.relay.hold()
    answer = await short.send(arguments={"value": 6}, timeout=0.3)
    assert (answer["done"], answer["state"], answer["reason"]) == (False, "failed", "timeout")


async def test_a_reply_of_another_gateway_is_no_reply(short: Road) -> None:
    short.relay.hold()
    asking = asyncio.create_task(short.send(arguments={"value": 4}, timeout=60))
    await until(lambda: short.relay.done == ["4"])
    (entry,) = await short.ledger()
    assert entry["state"] == "waiting"
    forged = encode_reply(Reply(entry["id"], "relay", "refused", "forged"))
    for gateway in ("yard", "quay"):
        await short.api.broker.publish(topics.replies(gateway), b"\xff not a reply")
        if gateway == "yard":
            await short.api.broker.publish(topics.replies(gateway), forged)
    short.relay.release()
    assert (await asking)["done"]


async def test_too_many_commands_to_one_device_are_refused_and_others_are_not_held_up(short: Road) -> None:
    short.relay.hold()
    waiting = [asyncio.create_task(short.send(arguments={"value": n}, timeout=60)) for n in range(8)]
    async with asyncio.timeout(20):
        while len(await short.ledger()) < 8:
            await asyncio.sleep(0.01)
    problem = await short.send(429)
    assert "8 commands to 'relay'" in problem["detail"]
    short.relay.release()
    assert all(answer["done"] for answer in await asyncio.gather(*waiting))
    assert sorted(short.relay.done) == [str(n) for n in range(8)]
    assert (await short.send(arguments={"value": 9}, timeout=20))["done"]


async def test_the_ledger_is_newest_first_in_pages_and_outlives_the_api(tmp_path: Path) -> None:
    async with broker_named("embedded", tmp_path) as broker:
        async with road_over(broker, tmp_path) as road:
            for number in range(5):
                await road.send(arguments={"value": number}, timeout=20)
        async with running(tmp_path, broker, catalogue=RelayCatalogue()) as api:
            pages = await api.pages(COMMANDS, limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    values = [entry["arguments"]["value"] for page in pages for entry in page]
    assert values == [4, 3, 2, 1, 0]


async def test_an_api_that_was_away_asks_for_the_replies_that_its_ledger_lacks(tmp_path: Path) -> None:
    now = time.time_ns()
    command = Command("of-before", "relay", "set", {"value": 7}, now + 30 * 10**9)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(broker_named("embedded", tmp_path))
        relay = await stack.enter_async_context(relay_running())
        async with open_registry(tmp_path / "registry.sqlite") as registry:
            await registry.commands.record(CommandEntry(command, "quay", "An", "127.0.0.1", now))
        centre = await stack.enter_async_context(connect(broker, "before"))
        await centre.subscribe(topics.replies("quay"))
        settings = GatewaySettings("quay", "Dinh Vu", (relay.device(),), tmp_path / "g", broker)
        gateway = Gateway(settings, RelayCatalogue())
        stack.push_async_callback(_stopped, asyncio.create_task(gateway.run()))
        await until(lambda: [one.state for one in gateway.status().devices] == ["ok"])
        sending = asyncio.create_task(_until_heard(centre, encode_command(command, now)))
        await anext(centre.messages())  # nobody else heard it
        sending.cancel()
        api = await stack.enter_async_context(running(tmp_path, broker, catalogue=RelayCatalogue()))
        async with asyncio.timeout(20):
            while (await api.get(COMMANDS))["items"][0]["state"] != "done":
                await asyncio.sleep(0.01)
        assert relay.done == ["7"]


async def _until_heard(centre: Session, payload: bytes) -> None:
    """A gateway may not have its session yet; one that has carries it out once."""
    while True:
        await centre.publish(topics.commands("quay"), payload)
        await asyncio.sleep(0.05)


async def test_a_device_made_here_is_told_too_and_a_gateway_never_heard_is_named(short: Road) -> None:
    api = short.api
    await api.send("POST", "/api/v1/gateways", {"id": "far"}, 201)
    made = {"id": "made", "gateway": "far", "profile": "relay", "link": short.relay.device().link}
    await api.send("POST", "/api/v1/devices", made, 201)
    command = {"action": "set", "arguments": {"value": 1}, "by": "An", "timeout": 20}
    problem = await api.send("POST", "/api/v1/devices/made/commands", command, 503)
    assert "was never heard: nothing was sent" in problem["detail"]
    await api.send("PATCH", "/api/v1/devices/made", {"gateway": "quay"})
    await until(lambda: [one.state for one in short.gateway.status().devices] == ["ok", "ok"])
    assert (await api.send("POST", "/api/v1/devices/made/commands", command))["done"]


async def test_five_thousand_devices_are_shown_and_none_is_gone(tmp_path: Path) -> None:
    crowd = [
        DeviceStatus(
            f"d-{number:04}", "relay", "tcp://10.0.0.7:502", "file", state="ok", name=f"Thiết bị {number}"
        )
        for number in range(5_000)
    ]
    async with running(tmp_path, catalogue=RelayCatalogue()) as api:
        await api.report("quay", status(*crowd))
        ill = DeviceStatus(
            "d-0042", "relay", "tcp://10.0.0.7:502", "file", state="faulty", detail="no answer"
        )
        await api.report("quay", status(ill, partial=True))
        known = api.parts.live.current.gateways["quay"].status
        shown = [device for page in await api.pages("/api/v1/devices", limit=1000) for device in page]
        assert len(known.devices) == len(shown) == 5_000
        assert [device["id"] for device in shown if device["state"] != "ok"] == ["d-0042"]


async def test_settings_reach_the_gateway_and_are_shown_without_secrets(short: Road) -> None:
    api = short.api
    made = {"id": "set-up", "gateway": "quay", "profile": "relay", "link": "tcp://127.0.0.1:9"}
    created = await api.send(
        "POST", "/api/v1/devices", {**made, "settings": {"timeout": 1, "password": "sesame"}}, 201
    )
    assert created["settings"] == {"timeout": 1, "password": "***"}
    changed = await api.send(
        "PATCH", "/api/v1/devices/set-up", {"settings": {"timeout": 2, "password": "***"}}
    )
    assert changed["settings"] == {"timeout": 2, "password": "***"}
    pushed = await api.configuration(
        "quay", lambda found: any(one.settings.get("timeout") == 2 for one in found.devices)
    )
    assert [dict(one.settings) for one in pushed.devices] == [{"timeout": 2, "password": "sesame"}]
    huge = {"words": ["x" * 100] * 300}
    problem = await api.send("PATCH", "/api/v1/devices/set-up", {"settings": huge}, 422)
    assert "at most 20000 are taken" in problem["detail"]
