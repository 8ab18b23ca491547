"""The outbox's file: SQLite, WAL, synchronous=FULL. Used from one thread; who calls it waits.

Every row and every fact carries a checksum, because SQLite checks its pages' structure and not what
is in them.
"""

import os
import secrets
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

from gateways.delivery.page_scan import PAGE
from gateways.delivery.reserve import Reserve
from gateways.delivery.sealing import Pack
from gateways.errors import OutboxBrokenError, OutboxUnwritableError
from telemetry import ConfigurationError, HaidangError

EMPTY_PACK = b"[]"
FULL = "the disk is full: make room, and the gateway goes on by itself"
OPEN_TIME = 5.0  # seconds a process that is still ending may hold the file
_SCHEMA = """
CREATE TABLE batch (seq INTEGER PRIMARY KEY,
  readings INTEGER NOT NULL, digest BLOB NOT NULL, pack BLOB NOT NULL);
CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL, digest BLOB NOT NULL);
"""
_PRAGMAS = (
    "PRAGMA locking_mode=EXCLUSIVE",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=256",
    "PRAGMA journal_size_limit=1048576",
    "PRAGMA cache_size=-512",
)
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_ERROR}


@dataclass(frozen=True, slots=True)
class Row:
    """A sealed batch that waits. sound: false where its checksum does not fit what was read."""

    seq: int
    pack: bytes
    readings: int
    sound: bool = True


class OutboxFile:
    """An open file. Every method raises OutboxUnwritableError or OutboxBrokenError.

    epoch: this file's life. floor: everything up to this number was receipted and has left.
    last_seq: the highest number given. rows, size: batches that wait, and their bytes.
    """

    def __init__(self, path: Path) -> None:
        """Opens or makes it. Raises ConfigurationError while another process has it open."""
        with _translated():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._reserve = Reserve(path.with_suffix(".reserve"))
            self._connection = sqlite3.connect(
                path, timeout=OPEN_TIME, isolation_level=None, check_same_thread=False
            )
        try:
            with _translated():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)
        if not self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            self._create()
        self._reserve.hold()
        found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise OutboxBrokenError(f"the outbox is damaged: {found}")
        self.epoch = self._needed_fact("epoch").decode("ascii", "replace")
        self.floor = int(self._needed_fact("floor"))
        self.last_seq = self.floor
        self._measure()

    def _measure(self) -> None:
        sums = "SELECT count(*), coalesce(sum(length(pack)), 0), coalesce(max(seq), 0) FROM batch"
        self.rows, self.size, highest = self._connection.execute(sums).fetchone()
        self.last_seq = max(self.last_seq, highest)

    def _create(self) -> None:
        with self._transaction():
            for statement in filter(None, map(str.strip, _SCHEMA.split(";"))):
                self._connection.execute(statement)
            self._put_fact("epoch", secrets.token_hex(8).encode())
            self._put_fact("floor", b"0")

    def commit(self, packs: Sequence[Pack], through: int) -> None:
        """Removes what is receipted up to `through` and adds the packs, both on disk when it returns."""
        gone = self._count_through(through)
        self._check_room(packs)
        with _translated(), self._transaction():
            if through > self.floor:
                self._connection.execute("DELETE FROM batch WHERE seq <= ?", (through,))
                self._put_fact("floor", b"%d" % through)
            for seq, pack in enumerate(packs, self.last_seq + 1):
                row = (seq, pack.readings, _digest(b"%d" % seq, pack.content), pack.content)
                self._connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", row)
        self.floor = max(self.floor, through)
        self.last_seq += len(packs)
        self.rows += len(packs) - gone[0]
        self.size += sum(len(pack.content) for pack in packs) - gone[1]

    def make_room(self) -> None:
        """The disk is full: gives up what was held in reserve, so that rows can still be removed."""
        self._reserve.give_up()
        with _translated():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def adopt(self, rows: Sequence[Row]) -> None:
        """Rows of another file, under the numbers they had there."""
        with _translated(), self._transaction():
            for row in rows:
                columns = (row.seq, row.readings, _digest(b"%d" % row.seq, row.pack), row.pack)
                self._connection.execute("INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?)", columns)
            self._measure()

    def settle(self, floor: int) -> None:
        """After adopting: an empty batch for every number missing above the floor, 0 if it is not known."""
        with _translated(), self._transaction():
            found = [int(seq) for (seq,) in self._connection.execute("SELECT seq FROM batch ORDER BY seq")]
            floor = floor or (found[0] - 1 if found else 0)
            for seq in _missing(floor, found):
                columns = (seq, 0, _digest(b"%d" % seq, EMPTY_PACK), EMPTY_PACK)
                self._connection.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", columns)
            self._put_fact("floor", b"%d" % floor)
            self._measure()
        self.floor = floor
        self.last_seq = max(self.last_seq, floor)

    def page(self, after: int, limit: int) -> list[Row]:
        """The next rows behind this number, in order."""
        query = "SELECT seq, pack, readings, digest FROM batch WHERE seq > ? ORDER BY seq LIMIT ?"
        with _translated():
            return [row_from(*found) for found in self._connection.execute(query, (after, limit))]

    def blank(self, seq: int) -> None:
        """Empties a row that cannot be trusted; its number stays, so that the centre misses none."""
        digest = _digest(b"%d" % seq, EMPTY_PACK)
        with _translated():
            self._connection.execute(
                "UPDATE batch SET pack = ?, digest = ?, readings = 0 WHERE seq = ?", (EMPTY_PACK, digest, seq)
            )
            self._measure()

    def renew(self) -> None:
        """Begins a new epoch with all that waits; numbers go on."""
        epoch = secrets.token_hex(8)
        with _translated(), self._transaction():
            self._put_fact("epoch", epoch.encode())
        self.epoch = epoch

    def keep(self, name: str, value: bytes) -> None:
        """Keeps a fact beside the batches."""
        with _translated(), self._transaction():
            self._put_fact(name, value)

    def kept(self, name: str) -> bytes | None:
        """A fact kept earlier; None when there is none or its checksum does not fit."""
        with _translated():
            return self._fact(name)

    def close(self) -> None:
        """Closes it; the log is folded in."""
        with _translated():
            self._connection.close()

    def _check_room(self, packs: Sequence[Pack]) -> None:
        """While the disk has no room to spare, only what fits in pages that are free already."""
        if not packs or self._reserve.hold():
            return
        needed = sum(len(pack.content) // PAGE + 2 for pack in packs) + 16
        with _translated():
            free = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
        if free < needed:
            raise OutboxUnwritableError("disk-full", FULL)

    def _count_through(self, through: int) -> tuple[int, int]:
        sums = "SELECT count(*), coalesce(sum(length(pack)), 0) FROM batch WHERE seq <= ?"
        with _translated():
            count, size = self._connection.execute(sums, (through,)).fetchone()
        return int(count), int(size)

    def _needed_fact(self, name: str) -> bytes:
        value = self._fact(name)
        if value is None:
            raise OutboxBrokenError(f"the outbox is damaged: it does not know its {name}")
        return value

    def _fact(self, name: str) -> bytes | None:
        query = "SELECT value, digest FROM fact WHERE name = ?"
        found = self._connection.execute(query, (name,)).fetchone()
        return None if found is None else fact_from(name, bytes(found[0]), found[1])

    def _put_fact(self, name: str, value: bytes) -> None:
        row = (name, value, _digest(name.encode(), value))
        self._connection.execute("INSERT OR REPLACE INTO fact VALUES (?, ?, ?)", row)

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _missing(floor: int, found: Sequence[int]) -> Generator[int]:
    for before, behind in pairwise((floor, *found)):
        yield from range(before + 1, behind)


def row_from(seq: int, pack: object, readings: object, digest: object) -> Row:
    """A row as the table has it, its checksum compared."""
    content = pack if isinstance(pack, bytes) else str(pack).encode()
    sound = digest == _digest(b"%d" % seq, content) and isinstance(readings, int)
    return Row(seq, content, readings if isinstance(readings, int) else 0, sound)


def fact_from(name: str, value: bytes, digest: object) -> bytes | None:
    """A fact as the table has it; None when its checksum does not fit."""
    return value if digest == _digest(name.encode(), value) else None


def _digest(name: bytes, content: bytes) -> bytes:
    return blake2b(content, digest_size=8, key=name).digest()


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _meaning(error) from error
    except (UnicodeDecodeError, ValueError) as error:
        raise OutboxBrokenError(f"the outbox is damaged: {error}") from error
    except OSError as error:
        raise OutboxUnwritableError("disk-error", f"the outbox cannot be opened: {error}") from error


def _meaning(error: sqlite3.Error) -> HaidangError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ConfigurationError(
            "another process uses this gateway's folder: stop it, or give this gateway a folder of its own"
        )
    if code in _BROKEN:
        return OutboxBrokenError(f"the outbox is damaged: {error}")
    if code == sqlite3.SQLITE_FULL:
        return OutboxUnwritableError(
            "disk-full", "the disk is full: make room, and the gateway goes on by itself"
        )
    return OutboxUnwritableError("disk-error", f"the disk does not take what the outbox writes: {error}")
