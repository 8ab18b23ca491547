"""What an operator can tell an ONVIF camera, and the requests that carry it out (ONVIF PTZ, 5.3 to 5.7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.onvif import messages as m
from drivers.onvif.plan import Plan, Settings, Write
from drivers.ptz.actions import Ranges, camera_actions
from drivers.words import write_of
from telemetry import Action, Argument, Command, Profile, Title

_OFFERED = frozenset(
    {
        "move",
        "stop",
        "zoom",
        "preset_store",
        "preset_recall",
        "preset_clear",
        "home",
        "position",
        "move_to",
        "zoom_to",
    }
)
_AUXILIARY = {"wiper": "tt:Wiper", "washer": "tt:Washer", "light": "tt:IRLamp"}
_PLAIN = {"home": m.HOME, "position": m.POSITION}
_PRESETS = {
    "preset_store": m.PRESET_STORE,
    "preset_recall": m.PRESET_RECALL,
    "preset_clear": m.PRESET_CLEAR,
}


def _part(name: str, en: str, vi: str) -> Argument:
    title = Title(en=f"{en}, −1 and 1 are the ends of the range", vi=f"{vi}, −1 và 1 là hai đầu")
    return Argument(name=name, title=title, minimum=-1, maximum=1)


_MOVE_TO_PARTS = Action(
    name="move_to",
    title=Title(en="Turn to a position", vi="Quay đến vị trí"),
    arguments=(_part("pan", "Pan", "Quay ngang"), _part("tilt", "Tilt", "Ngẩng")),
)
"""For a model of which nobody said what its range is in degrees."""


def actions_of(profile: Profile, settings: Settings) -> Sequence[Action]:
    """What this model can be told. Raises ProfileError."""
    in_degrees = settings.pan_degrees is not None and settings.tilt_degrees is not None
    ranges = Ranges(
        pan=_sorted(settings.pan_degrees or (-1.0, 1.0)),
        tilt=_sorted(settings.tilt_degrees or (-1.0, 1.0)),
        presets=settings.presets,
    )
    offered = _OFFERED | set(settings.auxiliary)
    actions = camera_actions(profile, offered, ranges, settings.without)
    if in_degrees:
        return actions
    return tuple(_MOVE_TO_PARTS if action.name == "move_to" else action for action in actions)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Turns commands into requests. own: auxiliary commands of the profile's own actions, by their names."""

    plan: Plan
    own: dict[str, str]

    @classmethod
    def of(cls, profile: Profile, plan: Plan) -> "Interpreter":
        """For one profile. Raises ProfileError for an action that cannot be carried out."""
        return cls(
            plan, {action.name: write_of(profile, action, Write).auxiliary for action in profile.actions}
        )

    def ask(self, command: Command, head: m.Head, key: str) -> tuple[str, m.Ask]:
        """The verb and the request for a checked command other than `stop`. key: the request's id."""
        action = command.action
        if action in _PLAIN:
            return _PLAIN[action], m.Ask(key)
        if action in _PRESETS:
            return _PRESETS[action], m.Ask(key, preset=int(_number(command, "preset")))
        if action in {"move", "zoom"}:
            return m.MOVE, _motion(command, key)
        if action in {"move_to", "zoom_to"}:
            return m.MOVE_TO, self._position(command, head, key)
        return m.AUXILIARY, m.Ask(key, text=self._auxiliary(command))

    def _position(self, command: Command, head: m.Head, key: str) -> m.Ask:
        if command.action == "zoom_to":
            return m.Ask(key, zoom=self.plan.zoom.position(_number(command, "zoom"), head.zoom))
        pan = self.plan.pan.position(_number(command, "pan"), head.pan)
        tilt = self.plan.tilt.position(_number(command, "tilt"), head.tilt)
        return m.Ask(key, pan=pan, tilt=tilt)

    def _auxiliary(self, command: Command) -> str:
        if command.action in self.own:
            return self.own[command.action]
        return f"{_AUXILIARY[command.action]}|{'On' if command.arguments['on'] else 'Off'}"


def _motion(command: Command, key: str) -> m.Ask:
    hold = _number(command, "hold")
    if command.action == "zoom":
        return m.Ask(key, zoom=_number(command, "speed"), hold=hold)
    return m.Ask(key, pan=_number(command, "pan"), tilt=_number(command, "tilt"), hold=hold)


def _number(command: Command, name: str) -> float:
    return float(command.arguments[name])


def _sorted(ends: m.Range) -> m.Range:
    return min(ends), max(ends)
