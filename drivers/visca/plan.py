"""What a VISCA profile says, and what an operator's words are on the wire and back.

`settings:` are those of `ViscaSettings`, each metric's `read:` is a `ViscaRead`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, assert_never

from pydantic import Field

from drivers.ptz.actions import Ranges, camera_actions
from drivers.ptz.deadman import Motion
from drivers.visca.commands import (
    Focus,
    FocusMode,
    Home,
    Inquiry,
    Memory,
    PanTilt,
    PanTiltTo,
    Power,
    Preset,
    ViscaCommand,
    Zoom,
    ZoomTo,
    pan_tilt_of,
    unsigned,
)
from drivers.words import Words, read_of, settings_of
from telemetry import Command, Profile, ProfileError, Value
from telemetry.devices import Duration

OFFERED = (
    "move",
    "stop",
    "zoom",
    "focus",
    "focus_mode",
    "preset_store",
    "preset_recall",
    "preset_clear",
    "home",
    "power",
    "position",
    "move_to",
    "zoom_to",
)
"""The actions VISCA has."""

What = Literal["pan", "tilt", "zoom", "power", "focus_auto"]
_ASKED: dict[What, Inquiry] = {
    "power": Inquiry.POWER,
    "pan": Inquiry.PAN_TILT,
    "tilt": Inquiry.PAN_TILT,
    "zoom": Inquiry.ZOOM,
    "focus_auto": Inquiry.FOCUS_MODE,
}


class ViscaRead(Words):
    """Which of the camera's values a metric is. zoom is in percent, pan and tilt in degrees."""

    value: What


class ViscaSettings(Ranges):
    """A camera model, and how it is spoken to.

    without: actions the model lacks. pan_steps, tilt_steps: position steps a degree. pan_digits: nibbles
    of a pan position, 5 where a model is finer than 16 bits. zoom_steps: the position of the tele end.
    pan_speeds, tilt_speeds, zoom_speeds: slowest and fastest on the wire; zoom_speeds left out where the
    model has one speed only. focus is driven at zoom_speeds.
    timeout: seconds until an exchange counts as unanswered. retries: further datagrams with the same
    sequence number (over IP only). completion: seconds a command may run once it was accepted.
    address_set: whether the chain is given its addresses when the link opens; left out: on serial lines.
    any_address: whether replies in another camera's name are believed; left out: not on serial lines.
    sequence: loose for cameras that answer over IP with wrong sequence numbers.
    """

    without: tuple[str, ...] = ()
    pan_steps: float = Field(default=14.4, gt=0)
    tilt_steps: float = Field(default=14.4, gt=0)
    pan_digits: Literal[4, 5] = 4
    zoom_steps: int = Field(default=0x4000, ge=1, le=0xFFFF)
    pan_speeds: tuple[int, int] = (1, 24)
    tilt_speeds: tuple[int, int] = (1, 20)
    zoom_speeds: tuple[int, int] | None = (0, 7)
    timeout: Duration = 0.5
    retries: int = Field(default=2, ge=0, le=10)
    completion: Duration = 20.0
    address_set: bool | None = None
    any_address: bool | None = None
    sequence: Literal["strict", "loose"] = "strict"


class CameraPlan:
    """One camera model: its actions, its inquiries, and both ways of every number.

    Raises ProfileError for a profile that cannot be used.
    """

    def __init__(self, profile: Profile) -> None:
        self.settings = settings_of(profile, ViscaSettings)
        self.actions = camera_actions(profile, OFFERED, self.settings, self.settings.without)
        if profile.actions:
            own = ", ".join(action.name for action in profile.actions)
            raise ProfileError(
                f"profile {profile.id}: action {own}: a VISCA profile has no actions of its own"
            )
        self._values: dict[str, What] = {
            metric.name: read_of(profile, metric, ViscaRead).value for metric in profile.metrics
        }
        self.inquiries = tuple(dict.fromkeys(_ASKED[value] for value in self._values.values()))
        names = {action.name for action in self.actions}
        moved_by = {"move": Motion.PAN_TILT, "zoom": Motion.ZOOM, "focus": Motion.FOCUS}
        self.motions = tuple(motion for name, motion in moved_by.items() if name in names)

    def reading(self, answers: Mapping[Inquiry, bytes]) -> tuple[dict[str, Value], bool]:
        """The metrics that these answers tell, and whether that is all a camera in its state can tell."""
        known = self.values(answers)
        values = {name: known[value] for name, value in self._values.items() if value in known}
        return values, len(values) == len(self._values) or known.get("power") is False

    def values(self, answers: Mapping[Inquiry, bytes]) -> dict[str, Value]:
        """Everything these answers tell: degrees, percent, true and false."""
        values: dict[str, Value] = {}
        for inquiry, payload in answers.items():
            match inquiry:
                case Inquiry.PAN_TILT:
                    pan, tilt = pan_tilt_of(payload)
                    values["pan"] = round(pan / self.settings.pan_steps, 3)
                    values["tilt"] = round(tilt / self.settings.tilt_steps, 3)
                case Inquiry.ZOOM:
                    values["zoom"] = round(100 * unsigned(payload) / self.settings.zoom_steps, 2)
                case Inquiry.POWER:
                    values["power"] = payload[0] == 2
                case Inquiry.FOCUS_MODE:
                    values["focus_auto"] = payload[0] == 2
                case Inquiry.FOCUS | Inquiry.VERSION:
                    pass
                case _:
                    assert_never(inquiry)
        return values

    def stop(self, motion: Motion) -> ViscaCommand:
        """What ends this motion."""
        if motion is Motion.PAN_TILT:
            return PanTilt(self.settings.pan_speeds[0], self.settings.tilt_speeds[0], 0, 0)
        return Zoom(0) if motion is Motion.ZOOM else Focus(0)

    def motion(self, command: Command) -> Motion | None:
        """What this command sets in motion until it is stopped; None where it ends by itself."""
        given = command.arguments
        if command.action == "move" and (given["pan"] or given["tilt"]):
            return Motion.PAN_TILT
        if command.action in ("zoom", "focus") and given["speed"]:
            return Motion.ZOOM if command.action == "zoom" else Motion.FOCUS
        return None

    def wire(self, command: Command) -> ViscaCommand:
        """What a command other than `stop` and `position` is on the wire."""
        arguments = command.arguments.items()
        given = {name: float(value) for name, value in arguments if not isinstance(value, str)}
        if command.action in ("move", "move_to"):
            return self._turn(command.action, given["pan"], given["tilt"])
        if command.action in ("zoom", "focus"):
            return self._drive(command.action, given["speed"])
        if command.action in _PRESETS:
            return Memory(_PRESETS[command.action], int(given["preset"]))
        if command.action == "zoom_to":
            return ZoomTo(round(given["zoom"] * self.settings.zoom_steps / 100))
        return self._switch(command)

    def _switch(self, command: Command) -> ViscaCommand:
        match command.action:
            case "focus_mode":
                return FocusMode(command.arguments["mode"] == "auto")
            case "power":
                return Power(bool(command.arguments["on"]))
            case _:
                return Home()

    def _turn(self, action: str, pan: float, tilt: float) -> ViscaCommand:
        said = self.settings
        if action == "move":
            speeds = scaled(pan, said.pan_speeds), scaled(tilt, said.tilt_speeds)
            return PanTilt(*speeds, _sign(pan), _sign(tilt))
        steps = round(pan * said.pan_steps), round(tilt * said.tilt_steps)
        return PanTiltTo(said.pan_speeds[1], said.tilt_speeds[1], *steps, said.pan_digits)

    def _drive(self, action: str, speed: float) -> ViscaCommand:
        made = Zoom if action == "zoom" else Focus
        speeds = self.settings.zoom_speeds
        return made(_sign(speed), scaled(speed, speeds) if speeds and speed else None)


_PRESETS = {"preset_store": Preset.STORE, "preset_recall": Preset.RECALL, "preset_clear": Preset.CLEAR}
POSITION: Sequence[Inquiry] = (Inquiry.PAN_TILT, Inquiry.ZOOM)
"""What the action `position` asks."""


def scaled(speed: float, between: tuple[int, int]) -> int:
    """A speed of -1 to 1 as the camera counts it; the slowest it has for anything near zero."""
    slowest, fastest = between
    return max(slowest, min(fastest, slowest + round(abs(speed) * (fastest - slowest))))


def _sign(speed: float) -> int:
    return (speed > 0) - (speed < 0)
