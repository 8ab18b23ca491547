"""Runs a scenario: every wire with its devices, what a gateway's configuration says of them, and counts."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from broker.session import BrokerAddress
from firmware_sim.mqtt_devices import Reporter
from firmware_sim.onvif.camera import OnvifCamera
from firmware_sim.onvif.events_service import EventService
from firmware_sim.onvif.ptz_service import PtzService
from firmware_sim.onvif.server import serve_onvif
from firmware_sim.ptz_head import PtzHead
from firmware_sim.scenario import Scenario
from firmware_sim.scenario_words import SimulatedModel, WireWords
from firmware_sim.simulated import SimulatedDevice
from firmware_sim.simulations import simulate
from firmware_sim.sparkplug_node import SparkplugNode
from firmware_sim.wires import Wire, dialling, on_mqtt, on_pty, on_tcp, on_udp
from firmware_sim.wires.faults import Spoiler
from firmware_sim.wires.wire import instant
from telemetry import ConfigurationError, Device

REFRESH = 0.1
"""Seconds for which the values stand still, as registers do."""


class RunningScenario:
    """Runs while its block does: `async with RunningScenario(scenario) as port: port.devices`.

    folder: where the ptys get their names; a temporary one unless given. broker: of the MQTT wires that
    name none. Raises ConfigurationError, and LinkError or OSError for a port that cannot be had.
    """

    def __init__(
        self, scenario: Scenario, folder: Path | None = None, broker: BrokerAddress | None = None
    ) -> None:
        self.scenario = scenario
        self.devices: tuple[Device, ...] = ()
        self.wires: dict[str, Wire] = {}
        self._folder, self._broker = folder, broker
        self._began = time.monotonic()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Starts every wire; from then on `devices` says how to reach them."""
        async with AsyncExitStack() as stack:
            folder = self._folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="haidang-")))
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            devices: list[Device] = []
            for number, words in enumerate(self.scenario.words.wires):
                devices += await self._start(stack, folder, number, words)
            self.devices = tuple(devices)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Stops every wire."""
        return await self._stack.__aexit__(kind, error, trace)

    def counts(self) -> Counter[str]:
        """What happened on all wires together, faults among it."""
        total: Counter[str] = Counter()
        for wire in self.wires.values():
            total += wire.counts + wire.faults
        return total

    def _age(self) -> float:
        return (time.monotonic() - self._began) // REFRESH * REFRESH

    async def _start(
        self, stack: AsyncExitStack, folder: Path, number: int, words: WireWords
    ) -> list[Device]:
        name = words.name or f"wire-{number + 1}"
        devices = simulate(self.scenario.models[number], words, self._age)
        rules = [fault.rule() for fault in words.faults]
        spoiler = Spoiler(rules, self.scenario.words.seed + number) if rules else None
        context = self._context(words, folder, name, devices, spoiler)
        wire = await stack.enter_async_context(context)
        self.wires[name] = wire
        return [_configured(model, words, wire.url) for model in self.scenario.models[number]]

    def _context(
        self,
        words: WireWords,
        folder: Path,
        name: str,
        devices: Sequence[SimulatedDevice],
        spoiler: Spoiler | None,
    ) -> AbstractAsyncContextManager[Wire]:
        if words.wire == "pty":
            return on_pty(
                folder / name,
                *devices,
                baudrate=words.baudrate,
                bits=words.bits,
                half_duplex=words.half_duplex,
                strict=words.strict,
                spoiler=spoiler,
            )
        if words.wire == "tcp":
            return on_tcp(*devices, host=words.host, port=words.port, spoiler=spoiler)
        if words.wire == "tcp-client":
            return dialling(words.host, words.port, *devices, spoiler=spoiler)
        if words.wire == "onvif":
            return _on_onvif(words.port)
        if words.wire == "udp":
            return on_udp(*devices, host=words.host, port=words.port, spoiler=spoiler)
        return self._on_mqtt(words, name, devices, spoiler)

    def _on_mqtt(
        self, words: WireWords, name: str, devices: Sequence[SimulatedDevice], spoiler: Spoiler | None
    ) -> AbstractAsyncContextManager[Wire]:
        broker = BrokerAddress.parse(words.broker) if words.broker else self._broker
        if broker is None:
            raise ConfigurationError(
                f"wire {name} needs a broker: name one with --broker mqtt://127.0.0.1:1883, or in the file"
            )
        sold = [device for device in devices if isinstance(device, Reporter | SparkplugNode)]
        return on_mqtt(
            *devices,
            broker=broker,
            client_id=f"firmware-sim-{name}",
            topics=[*words.subscribe, *(one for each in sold for one in each.topics)],
            retain=words.retain,
            spoiler=spoiler,
        )


@asynccontextmanager
async def _on_onvif(port: int) -> AsyncGenerator[Wire]:
    """An ONVIF camera that turns and tells events, on a TCP port of its own."""
    camera = OnvifCamera(ptz=PtzService(PtzHead()), events=EventService(""))
    async with serve_onvif(camera, instant, port):
        host = camera.root.removeprefix("http://")
        yield Wire(f"onvif://{camera.user}:{camera.password}@{host}/")


def _configured(model: SimulatedModel, wire: WireWords, url: str) -> Device:
    words = model.words
    link = words.link or url
    if wire.framing is not None and not words.link:
        link += f"{'&' if urlsplit(link).query else '?'}framing={wire.framing}"
    polled = model.profile.every is not None
    return Device(
        id=words.id,
        profile=words.profile,
        link=link,
        name=words.name,
        every=words.every if polled else None,
        unit_id=words.unit_id,
        settings=words.settings,
    )
