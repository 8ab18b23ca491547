"""Opens an outbox whatever state its file is in: what is damaged is set aside, the readable rows move on.

The damaged file stays beside the new one as `outbox.corrupt-<time>`. At any instant of the exchange
a power cut leaves either the damaged file in its place or a whole new one to adopt. The new file is a
new epoch; rows keep their numbers, and an empty batch stands for each that is lost.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateways.delivery.outbox_file import OutboxFile, Row, fact_from, row_from
from gateways.delivery.page_scan import records
from gateways.errors import OutboxBrokenError

_AT_ONCE = 200  # rows

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Salvage:
    """What became of a damaged outbox: batches rescued, and lost as far as their numbers tell."""

    set_aside: Path
    rescued: int
    lost: int


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
    facts = dict(_facts(path))
    floor = int(facts.get("floor", b"0"))
    new = OutboxFile(draft)
    page: list[Row] = []
    for row in _sound_rows(path):
        if row.seq > floor:
            page.append(row)
        if len(page) >= _AT_ONCE:
            new.adopt(page)
            page.clear()
    new.adopt(page)
    rescued = new.rows
    new.settle(floor)
    if "configuration" in facts:
        new.keep("configuration", facts["configuration"])
    salvage = Salvage(_exchange(path, new, draft), rescued, new.rows - rescued)
    log.error("outbox.salvaged", rescued=rescued, lost=salvage.lost, set_aside=str(salvage.set_aside))
    return OutboxFile(path), salvage


def _exchange(path: Path, new: OutboxFile, draft: Path) -> Path:
    new.close()
    aside = _set_aside(path)
    _move(draft, path)
    return aside


def _sound_rows(path: Path) -> Iterator[Row]:
    for record in records(path):
        if len(record.columns) == 4:
            row = row_from(record.rowid, record.columns[3], record.columns[1], record.columns[2])
            if row.sound:
                yield row


def _facts(path: Path) -> Iterator[tuple[str, bytes]]:
    """The newest of each fact."""
    found = sorted(
        (record for record in records(path) if len(record.columns) == 3), key=lambda one: one.rowid
    )
    for record in found:
        name, value, digest = record.columns
        if isinstance(name, str) and isinstance(value, bytes) and fact_from(name, value, digest) is not None:
            yield name, value


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
