"""The DuckDB file of the embedded store: opened, mended after a failure, one writer, several readers.

Everything here blocks; `embedded` calls it in threads. `open`, `commit`, `mend` and `close` belong to
one thread; `read` may be called from others at the same time.
"""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import structlog

from stores.contract import Source
from stores.embedded_sql import ADVANCE, FORMAT, LAYOUT, Question
from stores.screening import Kind, Kinds
from telemetry import StoreError, Value

Row = tuple[Value | None, ...]

_COMMITS = Source("", "commits")
"""The row among the watermarks that counts transactions: by it a commit that failed can be judged."""
_READERS_LEAVE = 10.0  # seconds given to interrupted questions before the file is closed under them
log = structlog.get_logger()


class Asking:
    """One question under way; it can be stopped from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._stopped = False

    def ask(self, cursor: duckdb.DuckDBPyConnection, question: Question) -> list[Row]:
        """All rows. Raises duckdb.Error, InterruptException among them when stopped."""
        with self._lock:
            if self._stopped:
                raise duckdb.InterruptException("stopped before it was asked")
            self._cursor = cursor
        try:
            rows: list[Row] = cursor.execute(question.sql, question.parameters).fetchall()
            return rows
        finally:
            with self._lock:
                self._cursor = None

    def stop(self) -> None:
        """Ends the question, at once where DuckDB is busy with it."""
        with self._lock:
            self._stopped = True
            if self._cursor is not None:
                self._cursor.interrupt()


class Database:
    """One file. Raises StoreError from every method, with what to do about it."""

    def __init__(self, file: Path, memory: str, threads: int) -> None:
        self._file = file
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "threads": threads,
            "max_temp_directory_size": "1GB",
            "enable_external_access": False,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
        }
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._asking: set[Asking] = set()
        self._idle = threading.Condition()
        self._broken = False
        self._commits = 0
        self._doubtful = False
        self.kinds: Mapping[str, Kinds] = {}

    @property
    def needs_mending(self) -> bool:
        """Whether `mend` must run before the next question."""
        return self._broken or self._connection is None

    def open(self) -> None:
        """Opens the file, makes it when missing, and learns its columns."""
        connection = _connected(self._file, self._settings)
        try:
            _lay_out(connection, self._file)
            rows = connection.execute("SELECT measurement, name, kind FROM haidang.columns").fetchall()
            kinds: dict[str, dict[str, Kind]] = {}
            for measurement, name, kind in rows:
                kinds.setdefault(measurement, {})[name] = Kind(kind)
            self.kinds, self._commits = kinds, _commits(connection)
        except duckdb.Error as error:
            connection.close()
            raise _unreadable(self._file, error) from error
        except BaseException:
            connection.close()
            raise
        self._connection, self._broken = connection, False

    def close(self) -> None:
        """Stops running questions and closes the file; a second call does nothing."""
        with self._idle:
            connection, self._connection = self._connection, None
            for asking in self._asking:
                asking.stop()
            self._idle.wait_for(lambda: not self._asking, _READERS_LEAVE)
        if connection is not None:
            with suppress(
                duckdb.Error
            ):  # a broken database cannot say goodbye; the file is whole all the same
                connection.close()

    def mend(self) -> None:
        """Opens the file again where a failure made DuckDB give it up."""
        if self.needs_mending:
            self.close()
            self.open()
            log.warning("store.opened_again", file=str(self._file))

    def commit(
        self, work: Callable[[duckdb.DuckDBPyConnection], int], watermarks: Mapping[Source, int]
    ) -> int:
        """Does the work and advances the watermarks in one transaction; gives what the work gives."""
        connection = self._writer()
        number = self._commits + 1
        done = 0
        try:
            with _transaction(connection):
                done = work(connection)
                _advance(connection, {**watermarks, _COMMITS: number})
        except duckdb.Error as error:
            if not self._kept(number):
                raise StoreError(
                    f"the store {self._file} could not take a write ({_first_line(error)}): "
                    "check that its disk has free space; it tries again by itself"
                ) from error
        self._commits = number
        return done

    def checkpoint(self) -> None:
        """Brings the log into the file, so that deleted space can be used again."""
        try:
            self._writer().execute("CHECKPOINT")
        except duckdb.Error as error:
            self._kept(self._commits)
            raise StoreError(f"{self._file} could not be tidied ({_first_line(error)})") from error

    def read(self, asking: Asking, question: Question) -> list[Row]:
        """The rows that answer."""
        try:
            with self._cursor(asking) as cursor:
                return asking.ask(cursor, question)
        except (duckdb.FatalException, duckdb.InternalException) as error:
            self._broken = True
            raise StoreError(f"{self._file} failed and is being opened again; ask again") from error
        except duckdb.Error as error:
            raise StoreError(f"{self._file} could not answer ({_first_line(error)})") from error

    @contextmanager
    def _cursor(self, asking: Asking) -> Generator[duckdb.DuckDBPyConnection]:
        with self._idle:
            if self._connection is None:
                raise StoreError(f"{self._file} is being opened again; ask again")
            cursor = self._connection.cursor()
            self._asking.add(asking)
        try:
            yield cursor
        finally:
            cursor.close()
            with self._idle:
                self._asking.discard(asking)
                self._idle.notify_all()

    def _writer(self) -> duckdb.DuckDBPyConnection:
        self.mend()
        if self._doubtful:
            self._doubtful = False
            raise StoreError(
                f"{self._file} is open again, and it may hold the last write: ask for its watermarks"
            )
        if self._connection is None:
            raise StoreError(f"{self._file} is not open")
        return self._connection

    def _kept(self, number: int) -> bool:
        """Whether transaction `number`, whose commit failed, is in the file nevertheless.

        Leaves the database usable, or to be mended by the next call.
        """
        try:
            if self._connection is not None:
                return _commits(self._connection) >= number
        except duckdb.Error:
            self._doubtful = True
        self.close()
        self.open()
        self._doubtful = False
        return self._commits >= number


def _connected(
    file: Path, settings: dict[str, str | bool | int | float | list[str]]
) -> duckdb.DuckDBPyConnection:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        return duckdb.connect(file, config=settings)
    except OSError as error:
        raise StoreError(f"{file.parent} cannot be used as the store's folder: {error}") from error
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise StoreError(
                f"{file}: another haidang process holds it. The embedded store belongs to one process; "
                'services run apart use InfluxDB ([store] url = "influxdb://…")'
            ) from error
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: duckdb.Error) -> StoreError:
    if "No space left" in str(error):
        return StoreError(
            f"{file} cannot be opened: its disk is full ({_first_line(error)}). Free some space"
        )
    return StoreError(
        f"{file} cannot be read ({_first_line(error)}): it is damaged or another program's. Move it and "
        f"{file.name}.wal away and start again with an empty store; what the gateways still hold comes again"
    )


def _lay_out(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    schemas = {name for (name,) in connection.execute("SELECT schema_name FROM duckdb_schemas()").fetchall()}
    if "haidang" not in schemas:
        if connection.execute("SELECT 1 FROM duckdb_tables()").fetchall():
            raise StoreError(
                f"{file} is a DuckDB file of another program: give the store a folder of its own"
            )
        with _transaction(connection):
            connection.execute(LAYOUT)
            connection.execute("INSERT INTO haidang.about VALUES (?)", [FORMAT])
    ((version,),) = connection.execute("SELECT max(format) FROM haidang.about").fetchall()
    if version != FORMAT:
        raise StoreError(
            f"{file} has format {version} and this haidang reads {FORMAT}: use the haidang that wrote it"
        )


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Generator[None]:
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a failed commit has ended the transaction already
            connection.rollback()
        raise


def _advance(connection: duckdb.DuckDBPyConnection, watermarks: Mapping[Source, int]) -> None:
    gateways, epochs = [source.gateway for source in watermarks], [source.epoch for source in watermarks]
    table = pa.table({"gateway": gateways, "epoch": epochs, "seq": list(watermarks.values())})
    insert_arrow(connection, ADVANCE, table)


def insert_arrow(connection: duckdb.DuckDBPyConnection, sql: str, table: object) -> None:
    """Runs a statement that reads the Arrow table as `incoming`."""
    connection.register("incoming", table)
    try:
        connection.execute(sql)
    finally:
        connection.unregister("incoming")


def _commits(connection: duckdb.DuckDBPyConnection) -> int:
    sql = "SELECT seq FROM haidang.watermarks WHERE gateway = ? AND epoch = ?"
    rows: Sequence[tuple[int]] = connection.execute(sql, list(_COMMITS)).fetchall()
    return rows[0][0] if rows else 0


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
