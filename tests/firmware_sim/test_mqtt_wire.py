"""Simulated devices on a real broker."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from broker.session import BrokerAddress, connect
from drivers.contract import Outgoing
from firmware_sim.wires import on_mqtt
from telemetry import Instant
from tests.servers import mosquitto
from tests.waiting import until


class Plug:
    """Says its state on a topic at once, and again with what a command says."""

    wake_at: float | None = 0.0

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """A command."""
        return (Outgoing(b"state " + chunk, f"stat/{origin.partition('/')[2]}"),)

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Its birth."""
        self.wake_at = None
        return (Outgoing(b"born", "tele/plug"),)


@pytest.mark.parametrize("fault", ["", "disconnect", "unplug"])
async def test_a_device_publishes_hears_its_commands_and_comes_back(tmp_path: Path, fault: str) -> None:
    with mosquitto(tmp_path) as port:
        broker = BrokerAddress("127.0.0.1", port)
        wired = on_mqtt(Plug(), broker=broker, client_id="plug", topics=["cmnd/#"], retain=["tele/#"])
        async with wired as wire, connect(broker, "gateway") as session, asyncio.timeout(30):
            await wire.connected.wait()
            if fault:
                wire.suffer(fault, 0.1)
                await until(lambda: wire.counts["clients"] == 2)
            await session.subscribe("tele/#", "stat/#")
            await session.publish("cmnd/plug", b"on")
            said = [await anext(session.messages()) for _ in range(2)]
    assert min((one.topic, one.payload, one.retained) for one in said) == (
        "stat/plug",
        b"state on",
        False,
    )
    assert {one.topic for one in said} == {"stat/plug", "tele/plug"}
