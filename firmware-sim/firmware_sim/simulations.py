"""Which simulated device stands for which profile: by the profile's driver, or by what it says."""

from collections.abc import Callable, Mapping, Sequence

from drivers.modbus.identity import OBJECTS
from drivers.sparkplug.values import Datatype
from drivers.sparkplug.words import Settings as SparkplugSettings
from drivers.visca.plan import ViscaSettings
from drivers.words import settings_of
from firmware_sim.frame_instrument import EVERY, FrameInstrument
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import ModbusServer
from firmware_sim.mqtt_devices import FrigateCamera, Reporter, ShellySwitch, TasmotaPlug, Zigbee2MqttSensor
from firmware_sim.pelco_camera import PelcoCamera
from firmware_sim.scenario_words import SimulatedModel, WireWords
from firmware_sim.simulated import SimulatedDevice
from firmware_sim.sparkplug_node import Cell, SparkplugNode
from firmware_sim.speaker import Speaker
from firmware_sim.visca_camera import Quirks, ViscaCamera, ViscaChain, ViscaIpCamera
from telemetry import ConfigurationError, Profile, Value

Age = Callable[[], float]
"""Seconds since the scenario began."""
AS_SOLD: Mapping[str, type[Reporter]] = {
    "tasmota-plug": TasmotaPlug,
    "shelly-gen2-switch": ShellySwitch,
    "zigbee2mqtt-climate": Zigbee2MqttSensor,
    "frigate-camera": FrigateCamera,
}
"""Profile → the simulated MQTT device that is it."""

Look = Callable[[], Mapping[str, Value | None]]


def simulate(models: Sequence[SimulatedModel], wire: WireWords, age: Age) -> Sequence[SimulatedDevice]:
    """The devices of one wire. Raises ConfigurationError for a profile that cannot be simulated there."""
    groups: dict[str, list[SimulatedModel]] = {}
    for model in models:
        groups.setdefault("" if model.words.says else model.profile.driver, []).append(model)
    return [device for driver, group in groups.items() for device in _group(driver, group, wire, age)]


def _group(
    driver: str, models: Sequence[SimulatedModel], wire: WireWords, age: Age
) -> Sequence[SimulatedDevice]:
    if driver == "modbus":
        return _modbus(models, wire, age)
    if driver == "visca":
        return _visca(models, wire)
    if driver == "onvif" and wire.wire == "onvif":
        return []
    alive = [model for model in models if not model.words.dead]
    if driver == "sparkplug":
        return _sparkplug(alive)
    if not driver:
        return [Speaker([one.speech() for one in model.words.says], _look(model, age)) for model in alive]
    return [_alone(driver, model, age) for model in alive]


def _alone(driver: str, model: SimulatedModel, age: Age) -> SimulatedDevice:
    """A device that shares nothing with its neighbours but the wire."""
    words = model.words
    if driver == "pelco":
        return PelcoCamera(model.profile, words.unit_id)
    if driver == "binary_frame":
        return FrameInstrument(model.profile, _look(model, age), words.unit_id, words.every or EVERY)
    return _as_sold(model)


def _as_sold(model: SimulatedModel) -> SimulatedDevice:
    sold = AS_SOLD.get(model.profile.id)
    if sold is None:
        raise ConfigurationError(
            f"nothing simulates {model.profile.id} by itself: write under says what {model.words.id} says"
        )
    return sold(str(model.words.settings.get("name", model.words.id)), model.words.every or 5.0)


def _look(model: SimulatedModel, age: Age) -> Look:
    return lambda: model.values(age())


def _modbus(models: Sequence[SimulatedModel], wire: WireWords, age: Age) -> Sequence[SimulatedDevice]:
    framing = wire.framing or ("rtu" if wire.wire == "pty" else "tcp")
    units = [_unit(model, age) for model in models if not model.words.dead]
    ids = [unit.unit_id for unit in units]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise ConfigurationError(f"two devices of this wire have the unit_id {', '.join(map(str, twice))}")
    return [ModbusServer(*units, framing=framing)]


def _unit(model: SimulatedModel, age: Age) -> ModbusDevice:
    words = model.words
    return ModbusDevice(
        _as_set(model),
        _look(model, age),
        words.unit_id,
        memory={table: dict(cells) for table, cells in words.memory.items()},
        identity={number: words.identity[name] for number, name in OBJECTS.items() if name in words.identity},
        turnaround=words.turnaround or 0.0,
    )


def _sparkplug(models: Sequence[SimulatedModel]) -> Sequence[SimulatedDevice]:
    """The edge nodes, each with the devices of this wire that are behind it."""
    nodes: dict[tuple[str, str], list[Cell]] = {}
    for model in models:
        words = settings_of(_as_set(model), SparkplugSettings)
        node = words.node.replace("{id}", model.words.id)
        cells = nodes.setdefault((words.group or "port", node), [])
        cells.append(Cell("Temperature", Datatype.DOUBLE, 27.5, words.device))
        cells.append(Cell("Running", Datatype.BOOLEAN, True, words.device))
    return [SparkplugNode(group, node, cells) for (group, node), cells in nodes.items()]


def _as_set(model: SimulatedModel) -> Profile:
    """Its profile with the device's own settings."""
    return model.profile.model_copy(update={"settings": model.profile.settings | model.words.settings})


def _visca(models: Sequence[SimulatedModel], wire: WireWords) -> Sequence[SimulatedDevice]:
    cameras = [
        ViscaCamera(settings_of(_as_set(model), ViscaSettings), quirks=Quirks(mute=model.words.dead))
        for model in sorted(models, key=lambda model: model.words.unit_id)
    ]
    if wire.wire != "udp":
        return [ViscaChain(*cameras)]
    if len(cameras) > 1:
        raise ConfigurationError("behind a UDP port is one VISCA camera: give each a wire of its own")
    return [ViscaIpCamera(cameras[0])]
