"""Cuts a byte stream into lines with bounded memory: NMEA 0183, AIS and ASCII instruments."""

from dataclasses import dataclass, field

_HEAD = 64


@dataclass(slots=True)
class LineSplitter:
    """Feeds any chunking, yields whole lines without their ends.

    A line longer than `limit` bytes is dropped up to its end and counted in `overlong`;
    lines end with CR, LF or both, or with the one byte `end`; empty ones are left out.
    """

    limit: int = 1024
    end: bytes = b""
    overlong: int = 0
    dropped: list[bytes] = field(default_factory=list[bytes])
    """The first 64 bytes of each line dropped in the last `feed`, as evidence."""
    _rest: bytes = field(default=b"", repr=False)
    _skipping: bool = field(default=False, repr=False)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines completed by `chunk`, in order."""
        if self.dropped:
            self.dropped = []
        *whole, rest = self._cut(self._rest + chunk)
        if whole and self._skipping:
            whole[0] = b""
            self._skipping = False
        lines = [line for line in whole if line and not self._too_long(line)]
        if self._skipping or self._too_long(rest):
            self._skipping, rest = True, b""
        self._rest = rest
        return lines

    def _cut(self, received: bytes) -> list[bytes]:
        return received.split(self.end) if self.end else received.replace(b"\r", b"\n").split(b"\n")

    def clear(self) -> None:
        """Forgets the unfinished line: the link was opened anew."""
        self._rest, self._skipping = b"", False

    def _too_long(self, line: bytes) -> bool:
        if len(line) <= self.limit:
            return False
        self.overlong += 1
        self.dropped.append(line[: min(_HEAD, self.limit)])
        return True
