"""Payloads of MQTT messages: JSON strictly read, plain text, and the bytes that a text carries."""

import base64
import binascii
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from drivers.mqtt_json.paths import shown
from drivers.mqtt_json.words import Bytes
from telemetry import HaidangError

LONGEST_PAYLOAD = 256 * 1024
LONGEST_BYTES = 4096
_WHOLE = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint24": 3, "int24": 3, "uint32": 4, "int32": 4}
_FLOAT = {"float32": "f", "float64": "d"}


class PayloadError(HaidangError):
    """Something in a payload that is not what the profile says. reason: the Fault's word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class _DuplicateKeyError(ValueError):
    pass


def decode(payload: bytes, *, plain: bool) -> object:
    """The payload as JSON; where only the payload itself is wanted (`plain`), else as text.

    Raises PayloadError: `overlong`, `deep`, `duplicate_key`, `not_json`.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise PayloadError("overlong", f"{len(payload)} bytes, at most {LONGEST_PAYLOAD} are read")
    try:
        document: object = msgspec.json.decode(payload)
        if isinstance(document, dict | list):
            json.loads(payload, object_pairs_hook=_distinct)
    except RecursionError as error:
        raise PayloadError("deep", "nested too deeply") from error
    except _DuplicateKeyError as error:
        raise PayloadError("duplicate_key", str(error)) from error
    except ValueError as error:  # of msgspec, of json, and of UTF-8
        if plain:
            return _plain_text(payload)
        raise PayloadError("not_json", f"not JSON: {error}") from error
    return document


def bytes_in(found: object, encoding: str) -> bytes:
    """The bytes that a text carries. Raises PayloadError."""
    if not isinstance(found, str) or len(found) > 2 * LONGEST_BYTES:
        raise PayloadError("value", f"{shown(found)} is not {encoding}")
    try:
        return bytes.fromhex(found) if encoding == "hex" else base64.b64decode(found, validate=True)
    except (ValueError, binascii.Error) as error:
        raise PayloadError("value", f"{shown(found)} is not {encoding}: {error}") from error


def number_in(payload: bytes, field: Bytes, channels: Mapping[str, int]) -> float | int | None:
    """The number this field describes; None where the payload ends before it, or it is not there this time.

    Raises PayloadError for a channel before it whose length nobody told.
    """
    if field.channel:
        wanted = field.channel.lower()
        found = next((value for name, value in _channels(payload, channels) if name == wanted), None)
        if found is None:
            return None
        payload = found
    only = field.only
    if only and (len(payload) <= only.at or payload[only.at] & only.mask != only.equals):
        return None
    return _number_at(payload, field)


def _number_at(payload: bytes, field: Bytes) -> float | int | None:
    if code := _FLOAT.get(field.type):
        form = (">" if field.order == "big" else "<") + code
        if len(payload) < field.at + struct.calcsize(form):
            return None
        return float(struct.unpack_from(form, payload, field.at)[0])
    raw = payload[field.at : field.at + _WHOLE[field.type]]
    if len(raw) < _WHOLE[field.type]:
        return None
    whole = int.from_bytes(raw, field.order, signed=field.type.startswith("int"))
    return whole if field.mask is None else (whole & field.mask) >> field.shift


def _channels(payload: bytes, lengths: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    place, width = 0, len(next(iter(lengths), "")) // 2
    while width and place + width <= len(payload):
        channel = payload[place : place + width].hex()
        if channel not in lengths:
            raise PayloadError(
                "channel", f"channel {channel} at byte {place} is not in the profile's channels"
            )
        place += width
        yield channel, payload[place : place + lengths[channel]]
        place += lengths[channel]


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({key for key, _ in pairs}) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _DuplicateKeyError(f"the key {twice[:48]!r} stands twice in one object")


def _plain_text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError("not_json", f"neither JSON nor text: {error}") from error
