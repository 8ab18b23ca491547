"""What a Pelco profile says, and what an operator's words are on the wire and back.

`settings:` are those of `PelcoSettings`, each metric's `read:` is a `PelcoRead`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from drivers.pelco.frames import (
    FASTEST,
    SLOWEST,
    TURBO,
    Aux,
    Dialect,
    Drive,
    PelcoSaying,
    Power,
    PresetAct,
    PresetCommand,
    SetPosition,
    What,
)
from drivers.ptz.actions import Ranges, camera_actions
from drivers.ptz.deadman import Motion
from drivers.words import Words, read_of, settings_of
from telemetry import Command, Profile, ProfileError, Value
from telemetry.devices import Duration

_ALWAYS = ("move", "stop", "zoom", "focus", "preset_store", "preset_recall", "preset_clear", "aux")
_OUTPUTS = ("wiper", "washer", "heater", "light")

Told = Literal["pan", "tilt", "zoom", "driven"]
ASKED: Mapping[str, What] = {"pan": What.PAN, "tilt": What.TILT, "zoom": What.ZOOM}


class PelcoRead(Words):
    """Which value a metric is: pan, tilt in degrees, zoom in percent, or driven: whether we move it now."""

    value: Told


class PelcoSettings(Ranges):
    """A camera model or receiver, and how it is spoken to.

    protocol: d or p. without: actions the model lacks. replies: whether it answers questions for its
    position; most do not. positions: whether it can be sent to a position (move_to, zoom_to).
    reserved: presets that do something else than look somewhere, such as opening a menu; they are refused.
    home_preset: the preset that `home` recalls. wiper, washer, heater, light: the auxiliary output of each.
    turbo: pans at turbo speed when told full speed. tilt_down: raw tilt positions grow downwards.
    zoom_steps: raw position of the tele end. first_address: what the first camera is called on the wire
    of Pelco-P. stops: how often a stop is said, as nobody confirms it. pause: seconds of rest after a
    frame. timeout: seconds to wait for an answer.
    """

    protocol: Dialect = "d"
    without: tuple[str, ...] = ()
    replies: bool = False
    positions: bool = False
    presets: tuple[int, int] = Field(default=(1, 32))
    reserved: tuple[int, ...] = ()
    home_preset: int | None = Field(default=None, ge=0, le=255)
    wiper: int | None = Field(default=None, ge=1, le=255)
    washer: int | None = Field(default=None, ge=1, le=255)
    heater: int | None = Field(default=None, ge=1, le=255)
    light: int | None = Field(default=None, ge=1, le=255)
    turbo: bool = False
    tilt_down: bool = True
    zoom_steps: int = Field(default=0xFFFF, ge=1, le=0xFFFF)
    first_address: int = Field(default=0, ge=0, le=1)
    stops: int = Field(default=3, ge=1, le=10)
    pause: float = Field(default=0.05, ge=0, le=5)
    timeout: Duration = 0.5

    def output(self, action: str) -> int | None:
        """The auxiliary output behind `wiper` and its like."""
        return {"wiper": self.wiper, "washer": self.washer, "heater": self.heater, "light": self.light}[
            action
        ]


class PelcoPlan:
    """One camera model: its actions, its questions, and both ways of every number.

    Raises ProfileError for a profile that cannot be used.
    """

    def __init__(self, profile: Profile) -> None:
        self.settings = settings_of(profile, PelcoSettings)
        offered = self._offered()
        self.actions = camera_actions(profile, offered, self.settings, self.settings.without)
        if profile.actions:
            raise ProfileError(f"profile {profile.id}: a Pelco profile has no actions of its own")
        self.metrics: dict[str, Told] = {
            metric.name: read_of(profile, metric, PelcoRead).value for metric in profile.metrics
        }
        self.questions = tuple(what for told, what in ASKED.items() if told in self.metrics.values())
        if self.questions and not self.settings.replies:
            raise ProfileError(f"profile {profile.id}: pan, tilt and zoom are known only with replies: true")
        names = {action.name for action in self.actions}
        moved_by = {"move": Motion.PAN_TILT, "zoom": Motion.ZOOM, "focus": Motion.FOCUS}
        self.motions = tuple(motion for name, motion in moved_by.items() if name in names)

    def value(self, what: What, raw: int) -> float:
        """Degrees or percent from a raw position."""
        if what is What.ZOOM:
            return round(100 * raw / self.settings.zoom_steps, 2)
        degrees = raw / 100 if raw <= 18_000 else (raw - 36_000) / 100
        return -degrees if what is What.TILT and self.settings.tilt_down and degrees else degrees

    def raw(self, what: What, value: float) -> int:
        """The raw position of these degrees or this percentage."""
        if what is What.ZOOM:
            return round(value * self.settings.zoom_steps / 100)
        degrees = -value if what is What.TILT and self.settings.tilt_down else value
        return round(degrees * 100) % 36_000

    def driven(self, drive: Drive, command: Command) -> tuple[Drive, Motion | None]:
        """What moves after a `move`, `zoom` or `focus`, and which motion must be stopped later."""
        if command.action == "move":
            pan, tilt = _number(command, "pan"), _number(command, "tilt")
            drive = replace(
                drive,
                pan=_sign(pan),
                tilt=_sign(tilt),
                pan_speed=TURBO if self.settings.turbo and abs(pan) == 1 else _speed(pan),
                tilt_speed=_speed(tilt),
            )
            return drive, Motion.PAN_TILT if pan or tilt else None
        way = _sign(_number(command, "speed"))
        if command.action == "zoom":
            return replace(drive, zoom=way), Motion.ZOOM if way else None
        return replace(drive, focus=way), Motion.FOCUS if way else None

    def stopped(self, drive: Drive, motion: Motion) -> Drive:
        """What still moves when this motion has ended."""
        if motion is Motion.PAN_TILT:
            return replace(drive, pan=0, tilt=0, pan_speed=0, tilt_speed=0)
        return replace(drive, zoom=0) if motion is Motion.ZOOM else replace(drive, focus=0)

    def wire(self, command: Command) -> tuple[PelcoSaying, ...]:
        """What any other command is on the wire. Empty for a preset that is reserved."""
        match command.action:
            case "preset_store" | "preset_recall" | "preset_clear":
                return self._preset(command.action, int(_number(command, "preset")))
            case "home":
                return (PresetCommand(PresetAct.RECALL, self.settings.home_preset or 0),)
            case "power":
                return (Power(bool(command.arguments["on"])),)
            case "aux":
                return (Aux(int(_number(command, "number")), bool(command.arguments["on"])),)
            case "move_to" | "zoom_to":
                wanted = ("pan", "tilt") if command.action == "move_to" else ("zoom",)
                return tuple(
                    SetPosition(ASKED[name], self.raw(ASKED[name], _number(command, name))) for name in wanted
                )
            case _:
                return (Aux(self.settings.output(command.action) or 1, bool(command.arguments["on"])),)

    def reading(self, raws: Mapping[What, int], *, driven: bool) -> tuple[dict[str, Value], bool]:
        """The metrics that are known, and whether the camera itself has told all of them."""
        values: dict[str, Value] = {}
        for name, told in self.metrics.items():
            if told == "driven":
                values[name] = driven
            elif ASKED[told] in raws:
                values[name] = self.value(ASKED[told], raws[ASKED[told]])
        return values, bool(raws) and len(values) == len(self.metrics)

    def _preset(self, action: str, number: int) -> tuple[PelcoSaying, ...]:
        if number in self.settings.reserved:
            return ()
        act = {"preset_store": PresetAct.STORE, "preset_recall": PresetAct.RECALL}.get(
            action, PresetAct.CLEAR
        )
        return (PresetCommand(act, number),)

    def _offered(self) -> tuple[str, ...]:
        said = self.settings
        names = [*_ALWAYS, *(name for name in _OUTPUTS if said.output(name) is not None)]
        names += ["home"] if said.home_preset is not None else []
        names += ["power"] if said.protocol == "d" else []
        names += ["position"] if said.replies else []
        names += ["move_to", "zoom_to"] if said.positions else []
        return tuple(names)


def _number(command: Command, name: str) -> float:
    return float(command.arguments[name])


def _sign(speed: float) -> int:
    return (speed > 0) - (speed < 0)


def _speed(part: float) -> int:
    return round(SLOWEST + abs(part) * (FASTEST - SLOWEST)) if part else 0
