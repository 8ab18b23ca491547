"""Reads table rows straight off the pages of a damaged SQLite file, whatever state its trees are in.

Source: the SQLite database file format, sections 1.6 (b-tree pages), 1.7 (overflow), 2.1 (records)
and 4.1 (write-ahead log). Nothing here is trusted by itself: every row carries its own checksum.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PAGE = 4096  # bytes; SQLite's default, and never set otherwise here
LARGEST_ROW = 1 << 20  # bytes
_TABLE_LEAF = 0x0D
_MOST_LOCAL = PAGE - 35
_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LOG_HEADER, _FRAME_HEADER = 32, 24

Value = int | bytes | str | None


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it stands on a page."""

    rowid: int
    columns: tuple[Value, ...]


class Pages:
    """The pages of a database file, newer ones from its log in their place."""

    def __init__(self, file: BinaryIO, log: Mapping[int, bytes]) -> None:
        self._file = file
        self._log = log
        size = file.seek(0, 2)
        self.count = max([-(-size // PAGE), *log])

    def page(self, number: int) -> bytes:
        """A page by its number, from 1; empty where the file is too short."""
        if number in self._log:
            return self._log[number]
        if not 1 <= number <= self.count:
            return b""
        self._file.seek((number - 1) * PAGE)
        return self._file.read(PAGE).ljust(PAGE, b"\0")


def records(path: Path) -> Iterator[Record]:
    """Every row on every leaf page that can be read; rows deleted long ago may be among them."""
    log = _log_pages(Path(f"{path}-wal"))
    with path.open("rb") as file:
        pages = Pages(file, log)
        for number in range(1, pages.count + 1):
            yield from _rows_of(pages.page(number), pages)


def _log_pages(path: Path) -> dict[int, bytes]:
    """The newest committed version of each page, as far as the log's running checksum holds."""
    content = path.read_bytes() if path.exists() else b""
    pending: dict[int, bytes] = {}
    committed: dict[int, bytes] = {}
    if len(content) < _LOG_HEADER or content[:3] != b"\x37\x7f\x06":
        return committed
    order = ">" if content[3] & 1 else "<"
    sums = _running_sum(content[:24], (0, 0), order)
    for start in range(_LOG_HEADER, len(content) - _FRAME_HEADER - PAGE + 1, _FRAME_HEADER + PAGE):
        number, size, *salt, first, second = struct.unpack_from(">6I", content, start)
        page = content[start + _FRAME_HEADER : start + _FRAME_HEADER + PAGE]
        sums = _running_sum(content[start : start + 8] + page, sums, order)
        if sums != (first, second) or salt != list(struct.unpack_from(">2I", content, 16)):
            break
        pending[number] = page
        if size:
            committed.update(pending)
            pending.clear()
    return committed


def _running_sum(content: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = sums
    for one, other in struct.iter_unpack(f"{order}2I", content):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def _rows_of(page: bytes, pages: Pages) -> Iterator[Record]:
    if len(page) < PAGE or page[0] != _TABLE_LEAF:
        return
    (cells,) = struct.unpack_from(">H", page, 3)
    for (place,) in struct.iter_unpack(">H", page[8 : min(8 + 2 * cells, PAGE)]):
        try:
            yield _record(page, place, pages)
        except (IndexError, ValueError):
            continue


def _record(page: bytes, place: int, pages: Pages) -> Record:
    size, place = _varint(page, place)
    rowid, place = _varint(page, place)
    if not 0 < size <= LARGEST_ROW:
        raise ValueError("no row of ours is that large")
    return Record(rowid, _columns(_payload(page, place, size, pages)))


def _payload(page: bytes, place: int, size: int, pages: Pages) -> bytes:
    if size <= _MOST_LOCAL:
        return page[place : place + size]
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE - 4)
    local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
    parts = [page[place : place + local]]
    following, left = page[place + local : place + local + 4], size - local
    while left > 0:
        overflow = pages.page(int.from_bytes(following))
        if not overflow:
            raise ValueError("the row's continuation is not there")
        parts.append(overflow[4 : 4 + left])
        following, left = overflow[:4], left - (PAGE - 4)
    return b"".join(parts)


def _columns(payload: bytes) -> tuple[Value, ...]:
    header_size, place = _varint(payload, 0)
    here = header_size
    columns: list[Value] = []
    while place < header_size:
        kind, place = _varint(payload, place)
        value, here = _value(payload, here, kind)
        columns.append(value)
    return tuple(columns)


def _value(payload: bytes, place: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, place
    if kind in {8, 9}:
        return kind - 8, place
    size = _INTEGER_SIZES.get(kind, (kind - 12) // 2)
    content = payload[place : place + size]
    if size < 0 or len(content) < size:
        raise ValueError("the row is cut short")
    if kind in _INTEGER_SIZES:
        return int.from_bytes(content, signed=True), place + size
    return (content if kind % 2 == 0 else content.decode("utf-8")), place + size


def _varint(content: bytes, place: int) -> tuple[int, int]:
    number = 0
    for offset in range(8):
        byte = content[place + offset]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, place + offset + 1
    return number << 8 | content[place + 8], place + 9
