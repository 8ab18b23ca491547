"""How gpsd, pyais and libais write what a message says, in the terms of ours."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vessels.decoding import Decoder
from vessels.fields import Text
from vessels.layouts import LAYOUTS, Column
from vessels.messages import Message, PositionReport

SUPPORTED = frozenset(number for layout in LAYOUTS for number in layout.types)
_COLUMNS = {layout.message: layout.columns for layout in LAYOUTS}
_SAME = {
    "nav_status": "status",
    "sog": "speed",
    "accurate": "accuracy",
    "cog": "course",
    "manoeuvre": "maneuver",
    "state": "radio",
    "call_sign": "callsign",
    "altitude": "alt",
    "carrier_sense": "cs",
    "whole_band": "band",
    "message_22": "msg22",
    "virtual": "virtual_aid",
    "late": "gnss",
}
"""Our field → what all three call it."""
_GPSD = _SAME | {"ship_type": "shiptype", "aid_status": "regional"}
_PYAIS = _SAME | {
    "type": "msg_type",
    "name": "shipname",
    "part": "partno",
    "vendor": "vendorid",
    "aid_status": "reserved_1",
    "eta_month": "month",
    "eta_day": "day",
    "eta_hour": "hour",
    "eta_minute": "minute",
}
_CLOCK = ("year", "month", "day", "hour", "minute", "second")
_ETA = ("eta_month", "eta_day", "eta_hour", "eta_minute")
NOT_IN_PYAIS = frozenset({"long_range", "barometric"})
_ABSENT_PARTS = {"year": 0, "month": 0, "day": 0, "hour": 24, "minute": 60, "second": 60}


def decoded(lines: Iterable[str]) -> tuple[list[Message], Decoder]:
    """What these lines of one station say, heard within one instant."""
    decoder = Decoder()
    return [message for line in lines if (message := decoder.decode("station", line, 0))], decoder


def columns(message: Message) -> Sequence[Column]:
    """The fields of its table."""
    return _COLUMNS[type(message)]


def as_gpsd(message: Message) -> dict[str, Any]:
    """Our values as the integers of their bits and as texts, under gpsd's names."""
    clock = _CLOCK if message.type in (4, 11) else _ETA if message.type == 5 else ()
    shown: dict[str, Any] = {}
    for column in columns(message):
        if column.name not in clock:
            shown[_GPSD.get(column.name, column.name)] = _raw(column, getattr(message, column.name))
    if message.type in (5, 19, 24) and "name" in shown:
        shown["shipname"] = shown.pop("name")
    if clock:
        parts = [_part(message, name) for name in clock]
        time = f"T{parts[-3]:02}:{parts[-2]:02}:{parts[-1]:02}Z"
        if message.type == 5:
            shown["eta"] = f"{parts[0]:02}-{parts[1]:02}T{parts[2]:02}:{parts[3]:02}Z"
        else:
            shown["timestamp"] = f"{parts[0]:04}-{parts[1]:02}-{parts[2]:02}{time}"
    return shown


def _part(message: Message, name: str) -> int:
    value = getattr(message, name)
    return _ABSENT_PARTS[name.removeprefix("eta_")] if value is None else value


def _raw(column: Column, value: object) -> object:
    if isinstance(value, str | bool):
        return value
    if value is None and isinstance(column.kind, Text):
        return ""
    raw = column.kind.encode(value)
    negative = column.name in ("lon", "lat", "turn") and raw >> (column.kind.width - 1)
    return raw - (1 << column.kind.width) if negative else raw


def scaled(message: Message) -> dict[str, Any]:
    """Our values as gpsd scales them, without those that are not available."""
    shown = {_GPSD.get(name, name): getattr(message, name) for name in message._fields}
    if isinstance(message, PositionReport):
        shown["turn"] = _turn(message)
    if message.type in (5, 19, 24):
        shown["shipname"] = shown.pop("name", None)
    return {name: value for name, value in shown.items() if value is not None}


def _turn(message: PositionReport) -> object:
    if message.turning is not None:
        return {"port": "fastleft", "starboard": "fastright"}[message.turning]
    rate = message.rate_of_turn
    return "n/a" if rate is None else round(rate)


def unavailable(name: str, value: Any, number: int) -> bool:
    """Whether M.1371 calls this value "not available", or leaves it without a meaning."""
    if isinstance(value, str):
        return value == ""
    fastest = {9: 1023, 27: 63}.get(number, 102.3)
    clock = {"year": (1, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59)}
    ranges = clock | {
        "lon": (-180, 180),
        "lat": (-90, 90),
        "sog": (0, fastest - 0.05),
        "cog": (0, 359.95),
        "heading": (0, 359),
        "altitude": (0, 4094),
        "ship_type": (1, 255),
        "imo": (1, 1 << 30),
        "draught": (0.1, 25.5),
    }
    if name == "second":
        return value == 60 or (number in (4, 11) and value > 60)
    least, most = ranges.get(name.removeprefix("eta_"), (value, value))
    return not least <= value <= most


def from_pyais(message: Message, name: str, theirs: Mapping[str, Any]) -> Any:
    """What pyais says of our field, with its known faults mended and "not available" as None."""
    value = theirs.get("name" if message.type == 21 and name == "name" else _PYAIS.get(name, name))
    if name == "name" and message.type == 21 and theirs["name_ext"]:
        value = str(value).ljust(20) + theirs["name_ext"]
    if isinstance(value, str):
        value = value.partition("@")[0].strip()
    return None if value is None or unavailable(name, value, message.type) else value
