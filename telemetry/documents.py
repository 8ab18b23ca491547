"""A YAML document that knows where each of its keys stands, so that a mistake is told with its line.

Aliases, tags and a second document are refused (nobody needs them here, and a few aliases can stand for
gigabytes), nesting ends at 20, and a key written twice is a mistake. Source: YAML 1.2, core schema (10.3).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, cast

import yaml
from pydantic import ValidationError

from telemetry.errors import ConfigurationError

Path = tuple[str | int, ...]
"""Where in a document: keys and indexes from the top, as in ("metrics", 2, "unit")."""

DEEPEST = 20
LARGEST = 256 * 1024
"""Bytes of a document that are read at most; the largest device model known takes a tenth."""

_PARSER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_WORDS: Mapping[str, object] = {"": None, "~": None} | {
    spelt: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelt in (word, word.capitalize(), word.upper())
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_BASED = re.compile(r"0(?:o[0-7]{1,400}|x[0-9a-fA-F]{1,400})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,400}|[0-9]{1,400}(?:\.[0-9]{0,400})?)(?:[eE][-+]?[0-9]{1,5})?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Spot:
    """A line and a column, both counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """A document's content as plain dicts, lists and scalars, and the spot of every key and item.

    repeated: a sentence for each key that is written twice; the later one counts.
    """

    file: str
    content: object = None
    spots: dict[Path, Spot] = field(default_factory=dict[Path, Spot])
    repeated: list[str] = field(default_factory=list[str])

    def spot(self, path: Path) -> Spot:
        """Where this place is, or the nearest around it."""
        while path not in self.spots and path:
            path = path[:-1]
        return self.spots.get(path, Spot(1, 1))

    def where(self, path: Path) -> str:
        """`file:line:column` of this place, as editors and terminals understand it."""
        spot = self.spot(path)
        return f"{self.file}:{spot.line}:{spot.column}"


def read_document(text: str, file: str, *, typed: bool = True) -> Document:
    """The one document of a text.

    typed: whether plain scalars become numbers, true, false and null as in YAML 1.2 (`no`, `on` and
    `1:30` are texts); without it every scalar is a text. Raises ConfigurationError with file, line and
    column for what is no YAML, or YAML that is refused.
    """
    if len(text) > LARGEST:
        raise ConfigurationError(f"{file}:1:1: {len(text):,} characters, at most {LARGEST:,} are read")
    document = Document(file)
    try:
        document.content = _Reader(document, text, typed).whole()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise ConfigurationError(f"{file}:{place}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{file}:1:1: not YAML: {' '.join(str(error).split())}") from error
    return document


class _Reader:
    """Builds a document from the parser's events, one after another."""

    def __init__(self, document: Document, text: str, typed: bool) -> None:
        self._document, self._typed = document, typed
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_PARSER))

    def whole(self) -> object:
        content = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refusal(event, "one document a file: leave out what follows ---")
                content = self._node(next(self._events), ())
        return content

    def _node(self, event: Any, path: Path) -> object:
        self._document.spots.setdefault(path, _spot(event))
        if isinstance(event, yaml.AliasEvent):
            raise self._refusal(event, "aliases (*name) are not used here: write it out")
        if event.tag is not None:
            raise self._refusal(event, f"tags ({event.tag}) are not used here: leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if len(path) >= DEEPEST:
            raise self._refusal(event, f"nested deeper than {DEEPEST} levels")
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _sequence(self, path: Path) -> list[object]:
        items: list[object] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[Any, object]:
        mapping: dict[Any, object] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refusal(event, "a key is a word, not a list, a mapping or an alias")
            key = self._scalar(event)
            inner = (*path, cast("str", key))
            self._document.spots[inner] = _spot(event)
            if key in mapping:
                what = f"key {event.value[:40]!r} is written twice; keep one"
                self._document.repeated.append(f"{self._document.where(inner)}: {what}")
            mapping[key] = self._node(next(self._events), inner)
        return mapping

    def _scalar(self, event: Any) -> Any:
        return plain_scalar(event.value) if self._typed and event.implicit[0] else event.value

    def _refusal(self, event: Any, problem: str) -> yaml.MarkedYAMLError:
        return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _spot(event: Any) -> Spot:
    return Spot(event.start_mark.line + 1, event.start_mark.column + 1)


def plain_scalar(text: str) -> object:
    """What a scalar without quotes means in YAML 1.2's core schema: null, true, 12, 0x1F, 1.5, text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float(special[1] + "inf" if special[2] else "nan")
    return text


def wrong_keys(error: ValidationError, known: Collection[str] = ()) -> Iterator[tuple[Path, str]]:
    """Every mistake that a model found: its place below the model's own, and what is wrong there.

    known: the keys there are at the top, for "did you mean".
    """
    for each in error.errors():
        place: Path = tuple(
            key for key in each["loc"] if not (isinstance(key, str) and key[:1] in {"<", "["})
        )
        text = each["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        if each["type"] == "extra_forbidden":
            text = unknown_key(str(place[-1]), known if len(place) == 1 else ())
        elif each["type"] == "missing":
            text = "is missing"
        yield place, text


def unknown_key(key: str, known: Collection[str]) -> str:
    """What is wrong with a key nobody knows: the nearest that is known, or all there are."""
    if near := get_close_matches(key, known, 1):
        return f"is not a key here; did you mean {near[0]}?"
    return "is not a key here" + (f"; there are {', '.join(known)}" if known else "")


def named(place: Path, text: str) -> str:
    """What is wrong, after the keys that lead there: `title.vi: is missing`."""
    key = ".".join(map(str, place))
    return f"{key}: {text}" if key else text
