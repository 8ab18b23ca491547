"""The PTZ service of a simulated ONVIF camera (ONVIF PTZ): one node, one head."""

import math
from collections.abc import Callable, Mapping

from drivers.onvif.xml import escape
from firmware_sim.onvif.requests import SoapAnswer, SoapRequest, answered, at, fault
from firmware_sim.ptz_head import Axis, PtzHead
from telemetry import Instant

_GENERIC = "http://www.onvif.org/ver10/tptz/{}Spaces/PositionGenericSpace"
_PRESETS = 20


class PtzService:
    """stop_at: monotonic second at which a motion ends by its own Timeout. auxiliary: what was sent."""

    def __init__(self, head: PtzHead) -> None:
        self.head = head
        self.stop_at = math.inf
        self.auxiliary: list[str] = []
        self._operations: Mapping[str, Callable[[SoapRequest, Instant], SoapAnswer]] = {
            "GetNode": self._node,
            "GetStatus": self._status,
            "ContinuousMove": self._continuous_move,
            "AbsoluteMove": self._absolute_move,
            "Stop": self._stop,
            "GotoHomePosition": self._home,
            "GetPresets": self._presets,
            "SetPreset": self._set_preset,
            "GotoPreset": self._goto_preset,
            "RemovePreset": self._remove_preset,
            "SendAuxiliaryCommand": self._auxiliary,
        }

    def answer(self, request: SoapRequest, now: Instant, camera_time: int) -> SoapAnswer | None:
        """None for an operation of another service. camera_time: UTC nanoseconds by the camera's clock."""
        operation = self._operations.get(request.operation)
        if operation is None:
            return None
        try:
            return operation(request, Instant(camera_time, now.monotonic))
        except (ValueError, KeyError):
            return fault(
                "ter:InvalidArgVal", f"{request.operation}: an argument that is none, or no such preset"
            )

    def pass_time(self, now: Instant) -> None:
        """Moves the head, and ends a motion whose time is over."""
        if self.stop_at <= now.monotonic:
            self.head.pass_time(self.stop_at)
            self.head.stop()
            self.stop_at = math.inf
        self.head.pass_time(now.monotonic)

    def stop(self) -> None:
        """Everything stands still."""
        self.head.stop()
        self.stop_at = math.inf

    def _node(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        return answered(
            '<tptz:GetNodeResponse><tptz:PTZNode token="node_1"><tt:Name>node</tt:Name>'
            "<tt:SupportedPTZSpaces>"
            f"<tt:AbsolutePanTiltPositionSpace><tt:URI>{_GENERIC.format('PanTilt')}</tt:URI>"
            "<tt:XRange><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:XRange>"
            "<tt:YRange><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:YRange></tt:AbsolutePanTiltPositionSpace>"
            f"<tt:AbsoluteZoomPositionSpace><tt:URI>{_GENERIC.format('Zoom')}</tt:URI>"
            "<tt:XRange><tt:Min>0</tt:Min><tt:Max>1</tt:Max></tt:XRange></tt:AbsoluteZoomPositionSpace>"
            f"</tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>{_PRESETS}</tt:MaximumNumberOfPresets>"
            "<tt:HomeSupported>true</tt:HomeSupported></tptz:PTZNode></tptz:GetNodeResponse>"
        )

    def _status(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        head = self.head
        pan, tilt, zoom = _share(head.pan), _share(head.tilt), (_share(head.zoom) + 1) / 2
        state = "MOVING" if head.moving else "IDLE"
        return answered(
            "<tptz:GetStatusResponse><tptz:PTZStatus><tt:Position>"
            f'<tt:PanTilt x="{pan:.5f}" y="{tilt:.5f}" space="{_GENERIC.format("PanTilt")}"/>'
            f'<tt:Zoom x="{zoom:.5f}" space="{_GENERIC.format("Zoom")}"/></tt:Position><tt:MoveStatus>'
            f"<tt:PanTilt>{state}</tt:PanTilt><tt:Zoom>{state}</tt:Zoom></tt:MoveStatus>"
            f"<tt:UtcTime>{at(now.utc)}</tt:UtcTime></tptz:PTZStatus></tptz:GetStatusResponse>"
        )

    def _continuous_move(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        head, speeds = self.head, _vector(request, "Velocity")
        for axis, speed in zip((head.pan, head.tilt, head.zoom), speeds, strict=True):
            if speed is not None:
                axis.run(speed)
        seconds = request.body.text_of("Timeout").removeprefix("PT").removesuffix("S")
        self.stop_at = now.monotonic + float(seconds) if seconds else math.inf
        return answered("<tptz:ContinuousMoveResponse/>")

    def _absolute_move(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        head = self.head
        pan, tilt, zoom = _vector(request, "Position")
        zoom = None if zoom is None else zoom * 2 - 1
        for axis, share in zip((head.pan, head.tilt, head.zoom), (pan, tilt, zoom), strict=True):
            if share is not None:
                axis.go(_place(axis, share))
        return answered("<tptz:AbsoluteMoveResponse/>")

    def _stop(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        head = self.head
        if request.body.text_of("PanTilt") != "false":
            head.pan.run(0)
            head.tilt.run(0)
        if request.body.text_of("Zoom") != "false":
            head.zoom.run(0)
        return answered("<tptz:StopResponse/>")

    def _home(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        self.head.go((0.0, 0.0, 0.0))
        return answered("<tptz:GotoHomePositionResponse/>")

    def _presets(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        presets = "".join(
            f'<tptz:Preset token="{number}"><tt:Name>haidang-{number}</tt:Name></tptz:Preset>'
            for number in self.head.presets
        )
        return answered(f"<tptz:GetPresetsResponse>{presets}</tptz:GetPresetsResponse>")

    def _set_preset(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        head, given = self.head, request.body.text_of("PresetToken")
        number = int(given) if given else int(request.body.text_of("PresetName").rpartition("-")[2])
        head.presets[number] = head.position
        return answered(
            f"<tptz:SetPresetResponse><tptz:PresetToken>{number}</tptz:PresetToken></tptz:SetPresetResponse>"
        )

    def _goto_preset(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        head = self.head
        head.go(head.presets[int(request.body.text_of("PresetToken"))])
        return answered("<tptz:GotoPresetResponse/>")

    def _remove_preset(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        self.head.presets.pop(int(request.body.text_of("PresetToken")), None)
        return answered("<tptz:RemovePresetResponse/>")

    def _auxiliary(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        self.auxiliary.append(text := request.body.text_of("AuxiliaryData"))
        return answered(
            "<tptz:SendAuxiliaryCommandResponse>"
            f"<tptz:AuxiliaryResponse>{escape(text)}</tptz:AuxiliaryResponse></tptz:SendAuxiliaryCommandResponse>"
        )


def _vector(request: SoapRequest, name: str) -> tuple[float | None, float | None, float | None]:
    """Pan, tilt and zoom of a vector; None for what it does not name."""
    vector = request.body.first(name) or request.body
    pan_tilt, zoom = vector.first("PanTilt"), vector.first("Zoom")
    return (
        None if pan_tilt is None else float(pan_tilt.attributes["x"]),
        None if pan_tilt is None else float(pan_tilt.attributes["y"]),
        None if zoom is None else float(zoom.attributes["x"]),
    )


def _share(axis: Axis) -> float:
    """Where it stands in its range, -1 to 1."""
    return 2 * (axis.position - axis.low) / (axis.high - axis.low) - 1


def _place(axis: Axis, share: float) -> float:
    return axis.low + (share + 1) / 2 * (axis.high - axis.low)
