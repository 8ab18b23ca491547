"""Which of a device's settings are secret: shown as `***`, and kept when they come back so."""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, cast

HIDDEN = "***"
_SECRET = re.compile(r"pass(word|wd|phrase|code)|secret|token|psk|(^|_)key$|credential", re.IGNORECASE)


def shown_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as people and logs may see them."""
    return {name: HIDDEN if _is_secret(name, value) else _shown(value) for name, value in settings.items()}


def unhidden_settings(given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The settings given, with the secrets that were shown as `***` as they were known."""
    return {
        name: known[name] if value == HIDDEN and name in known else _unhidden(value, known.get(name))
        for name, value in given.items()
    }


def _is_secret(name: str, value: object) -> bool:
    return isinstance(value, str) and value != "" and _SECRET.search(name) is not None


def _shown(value: object) -> object:
    if isinstance(value, Mapping):
        return shown_settings(cast("Mapping[str, Any]", value))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_shown(one) for one in cast("Sequence[object]", value)]
    return value


def _unhidden(value: object, known: object) -> object:
    if isinstance(value, Mapping) and isinstance(known, Mapping):
        return unhidden_settings(cast("Mapping[str, Any]", value), cast("Mapping[str, Any]", known))
    if isinstance(value, list) and isinstance(known, list):
        return [
            _unhidden(one, before)
            for one, before in zip_longest(cast("list[object]", value), cast("list[object]", known))
        ][: len(cast("list[object]", value))]
    return value
