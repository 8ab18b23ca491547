"""Simulated devices on MQTT as they are sold: Tasmota, Shelly, Zigbee2MQTT, ChirpStack, Frigate.

Each says its first words when it is woken the first time and then every so many seconds; values are plain
attributes that a test or a scenario may change. What each wants to hear stands in its `topics`.
Sources: those that the profiles of the same devices name.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from drivers.contract import Outgoing
from telemetry import Instant, format_utc

_STATES = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}


class Reporter:
    """Says `first` once and `report` every so many seconds. every: 0 for devices that only answer."""

    def __init__(self, name: str, every: float = 5.0) -> None:
        self.name = name
        self.every = every
        self.wake_at: float | None = 0.0
        self._began = False

    @property
    def topics(self) -> Sequence[str]:
        """What it subscribes to."""
        return ()

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Hears nothing, unless a device does."""
        return ()

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """What it says by itself."""
        self.wake_at = now.monotonic + self.every if self.every else None
        begun, self._began = self._began, True
        return (*(() if begun else self.first(now)), *self.report(now))

    def first(self, now: Instant) -> Sequence[Outgoing]:
        """What it says when it has connected."""
        return ()

    def report(self, now: Instant) -> Sequence[Outgoing]:
        """What it says every time."""
        return ()


class TasmotaPlug(Reporter):
    """A plug with an energy meter; hears `cmnd/<name>/POWER`."""

    on = True
    watts = 367.0
    volts = 235.0
    total = 112.027

    @property
    def topics(self) -> Sequence[str]:
        """What it subscribes to."""
        return (f"cmnd/{self.name}/#",)

    def first(self, now: Instant) -> Sequence[Outgoing]:
        """Its birth message, which a broker would keep."""
        return (Outgoing(b"Online", f"tele/{self.name}/LWT"),)

    def report(self, now: Instant) -> Sequence[Outgoing]:
        """State and sensor telegrams; their time is the plug's local one, without an offset."""
        time = format_utc(now.utc // 10**9 * 10**9 + 7 * 3600 * 10**9)[:19]
        watts = self.watts if self.on else 0.0
        energy = {
            "Total": self.total,
            "Today": 0.337,
            "Power": watts,
            "ApparentPower": round(watts / 0.72),
            "ReactivePower": round(watts * 0.95),
            "Factor": 0.72 if self.on else 0,
            "Voltage": self.volts,
            "Current": round(watts / 0.72 / self.volts, 3),
        }
        state = {"Time": time, "POWER": self._power(), "Wifi": {"RSSI": 86, "Signal": -57}}
        return (
            _said(f"tele/{self.name}/STATE", state),
            _said(f"tele/{self.name}/SENSOR", {"Time": time, "ENERGY": energy}),
        )

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """`POWER` with on, off, toggle, or empty to ask."""
        if origin != f"cmnd/{self.name}/POWER":
            return ()
        self.on = _switched(chunk, self.on)
        return (
            _said(f"stat/{self.name}/RESULT", {"POWER": self._power()}),
            Outgoing(self._power().encode(), f"stat/{self.name}/POWER"),
        )

    def _power(self) -> str:
        return "ON" if self.on else "OFF"


class ShellySwitch(Reporter):
    """A switch of the second generation; hears RPC on `<name>/rpc`. refuses: the error it then answers."""

    on = True
    watts = 61.5
    refuses = ""

    @property
    def topics(self) -> Sequence[str]:
        """What it subscribes to."""
        return (f"{self.name}/rpc",)

    def first(self, now: Instant) -> Sequence[Outgoing]:
        """Online, and everything it knows."""
        return (
            Outgoing(b"true", f"{self.name}/online"),
            self._notified("NotifyFullStatus", self._status(), now),
        )

    def report(self, now: Instant) -> Sequence[Outgoing]:
        """Its power, as it changes."""
        return (self._notified("NotifyStatus", {"id": 0, "apower": self._status()["apower"]}, now),)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Switch.Set, Switch.Toggle, Switch.GetStatus."""
        request = _document(chunk)
        if origin != f"{self.name}/rpc" or "method" not in request:
            return ()
        was, method, asked = self.on, request["method"], request.get("params") or {}
        result = {"was_on": was}
        error = {"code": -114, "message": self.refuses} if self.refuses else None
        if method == "Switch.GetStatus":
            result = self._status()
        elif method not in {"Switch.Set", "Switch.Toggle"}:
            error = {"code": 404, "message": f"No handler for {method}"}
        elif error is None:
            self.on = not was if method == "Switch.Toggle" else asked.get("on") is True
        answer: dict[str, Any] = {"id": request.get("id"), "src": self.name, "dst": request.get("src")}
        answer |= {"result": result} if error is None else {"error": error}
        changed = (
            (self._notified("NotifyStatus", {"id": 0, "output": self.on}, now),) if self.on != was else ()
        )
        return (_said(f"{request.get('src')}/rpc", answer), *changed)

    def _status(self) -> dict[str, Any]:
        energy = {"total": 1182.7, "by_minute": [1024.1, 1026.2, 1025.0]}
        temperature = {"tC": 41.2, "tF": 106.2}
        return {"id": 0, "output": self.on, "apower": self.watts if self.on else 0.0, "voltage": 231.4,
                "current": 0.271, "aenergy": energy, "temperature": temperature}  # fmt: skip

    def _notified(self, method: str, status: Mapping[str, Any], now: Instant) -> Outgoing:
        params = {"ts": round(now.utc / 1e9, 2), "switch:0": status}
        told = {"src": self.name, "dst": f"{self.name}/events", "method": method, "params": params}
        return _said(f"{self.name}/events/rpc", told)


class Zigbee2MqttSensor(Reporter):
    """A temperature and humidity sensor behind Zigbee2MQTT."""

    temperature = 4.2
    humidity = 78.6

    def first(self, now: Instant) -> Sequence[Outgoing]:
        """Its availability, which the bridge lets the broker keep."""
        return (_said(f"zigbee2mqtt/{self.name}/availability", {"state": "online"}),)

    def report(self, now: Instant) -> Sequence[Outgoing]:
        """Its last report, with when it was seen."""
        seen = format_utc(now.utc // 10**6 * 10**6)
        values = {"battery": 91, "humidity": self.humidity, "last_seen": seen, "linkquality": 105,
                  "pressure": 1009.2, "temperature": self.temperature, "voltage": 2995}  # fmt: skip
        return (_said(f"zigbee2mqtt/{self.name}", values),)


class ChirpStackGateway(Reporter):
    """ChirpStack's uplink events of one LoRaWAN sensor; its name is the device's EUI.

    data: the bytes the sensor sends. port: its FPort.
    """

    def __init__(self, name: str, data: bytes, port: int, every: float = 5.0) -> None:
        super().__init__(name, every)
        self.data = data
        self.port = port
        self._frame = 0

    def report(self, now: Instant) -> Sequence[Outgoing]:
        """One uplink."""
        self._frame += 1
        told = {
            "time": format_utc(now.utc),
            "deviceInfo": {"applicationName": "yard", "deviceName": "sensor", "devEui": self.name},
            "adr": True,
            "dr": 5,
            "fCnt": self._frame,
            "fPort": self.port,
            "data": base64.b64encode(self.data).decode(),
            "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}],
        }
        return (_said(f"application/1/device/{self.name}/event/up", told),)


class FrigateCamera(Reporter):
    """One camera of a Frigate recorder: an object that comes nearer, and counts; hears its settings."""

    persons = 1
    detecting = True
    moved = ""

    @property
    def topics(self) -> Sequence[str]:
        """What it subscribes to."""
        return (f"frigate/{self.name}/detect/set", f"frigate/{self.name}/ptz")

    def first(self, now: Instant) -> Sequence[Outgoing]:
        """Frigate is there."""
        return (Outgoing(b"online", "frigate/available"),)

    def report(self, now: Instant) -> Sequence[Outgoing]:
        """An event of one person, the count, and the recorder's figures."""
        seen = round(now.utc / 1e9, 3)
        after = {"id": f"{seen:.6f}-sim", "camera": self.name, "frame_time": seen, "label": "person",
                 "score": 0.82, "current_zones": ["quay"], "stationary": False}  # fmt: skip
        stats = {"cameras": {self.name: {"camera_fps": 5.1, "detection_fps": 6.5, "skipped_fps": 0.0}}}
        return (
            _said("frigate/events", {"type": "new", "before": after, "after": after}),
            Outgoing(str(self.persons).encode(), f"frigate/{self.name}/person"),
            _said("frigate/stats", stats),
        )

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Detection on and off, and where to turn."""
        if origin == f"frigate/{self.name}/ptz":
            self.moved = chunk.decode("utf-8", "replace")[:100]
        if origin != f"frigate/{self.name}/detect/set" or chunk not in {b"ON", b"OFF"}:
            return ()
        self.detecting = chunk == b"ON"
        return (Outgoing(chunk, f"frigate/{self.name}/detect/state"),)


def _said(topic: str, document: object) -> Outgoing:
    return Outgoing(json.dumps(document, separators=(",", ":")).encode(), topic)


def _document(chunk: bytes) -> dict[str, Any]:
    try:
        document: object = json.loads(chunk)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _switched(chunk: bytes, was: bool) -> bool:
    word = chunk[:10].decode("ascii", "replace").lower()
    return not was if word in {"toggle", "2"} else _STATES.get(word, was)
