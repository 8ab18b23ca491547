"""The SQLite file of a registry: made for its owner only, and set to write-ahead logging."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from telemetry import RegistryError

_PATIENCE = 10.0
"""Seconds to wait for another process that is at the same step."""


def prepare_file(path: Path) -> None:
    """Makes the file if there is none. Its -wal and -shm files get its mode from SQLite.

    Blocks for as long as another process holds the file, 10 seconds at most. Raises RegistryError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise RegistryError(
            f"{path}: {error.strerror}; choose a file in a folder this user may write"
        ) from error
    deadline = time.monotonic() + _PATIENCE
    while not _log_ahead(path, last_try=time.monotonic() > deadline):
        time.sleep(0.02)


def _log_ahead(path: Path, *, last_try: bool) -> bool:
    """Whether the file is in WAL mode now. SQLite does not wait by itself for the lock this takes."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.OperationalError as error:
        if last_try or "locked" not in str(error):
            raise RegistryError(f"{path}: {error}; close what holds it, or check the disk") from error
        return False
    except sqlite3.DatabaseError as error:
        raise RegistryError(
            f"{path}: {error}; it is not a registry or is damaged: restore it from a backup"
        ) from error
    return True
