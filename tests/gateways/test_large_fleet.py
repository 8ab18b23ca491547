"""A gateway with more devices than a status names at every change, on both brokers."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import reduce
from pathlib import Path

import pytest

from broker import topics
from broker.session import connect
from broker.statuses import decode_status, merged
from broker.wire import GatewayStatus
from gateways.background import background
from gateways.daemon import Gateway, GatewaySettings
from tests.gateways.brokers import BOTH, broker_named
from tests.gateways.centre import Centre, centre_at
from tests.gateways.relay import RelayCatalogue, relay_running
from tests.waiting import until

NAMES = {"relay", "two", "three", "four"}


@pytest.mark.parametrize("name", BOTH)
async def test_a_change_is_told_alone_and_the_broker_keeps_the_whole(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.status.telling.ALL_AT_ONCE", 2)
    async with (
        broker_named(name, tmp_path) as broker,
        relay_running() as others,
        centre_at(broker) as centre,
        AsyncExitStack() as wire,
    ):
        relay = await wire.enter_async_context(relay_running())
        devices = (relay.device(), *(others.device(other) for other in sorted(NAMES - {"relay"})))
        gateway = Gateway(
            GatewaySettings("quay", "Dinh Vu", devices, tmp_path / "g", broker), RelayCatalogue()
        )
        async with background(gateway.run()):
            await until(lambda: _states([_known(centre)]) == dict.fromkeys(NAMES, "ok"))
            await wire.aclose()
            await until(lambda: _states(centre.statuses[-1:]) == {"relay": "connecting"})
            assert centre.statuses[-1].partial
            assert _states([_known(centre)]) == {**dict.fromkeys(NAMES, "ok"), "relay": "connecting"}
            async with connect(broker, "late") as late, asyncio.timeout(20):
                await late.subscribe(topics.status("quay"))
                kept = decode_status((await anext(late.messages())).payload)
            assert (set(_states([kept])), kept.partial) == (NAMES, False)


def _known(centre: Centre) -> GatewayStatus:
    """All that the centre was told."""
    return reduce(merged, centre.statuses, GatewayStatus(False))


def _states(statuses: Iterable[GatewayStatus]) -> dict[str, str]:
    return {device.id: device.state for status in statuses for device in status.devices}
