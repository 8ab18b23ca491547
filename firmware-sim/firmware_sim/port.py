"""The whole simulated port: every device on its wire, and what a gateway's configuration says of them."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from broker.session import BrokerAddress
from drivers.catalogue import Catalogue, load_catalogue
from drivers.visca.plan import ViscaSettings
from drivers.words import settings_of
from firmware_sim import meters
from firmware_sim.ais_receiver import AisReceiver
from firmware_sim.clock import WorldClock, refreshed
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import ModbusServer
from firmware_sim.visca_camera import ViscaCamera, ViscaIpCamera
from firmware_sim.weather_mast import BAUDRATE, WeatherMast
from firmware_sim.wires import on_mqtt, on_pty, on_tcp, on_udp
from firmware_sim.world import World
from firmware_sim.yard_sensor import TOPIC, YardSensor
from telemetry import Device

RADAR_BAUDRATE = 115_200


class SimulatedPort:
    """Runs while its block does: `async with SimulatedPort(broker=address) as port: port.devices`.

    seed: of the world. broker: where the MQTT sensor publishes; without one there is no such sensor.
    speed: world seconds in a real one. start: where the world's time begins, seconds of UTC since
    1970, None for now. ais_port: TCP port of the AIS receiver, 0 for a free one.
    """

    def __init__(
        self,
        seed: int = 1,
        broker: BrokerAddress | None = None,
        *,
        speed: float = 1.0,
        start: float | None = None,
        ais_port: int = 0,
    ) -> None:
        self.world = World(seed)
        self.clock = WorldClock(start, speed)
        self.devices: tuple[Device, ...] = ()
        self._broker = broker
        self._ais_port = ais_port
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Starts every device; from then on `devices` says how to reach them."""
        async with AsyncExitStack() as stack:
            wires = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="haidang-wires-")))
            catalogue = load_catalogue()
            self.devices = (
                await self._ais_receiver(stack),
                await self._weather_mast(stack, wires),
                await self._power_meter(stack, catalogue),
                await self._level_radar(stack, catalogue, wires),
                await self._camera(stack, catalogue),
                *await self._yard_sensor(stack),
            )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Stops every device."""
        return await self._stack.__aexit__(kind, error, trace)

    async def _ais_receiver(self, stack: AsyncExitStack) -> Device:
        receiver = AisReceiver(self.world, self.clock)
        url = await stack.enter_async_context(receiver.running(self._ais_port))
        return Device(id="ais-dinh-vu", profile="ais-receiver", link=url, name="AIS Đình Vũ")

    async def _weather_mast(self, stack: AsyncExitStack, wires: Path) -> Device:
        mast = WeatherMast(self.world, self.clock)
        wire = await stack.enter_async_context(on_pty(wires / "weather-mast", mast, baudrate=BAUDRATE))
        return Device(id="weather-mast", profile="nmea-weather", link=wire.url, name="Cột khí tượng")

    async def _power_meter(self, stack: AsyncExitStack, catalogue: Catalogue) -> Device:
        profile = catalogue.profile("eastron-sdm630")
        look = refreshed(lambda: meters.power_meter(self.world, self.clock.now()))
        meter = ModbusDevice(profile, look)
        wire = await stack.enter_async_context(on_tcp(ModbusServer(meter)))
        return Device(id="quay-power", profile=profile.id, link=wire.url, name="Điện cầu cảng", every=1)

    async def _level_radar(self, stack: AsyncExitStack, catalogue: Catalogue, wires: Path) -> Device:
        profile = catalogue.profile("dfrobot-sen0676")
        look = refreshed(lambda: meters.level_radar(self.world, self.clock.now()))
        radar = ModbusDevice(profile, look)
        bus = on_pty(wires / "level-radar", ModbusServer(radar, framing="rtu"), baudrate=RADAR_BAUDRATE)
        wire = await stack.enter_async_context(bus)
        return Device(id="level-radar", profile=profile.id, link=wire.url, name="Mực nước", every=1)

    async def _camera(self, stack: AsyncExitStack, catalogue: Catalogue) -> Device:
        profile = catalogue.profile("visca-camera")
        camera = ViscaIpCamera(ViscaCamera(settings_of(profile, ViscaSettings)))
        wire = await stack.enter_async_context(on_udp(camera))
        return Device(id="berth-camera", profile=profile.id, link=wire.url, name="Camera cầu tàu")

    async def _yard_sensor(self, stack: AsyncExitStack) -> Sequence[Device]:
        if self._broker is None:
            return ()
        sensor = YardSensor(self.world, self.clock)
        wire = on_mqtt(sensor, broker=self._broker, client_id="firmware-sim-yard-sensor")
        await stack.enter_async_context(wire)
        link = f"mqtt:{TOPIC}"
        return (Device(id="yard-sensor", profile="mqtt-json-weather", link=link, name="Bãi container"),)


def as_toml(devices: Sequence[Device]) -> str:
    """The devices as they stand below a `[[gateway]]` in haidang.toml."""
    return "\n".join(_device_toml(device) for device in devices)


def _device_toml(device: Device) -> str:
    said = device.model_dump(exclude_defaults=True)
    return (
        "\n".join(["[[gateway.device]]", *(f"{key} = {_toml(value)}" for key, value in said.items())]) + "\n"
    )


def _toml(value: object) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else str(value)
