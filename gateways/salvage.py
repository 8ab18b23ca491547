"""Opens an outbox whatever state its file is in: what is damaged is set aside, the readable rows move on.

The damaged file stays beside the new one as `outbox.corrupt-<time>`. At any instant of the exchange
a power cut leaves either the damaged file in its place or a whole new one to adopt.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateways.errors import OutboxBrokenError
from gateways.outbox_file import OutboxFile, Row, row_from
from gateways.sealing import Pack

MOST_PROBES = 1_000_000
_PAGE = 4096  # bytes, SQLite's default and ours
_COLUMNS = "SELECT seq, pack, readings, digest FROM batch"
_AT_ONCE = 200  # rows

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Salvage:
    """What became of a damaged outbox. unsound: rows whose checksum did not fit."""

    set_aside: Path
    rescued: int
    unsound: tuple[Row, ...]


def open_outbox_file(path: Path) -> tuple[OutboxFile, Salvage | None]:
    """The outbox, and what was salvaged if it had to be.

    Raises OutboxUnwritableError when the disk refuses, ConfigurationError while another process has it.
    """
    draft = path.with_suffix(".new")
    if draft.exists() and not path.exists():
        _move(draft, path)
    elif not path.exists():
        _set_aside(path)
    _remove(draft)
    try:
        return OutboxFile(path), None
    except OutboxBrokenError as error:
        log.error("outbox.damaged", file=str(path), reason=str(error))
    return _rebuild(path, draft)


def _rebuild(path: Path, draft: Path) -> tuple[OutboxFile, Salvage]:
    unsound: list[Row] = []
    new = OutboxFile(draft)
    packs: list[Pack] = []
    for row in _readable_rows(path):
        if not row.sound:
            unsound.append(row)
            continue
        packs.append(Pack(row.pack, row.readings))
        if len(packs) >= _AT_ONCE:
            new.commit(packs, 0)
            packs.clear()
    new.commit(packs, 0)
    rescued = new.rows
    new.close()
    aside = _set_aside(path)
    _move(draft, path)
    log.error("outbox.salvaged", rescued=rescued, unsound=len(unsound), set_aside=str(aside))
    return OutboxFile(path), Salvage(aside, rescued, tuple(unsound))


def _readable_rows(path: Path) -> Iterator[Row]:
    """Every row that can still be reached; from a copy with a whole first page if the file's own is lost."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"{_COLUMNS} LIMIT 0")
            yield from _rows(connection)
            return
    except sqlite3.Error as error:
        log.warning("outbox.first_page_lost", reason=str(error))
    copy = path.with_suffix(".copy")
    try:
        _copy_with_first_page(path, copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            yield from _rows(connection)
    except (sqlite3.Error, OSError) as error:
        log.warning("outbox.unreadable", reason=str(error))
    finally:
        _remove(copy)


def _rows(connection: sqlite3.Connection) -> Iterator[Row]:
    """Forwards until a page fails, one by one up to where the pages are whole again, and on to the end."""

    def found(condition: str, *numbers: int) -> Iterator[Row]:
        with suppress(sqlite3.Error):
            for columns in connection.execute(f"{_COLUMNS} {condition}", numbers):
                yield row_from(*columns)

    reached = 0
    for row in found("ORDER BY seq"):
        reached = row.seq
        yield row
    whole_from = _whole_from(connection, reached)
    for seq in range(reached + 1, min(whole_from, reached + MOST_PROBES)):
        yield from found("WHERE seq = ?", seq)
    yield from found("WHERE seq > ? AND seq >= ? ORDER BY seq", reached, whole_from)


def _whole_from(connection: sqlite3.Connection, reached: int) -> int:
    """From which number on nothing is missing, going backwards from the end."""
    lowest = reached
    with suppress(sqlite3.Error):
        query = "SELECT seq FROM batch WHERE seq > ? ORDER BY seq DESC"
        for found in connection.execute(query, (reached,)):
            lowest = int(found[0])
    return lowest


def _copy_with_first_page(path: Path, copy: Path) -> None:
    """The layout of our tables never changes, so a new file's first page serves where the old is lost."""
    template = path.with_suffix(".template")
    OutboxFile(template).close()
    page = bytearray(template.read_bytes()[:_PAGE])
    _remove(template)
    shutil.copyfile(path, copy)
    pages = -(-path.stat().st_size // _PAGE)
    page[28:32] = pages.to_bytes(4)
    page[32:40] = bytes(8)  # no free pages
    with copy.open("r+b") as file:
        file.write(page)


def _set_aside(path: Path) -> Path:
    """Renames the file, and its log with it; a log alone must not be taken for a new file's."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.stem}.corrupt-{stamp}")
    while aside.exists() or Path(f"{aside}-wal").exists():
        aside = path.with_name(f"{aside.name}-again")
    if path.exists():
        path.rename(aside)
    if (wal := Path(f"{path}-wal")).exists():
        wal.rename(f"{aside}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return aside


def _move(source: Path, target: Path) -> None:
    """In place, and still so after a power cut."""
    _set_aside(target)
    source.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _remove(path: Path) -> None:
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
