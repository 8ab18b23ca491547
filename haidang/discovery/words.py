"""Reads what an administrator types for a scan: ranges of unit ids, `name=value` settings."""

import re
from collections.abc import Sequence

import yaml

from telemetry import ConfigurationError

_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


def units(text: str) -> list[int]:
    """Unit ids of `1-247` or `1,2,10-20`, each once, in order as typed. Raises ConfigurationError."""
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 0 <= first <= last <= 255:
            raise ConfigurationError(
                f"{part.strip()!r} is no range of unit ids: write such as 1-32 or 1,2,17; ids are 0 to 255"
            )
        found |= dict.fromkeys(range(first, last + 1))
    return list(found)


def baudrates(text: str) -> list[int]:
    """Baud rates of `9600,4800`. Raises ConfigurationError."""
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdecimal() and 50 <= int(part[:8]) <= 4_000_000):
            raise ConfigurationError(
                f"{part!r} is no baud rate: write such as 9600,19200; they are 50 to 4000000"
            )
    return [int(part) for part in parts]


def settings(pairs: Sequence[str]) -> dict[str, object]:
    """`name=value` each; a value is read as YAML does: numbers, true and false, else text.

    Raises ConfigurationError.
    """
    found: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(f"{pair!r} is no setting: write it as name=value, such as timeout=300ms")
        try:
            found[name.strip()] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{pair!r}: the value cannot be read: {error}") from error
    return found
