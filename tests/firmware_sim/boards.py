"""A Modbus board of nobody's make: relays, inputs, a temperature, and a memory to write into."""

from typing import Any

from firmware_sim.modbus_device import ModbusDevice
from telemetry import Profile

SETPOINTS = {100: 5, 101: 6, 102: 0x1234}


def board(unit_id: int = 1, **more: Any) -> ModbusDevice:
    """Two relays, an input, a temperature of 21.5 °C at input register 0, setpoints at holding 100–102."""
    values = {"relay_1": False, "relay_2": True, "door": True, "temperature": 21.5}
    return ModbusDevice(BOARD, lambda: values, unit_id, memory={"holding": dict(SETPOINTS)}, **more)


def _metric(name: str, **read: Any) -> dict[str, Any]:
    return {"name": name, "title": {"en": name, "vi": name}, "read": read}


BOARD = Profile.model_validate(
    {
        "id": "relay-board",
        "title": {"en": "Relay board", "vi": "Bo rơ le"},
        "driver": "modbus",
        "kind": "relays",
        "every": 1,
        "metrics": [
            _metric("relay_1", table="coil", address=0),
            _metric("relay_2", table="coil", address=1),
            _metric("door", table="discrete", address=0),
            _metric("temperature", table="input", address=0, type="int16", scale=0.1),
        ],
    }
)
