"""The names in braces of a profile's topics, paths, conditions and payloads, and what they stand for."""

import re
from collections.abc import Mapping, Set
from typing import Any

from telemetry import ProfileError, Value

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
REQUEST = "request"
ID = "id"


class Names:
    """What each name stands for, for one device.

    Raises ProfileError, when it is filled in, for a name that nobody gave.
    """

    def __init__(self, place: str, given: Mapping[str, str | int]) -> None:
        self._place = place
        self._given = given
        self._used: set[str] = set()

    def fill(self, text: str, later: Set[str] = frozenset()) -> str:
        """The text with the names replaced; those in `later` stay."""

        def replaced(match: re.Match[str]) -> str:
            name = match[1]
            if name in later:
                return match[0]
            if name not in self._given:
                known = ", ".join(sorted({*self._given, *later}))
                raise ProfileError(
                    f"{self._place}: nothing says what {{{name}}} in {text!r} is: "
                    f"give the device settings.{name}; known here are {known}"
                )
            self._used.add(name)
            return str(self._given[name])

        return _NAME.sub(replaced, text)

    def fill_all(self, document: Any, later: Set[str] = frozenset()) -> Any:
        """A JSON document with the names replaced in all its texts, keys included; a text that is one name
        alone becomes a number where the settings give one."""
        if isinstance(document, str):
            alone = _NAME.fullmatch(document)
            value = self._given.get(alone[1]) if alone and alone[1] not in later else None
            filled = self.fill(document, later)
            return value if isinstance(value, int) else filled
        if isinstance(document, dict):
            return {self.fill(str(key), later): self.fill_all(one, later) for key, one in document.items()}
        if isinstance(document, list | tuple):
            return [self.fill_all(one, later) for one in document]
        return document

    def check_used(self, words: Set[str]) -> None:
        """Raises ProfileError where a setting is neither a word of the driver nor a name in the profile."""
        if unused := sorted(self._given.keys() - self._used - {ID}):
            raise ProfileError(
                f"{self._place}: settings: nothing here is called {', '.join(unused)}: the settings are "
                f"{', '.join(sorted(words))}, and in braces {', '.join(sorted(self._used)) or 'none'}"
            )


def given_names(device: str, extra: Mapping[str, str | int]) -> dict[str, str | int]:
    """The names of a device's settings; in them, `{id}` is the device's id."""
    names: dict[str, str | int] = {ID: device}
    for name, value in extra.items():
        names[name] = value.replace("{id}", device) if isinstance(value, str) else value
    return names


def put_in(text: str, values: Mapping[str, Value]) -> str:
    """The text with each value's text in place of its name."""
    return _NAME.sub(lambda match: _text(values[match[1]]) if match[1] in values else match[0], text)


def put_in_all(document: Any, values: Mapping[str, Value]) -> Any:
    """A JSON document with the values in it: a text that is one name alone becomes the value itself."""
    if isinstance(document, str):
        alone = _NAME.fullmatch(document)
        return values[alone[1]] if alone and alone[1] in values else put_in(document, values)
    if isinstance(document, dict):
        return {put_in(str(key), values): put_in_all(one, values) for key, one in document.items()}
    if isinstance(document, list | tuple):
        return [put_in_all(one, values) for one in document]
    return document


def names_in(text: str) -> set[str]:
    """The names that stand in the text."""
    return set(_NAME.findall(text))


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
