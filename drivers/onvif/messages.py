"""What an ONVIF link and its driver tell each other, as JSON: the link speaks SOAP, the driver does not.

From the link, by origin: `hello` (Hello) when it is asked for, `answer` (Answer) exactly once for each other
Ask, `event` (Happening) and `notice` (Notice). To the link an Ask, whose destination is its verb.
"""

from typing import TypeVar

import msgspec

HELLO, ANSWER, EVENT, NOTICE = "hello", "answer", "event", "notice"

POSITION, CLOCK, MOVE, STOP, MOVE_TO = "position", "clock", "move", "stop", "move_to"
HOME, PRESET_STORE, PRESET_RECALL, PRESET_CLEAR = "home", "preset_store", "preset_recall", "preset_clear"
AUXILIARY = "auxiliary"
Range = tuple[float, float]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A head that moves. pan, tilt, zoom: lowest and highest of the camera's own position space."""

    pan: Range = (-1.0, 1.0)
    tilt: Range = (-1.0, 1.0)
    zoom: Range = (0.0, 1.0)


class Hello(msgspec.Struct, frozen=True):
    """What the camera has.

    clock: seconds the camera's clock is ahead of ours. head: none on a camera that cannot move.
    """

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    clock: float = 0.0
    head: Head | None = None
    events: bool = False


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request. id: of its Answer.

    MOVE: pan, tilt and zoom are speeds from −1 to 1, hold the seconds after which the camera itself
    stops. MOVE_TO: positions in the camera's own spaces. What is None stays as it is. STOP: which
    motions. preset: a number. text: what AUXILIARY sends, such as `tt:Wiper|On`.
    """

    id: str
    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None
    hold: float = 1.0
    stop_pan_tilt: bool = False
    stop_zoom: bool = False
    preset: int = 0
    text: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The end of an Ask.

    reason: empty when it went well, else as in telemetry.Reply. pan, tilt, zoom: of a POSITION, in the
    camera's own spaces. moving: None when the camera does not say. error: the head's own words.
    clock: of a CLOCK, as in Hello.
    """

    id: str
    reason: str = ""
    detail: str = ""
    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None
    moving: bool | None = None
    error: str = ""
    clock: float | None = None


class Happening(msgspec.Struct, frozen=True, omit_defaults=True):
    """One notification (ONVIF Core, 9.4). deleted: what it spoke of is there no more."""

    topic: str
    source: dict[str, str] = {}
    items: dict[str, str] = {}
    deleted: bool = False


class Notice(msgspec.Struct, frozen=True):
    """Something went wrong that nobody asked for, as in drivers.contract.Fault."""

    reason: str
    detail: str


M = TypeVar("M", Hello, Ask, Answer, Happening, Notice)


def encode(message: Hello | Ask | Answer | Happening | Notice) -> bytes:
    """The message as JSON."""
    return msgspec.json.encode(message)


def decode(kind: type[M], payload: bytes) -> M:
    """The message. Raises ValueError for anything else."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"no {kind.__name__}: {error}") from error
