"""What every camera with a moving head can be told, whatever protocol it speaks: the words of an operator.

Pan is positive to the right, tilt positive upwards, both in degrees from the camera's own zero; zoom is
0 % at the wide and 100 % at the tele end. Speeds are parts of the model's highest speed, −1 to 1.
"""

from collections.abc import Collection, Sequence

from pydantic import Field

from drivers.ptz.deadman import Motion
from drivers.words import Words
from telemetry import Action, Argument, Profile, ProfileError, Title
from telemetry.commands import Kind

ENDS_BY_ITSELF = {
    "move_to": (Motion.PAN_TILT,),
    "home": (Motion.PAN_TILT,),
    "zoom_to": (Motion.ZOOM,),
    "preset_recall": tuple(Motion),
}
"""Actions that set something in motion which stops where it should."""
LONGEST_HOLD = 10.0
"""Seconds a motion may go on without being told again."""


class Ranges(Words):
    """What a model can do. pan, tilt: degrees, lowest and highest. presets: first and last number."""

    pan: tuple[float, float] = (-180.0, 180.0)
    tilt: tuple[float, float] = (-90.0, 90.0)
    presets: tuple[int, int] = Field(default=(0, 127))


_HOLD = Argument(
    name="hold",
    title=Title(en="Seconds until it stops by itself", vi="Số giây trước khi tự dừng"),
    unit="s",
    minimum=0.1,
    maximum=LONGEST_HOLD,
    default=1.0,
)
_ON = Argument(name="on", title=Title(en="On", vi="Bật"), kind=Kind.FLAG)


def _speed(name: str, en: str, vi: str, default: float | None = None) -> Argument:
    return Argument(name=name, title=Title(en=en, vi=vi), minimum=-1, maximum=1, default=default)


def _action(name: str, en: str, vi: str, *arguments: Argument) -> Action:
    return Action(name=name, title=Title(en=en, vi=vi), arguments=arguments)


def _switch(name: str, en: str, vi: str) -> Action:
    return _action(name, en, vi, _ON)


def _degrees(name: str, en: str, vi: str, within: tuple[float, float]) -> Argument:
    return Argument(name=name, title=Title(en=en, vi=vi), unit="deg", minimum=within[0], maximum=within[1])


def _number(name: str, en: str, vi: str, within: tuple[int, int]) -> Argument:
    title = Title(en=en, vi=vi)
    return Argument(name=name, title=title, kind=Kind.WHOLE, minimum=within[0], maximum=within[1])


_PAN_SPEED = _speed("pan", "Speed to the right", "Tốc độ sang phải", 0.0)
_TILT_SPEED = _speed("tilt", "Speed upwards", "Tốc độ lên trên", 0.0)
_ZOOM_SPEED = _speed("speed", "Speed towards tele", "Tốc độ phóng to, âm là thu nhỏ")
_FOCUS_SPEED = _speed("speed", "Speed towards far", "Tốc độ lấy nét ra xa, âm là lại gần")
_MODE = Argument(
    name="mode",
    title=Title(en="Who focuses", vi="Chế độ lấy nét"),
    kind=Kind.CHOICE,
    choices=("auto", "manual"),
)
_PERCENT = Argument(
    name="zoom",
    title=Title(en="Zoom, 0 wide to 100 tele", vi="Thu phóng, 0 góc rộng đến 100 phóng to"),
    unit="%",
    minimum=0,
    maximum=100,
)
_OUTPUT = _number("number", "Number of the output", "Số của đầu ra", (1, 255))
_ANY_MODEL = (
    _action("move", "Turn", "Quay", _PAN_SPEED, _TILT_SPEED, _HOLD),
    _action("stop", "Stop every movement", "Dừng mọi chuyển động"),
    _action("zoom", "Zoom", "Thu phóng", _ZOOM_SPEED, _HOLD),
    _action("focus", "Focus by hand", "Lấy nét tay", _FOCUS_SPEED, _HOLD),
    _action("focus_mode", "Focus mode", "Chế độ lấy nét", _MODE),
    _action("home", "Go to the home position", "Về vị trí gốc"),
    _switch("power", "Power", "Nguồn"),
    _action("position", "Ask for the position", "Hỏi vị trí"),
    _action("zoom_to", "Zoom to a position", "Thu phóng đến mức", _PERCENT),
    _action("aux", "Auxiliary output", "Đầu ra phụ", _OUTPUT, _ON),
    _switch("wiper", "Wiper", "Gạt nước"),
    _switch("washer", "Washer", "Phun rửa kính"),
    _switch("heater", "Heater", "Sưởi kính"),
    _switch("light", "Light", "Đèn"),
)


def _within(ranges: Ranges) -> Sequence[Action]:
    """The actions whose arguments a model's ranges limit."""
    preset = _number("preset", "Number of the preset", "Số của vị trí đặt trước", ranges.presets)
    pan = _degrees("pan", "Pan, positive to the right", "Góc quay ngang, dương sang phải", ranges.pan)
    tilt = _degrees("tilt", "Tilt, positive upwards", "Góc ngẩng, dương lên trên", ranges.tilt)
    return (
        _action("preset_store", "Store a preset", "Lưu vị trí đặt trước", preset),
        _action("preset_recall", "Go to a preset", "Đến vị trí đặt trước", preset),
        _action("preset_clear", "Clear a preset", "Xoá vị trí đặt trước", preset),
        _action("move_to", "Turn to a position", "Quay đến vị trí", pan, tilt),
    )


def camera_actions(
    profile: Profile, offered: Collection[str], ranges: Ranges, without: Collection[str] = ()
) -> Sequence[Action]:
    """The actions of this model: those its driver offers less those it lacks, then the profile's own.

    Raises ProfileError for a name in `without` that the driver does not offer, and for an action of the
    profile whose name the driver uses itself.
    """
    if unknown := sorted(set(without) - set(offered)):
        raise ProfileError(
            f"profile {profile.id}: settings: without names {', '.join(unknown)}; "
            f"this driver offers {', '.join(sorted(offered))}"
        )
    wanted = set(offered) - set(without)
    own = tuple(action for action in (*_ANY_MODEL, *_within(ranges)) if action.name in wanted)
    names = {action.name for action in own}
    if twice := sorted(names & {action.name for action in profile.actions}):
        raise ProfileError(
            f"profile {profile.id}: action {', '.join(twice)}: the driver uses this name itself"
        )
    return (*own, *profile.actions)
