r"""A log of NMEA or AIS lines to be replayed: its lines, when each was recorded, when each is to be sent.

Times come from tag blocks (`\c:1565218798*53\!BSVDM…`, IEC 61162-450; seconds, or milliseconds with
more than eleven digits) and from `$PGHP` lines (Gatehouse: date, time and milliseconds of what
follows). A line without a time of its own was recorded with the one before it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from telemetry import ConfigurationError

LONGEST_LINE = 64 * 1024
"""Bytes; a longer line is sent in pieces."""

_TAG_TIME = re.compile(rb"\\[^\\]*?\bc:(\d{1,14})\b[^\\]*\\")
_PGHP = re.compile(rb"\$PGHP,\d+,(\d{4}),(\d{1,2}),(\d{1,2}),(\d{1,2}),(\d{1,2}),(\d{1,2}),(\d{1,3}),")


@dataclass(frozen=True, slots=True)
class Log:
    """A recording: a file, or lines in memory. Comments (`#`) and blank lines are left out.

    Iterating reads the file anew and gives every line without its end.
    """

    source: Path | tuple[bytes, ...]

    def __iter__(self) -> Iterator[bytes]:
        """Raises ConfigurationError when the file cannot be read."""
        for line in self._raw():
            text = line.strip()
            if text and not text.startswith(b"#"):
                yield text

    def count(self) -> int:
        """How many lines there are to send."""
        return sum(1 for _ in self)

    def _raw(self) -> Iterator[bytes]:
        if not isinstance(self.source, Path):
            yield from self.source
            return
        try:
            with self.source.open("rb") as file:
                yield from iter(lambda: file.readline(LONGEST_LINE), b"")
        except OSError as error:
            raise ConfigurationError(f"cannot read {self.source}: {error.strerror}") from error


def as_log(source: "Path | str | Iterable[bytes | str]") -> Log:
    """A log from a file's path or from lines."""
    if isinstance(source, (Path, str)):
        return Log(Path(source))
    return Log(tuple(line.encode() if isinstance(line, str) else line for line in source))


def recorded_at(line: bytes) -> float | None:
    """When the line says it was recorded, seconds of UTC since 1970; None when it does not say."""
    tag = _TAG_TIME.match(line)
    if tag:
        digits = tag[1]
        return int(digits) / (1000 if len(digits) > 11 else 1)
    pghp = _PGHP.match(line)
    if not pghp:
        return None
    year, month, day, hour, minute, second, millisecond = map(int, pghp.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, millisecond * 1000, UTC)
    except ValueError:
        return None
    return moment.timestamp()


def at_rate(lines: Iterable[bytes], rate: float) -> Iterator[tuple[float, bytes]]:
    """Each line with the second after the start at which to send it, `rate` lines a second."""
    for number, line in enumerate(lines):
        yield number / rate, line


def at_once(lines: Iterable[bytes]) -> Iterator[tuple[float, bytes]]:
    """Each line without waiting."""
    for line in lines:
        yield 0.0, line


def as_recorded(lines: Iterable[bytes]) -> Iterator[tuple[float, bytes]]:
    """Each line as long after the first time stamp as it was recorded; time that steps back stands still."""
    first: float | None = None
    offset = 0.0
    for line in lines:
        at = recorded_at(line)
        if at is not None:
            first = at if first is None else first
            offset = max(offset, at - first)
        yield offset, line
