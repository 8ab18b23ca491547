"""What is asked of one ONVIF camera: what it has, where it looks, and an operator's orders (ONVIF PTZ)."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from drivers.onvif import messages as m
from gateways.onvif.soap import Soap, SoapError

DEVICE_SERVICE = "/onvif/device_service"
"""Where every camera has it (ONVIF Core, 5.1.1)."""

CLOCK_TOLERANCE = timedelta(seconds=2)
"""How far a camera's clock may drift before we sign with its new time."""
_PRESET_NAME = "haidang-{}"
_SERVICES = {
    "http://www.onvif.org/ver10/media/wsdl": "media",
    "http://www.onvif.org/ver20/ptz/wsdl": "ptz",
    "http://www.onvif.org/ver10/ptz/wsdl": "ptz",  # some call it so and speak the newer all the same
    "http://www.onvif.org/ver10/events/wsdl": "events",
}
_CAPABILITIES = {"Media": "media", "PTZ": "ptz", "Events": "events"}
_FATAL = frozenset({"unauthorized", "unreachable"})


class OnvifCamera:
    """A camera that `greet` has asked what it has. Every method raises SoapError."""

    def __init__(self, soap: Soap, wanted_profile: str = "") -> None:
        self.soap = soap
        self._wanted = wanted_profile
        self._profile = ""

    async def greet(self, path: str = DEVICE_SERVICE) -> m.Hello:
        """Learns the camera's clock, its services and its head. path: of its device service."""
        await self.soap.use("devicemgmt", path)
        self.soap.set_offset(await self.soap.read_clock())
        for service, url in (await self._addresses()).items():
            with suppress(SoapError):  # an address that is none: the camera does without this service
                await self.soap.use(service, url)
        told = await self._optional("devicemgmt", "GetDeviceInformation") or {}
        return m.Hello(
            manufacturer=_text(told.get("Manufacturer")),
            model=_text(told.get("Model")),
            firmware=_text(told.get("FirmwareVersion")),
            serial=_text(told.get("SerialNumber")),
            clock=self.soap.offset.total_seconds(),
            head=await self._head(),
            events=self.soap.has("events"),
        )

    async def clock(self) -> float:
        """Seconds the camera's clock is ahead of ours now; from now on we sign with it."""
        offset = await self.soap.read_clock()
        if abs(offset - self.soap.offset) > CLOCK_TOLERANCE:
            self.soap.set_offset(offset)
        return offset.total_seconds()

    async def position(self, key: str) -> m.Answer:
        """Where the head is. key: the answer's id."""
        told = await self.soap.ask("ptz", "GetStatus", ProfileToken=self._profile)
        position = _inner(told, "Position")
        pan_tilt, zoom = _inner(position, "PanTilt"), _inner(position, "Zoom")
        return m.Answer(
            key,
            pan=_finite(pan_tilt.get("x")),
            tilt=_finite(pan_tilt.get("y")),
            zoom=_finite(zoom.get("x")),
            moving=_moving(_inner(told, "MoveStatus")),
            error=_text(told.get("Error")),
        )

    async def carry_out(self, verb: str, ask: m.Ask) -> m.Answer:
        """One request of the driver."""
        match verb:
            case m.POSITION:
                return await self.position(ask.id)
            case m.CLOCK:
                return m.Answer(ask.id, clock=await self.clock())
            case m.MOVE | m.MOVE_TO | m.STOP:
                await self._move(verb, ask)
            case m.PRESET_STORE | m.PRESET_RECALL | m.PRESET_CLEAR:
                await self._preset(verb, ask.preset)
            case m.HOME:
                await self._ptz("GotoHomePosition")
            case m.AUXILIARY:
                await self._ptz("SendAuxiliaryCommand", AuxiliaryData=ask.text)
            case _:
                raise SoapError("refused", f"an ONVIF link knows no request {verb[:40]!r}")
        return m.Answer(ask.id)

    async def _move(self, verb: str, ask: m.Ask) -> None:
        vector: dict[str, Any] = {}
        if ask.pan is not None and ask.tilt is not None:
            vector["PanTilt"] = {"x": ask.pan, "y": ask.tilt}
        if ask.zoom is not None:
            vector["Zoom"] = {"x": ask.zoom}
        if verb == m.STOP:
            await self._ptz("Stop", PanTilt=ask.stop_pan_tilt, Zoom=ask.stop_zoom)
        elif verb == m.MOVE_TO:
            await self._ptz("AbsoluteMove", Position=vector)
        else:
            hold = timedelta(seconds=math.ceil(ask.hold))  # some cameras read whole seconds only
            await self._ptz("ContinuousMove", Velocity=vector, Timeout=hold)

    async def _preset(self, verb: str, number: int) -> None:
        presets = await self.soap.ask("ptz", "GetPresets", ProfileToken=self._profile) or []
        token = _token_of(presets, number)
        if verb == m.PRESET_STORE:
            known = {} if token is None else {"PresetToken": token}
            await self._ptz("SetPreset", PresetName=_PRESET_NAME.format(number), **known)
            return
        if token is None:
            there = ", ".join(_text(_inner(preset).get("token")) for preset in presets[:12]) or "none"
            raise SoapError("refused", f"the camera has no preset {number}; it has {there}")
        operation = "GotoPreset" if verb == m.PRESET_RECALL else "RemovePreset"
        await self._ptz(operation, PresetToken=token)

    async def _ptz(self, operation: str, **parameters: Any) -> Any:
        return await self.soap.ask("ptz", operation, ProfileToken=self._profile, **parameters)

    async def _addresses(self) -> dict[str, str]:
        """Where the camera's services are, by the library's names."""
        services = await self._optional("devicemgmt", "GetServices", IncludeCapability=False)
        if isinstance(services, list) and services:
            told = {_text(_inner(one).get("Namespace")): _inner(one).get("XAddr") for one in services[:64]}
            return {_SERVICES[name]: str(url) for name, url in told.items() if name in _SERVICES and url}
        capabilities = _inner(await self.soap.ask("devicemgmt", "GetCapabilities", Category="All"))
        urls = {service: _inner(capabilities, key).get("XAddr") for key, service in _CAPABILITIES.items()}
        return {service: str(url) for service, url in urls.items() if url}

    async def _head(self) -> m.Head | None:
        """The head of the wanted profile, or of the first that has one."""
        if not self.soap.has("ptz") or not self.soap.has("media"):
            return None
        profiles = [_inner(one) for one in await self._optional("media", "GetProfiles") or []]
        if self._wanted:
            named = [one for one in profiles if self._wanted in {one.get("token"), one.get("Name")}]
            if not named:
                there = ", ".join(_text(one.get("token")) for one in profiles[:12]) or "none"
                raise SoapError("refused", f"the camera has no profile {self._wanted}; it has {there}")
            profiles = named
        for profile in profiles:
            if configuration := _inner(profile, "PTZConfiguration"):
                self._profile = str(profile.get("token"))
                return await self._spaces(configuration)
        return None

    async def _spaces(self, configuration: Mapping[str, Any]) -> m.Head:
        token = configuration.get("NodeToken")
        node = _inner(await self._optional("ptz", "GetNode", NodeToken=token)) if token else {}
        spaces = _inner(node, "SupportedPTZSpaces")
        pan_tilt = _first(spaces.get("AbsolutePanTiltPositionSpace"))
        zoom = _first(spaces.get("AbsoluteZoomPositionSpace"))
        usual = m.Head()
        return m.Head(
            _range(pan_tilt, "XRange") or usual.pan,
            _range(pan_tilt, "YRange") or usual.tilt,
            _range(zoom, "XRange") or usual.zoom,
        )

    async def _optional(self, service: str, operation: str, **parameters: Any) -> Any:
        """As ask, but None where the camera answers and does not know how."""
        try:
            return await self.soap.ask(service, operation, **parameters)
        except SoapError as error:
            if error.reason in _FATAL:
                raise
            return None


def _token_of(presets: Sequence[Any], number: int) -> str | None:
    """The camera's own token of a preset: the number itself, or the one stored under our name."""
    told = [(_inner(preset).get("token"), _inner(preset).get("Name")) for preset in presets]
    for token, _ in told:
        if token == str(number):
            return str(token)
    for token, name in told:
        if token and name == _PRESET_NAME.format(number):
            return str(token)
    return None


def _inner(told: object, key: str = "") -> Mapping[str, Any]:
    """A part of an answer, or the answer itself; empty where there is none."""
    if key:
        told = told.get(key) if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}


def _first(told: object) -> Mapping[str, Any]:
    return _inner(told[0]) if isinstance(told, list) and told else {}


def _range(space: Mapping[str, Any], key: str) -> m.Range | None:
    limits = _inner(space, key)
    low, high = _finite(limits.get("Min")), _finite(limits.get("Max"))
    return None if low is None or high is None or low >= high else (low, high)


def _finite(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) and math.isfinite(told) else None


def _moving(status: Mapping[str, Any]) -> bool | None:
    said = {str(status.get(part)).upper() for part in ("PanTilt", "Zoom")}
    if "MOVING" in said:
        return True
    return False if "IDLE" in said else None


def _text(told: object) -> str:
    return told.strip()[:200] if isinstance(told, str) else ""
