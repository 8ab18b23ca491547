"""Finds the line of a key in TOML text, since the standard parser does not tell.

It reads what people write by hand: table headers, arrays of tables and `key = value` lines. A place
inside an inline table or array is given the line of the key that holds it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def line_of(text: str, place: Sequence[str | int]) -> int | None:
    """The 1-based line of the place, or of the nearest thing around it; None where nothing matches."""
    best, depth = None, 0
    for number, path in _paths(text):
        shared = _shared(path, place)
        if shared > depth or (shared == depth and best is None and shared > 0):
            best, depth = number, shared
    return best


def _shared(path: Sequence[str | int], place: Sequence[str | int]) -> int:
    """How many steps the two have in common; 0 when the path leads elsewhere than the place."""
    if len(path) > len(place):
        return 0
    return len(path) if list(path) == list(place[: len(path)]) else 0


def _paths(text: str) -> Iterator[tuple[int, list[str | int]]]:
    table: list[str | int] = []
    counts: Counter[tuple[str | int, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = _indexed(_split(header[2]), counts, appended=header[1] == "[[")
            yield number, table
        elif key := _KEY.match(line):
            yield number, [*table, *_split(key[1])]


def _indexed(
    names: Sequence[str], counts: Counter[tuple[str | int, ...]], *, appended: bool
) -> list[str | int]:
    """The table's path with the running index after every name that is an array of tables."""
    path: list[str | int] = []
    for position, name in enumerate(names):
        path.append(name)
        if appended and position == len(names) - 1:
            counts[tuple(path)] += 1
        if counts[tuple(path)]:
            path.append(counts[tuple(path)] - 1)
    return path


def _split(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
