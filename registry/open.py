"""Opens the registry: the file or the server, its newest tables, and the repositories on them."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from registry.commands import CommandLedger
from registry.devices import DeviceRepository
from registry.file import prepare_file
from registry.gateways import GatewayRepository
from registry.incidents import IncidentPolicy, IncidentRepository
from registry.migrate import migrate
from registry.notifications import NotificationRepository
from registry.sessions import Sessions, begin_explicitly, registry_errors
from telemetry import RegistryError

_PRAGMAS = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
CONNECT_TIME = 10.0  # seconds a PostgreSQL server may take to let us in
ANSWER_TIME = 30.0  # seconds it may take for any one statement
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


@dataclass(frozen=True, slots=True)
class Registry:
    """The platform's relational facts, by repository."""

    gateways: GatewayRepository
    devices: DeviceRepository
    incidents: IncidentRepository
    notifications: NotificationRepository
    commands: CommandLedger


@asynccontextmanager
async def open_registry(
    where: str | Path,
    *,
    policy: IncidentPolicy | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> AsyncGenerator[Registry]:
    """The registry at a path (SQLite) or a URL (`sqlite:///path`, `postgresql://user:password@host/name`).

    Makes the file and its tables, or brings the tables up to date. Several processes may have it open.
    clock: UTC nanoseconds. Raises RegistryError.
    """
    url = _url(where)
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(prepare_file, Path(url.database or ""))
    engine = _engine(url)
    try:
        with registry_errors():
            await migrate(engine)
        sessions = Sessions(engine, clock)
        yield Registry(
            gateways=GatewayRepository(sessions),
            devices=DeviceRepository(sessions),
            incidents=IncidentRepository(sessions, policy or IncidentPolicy()),
            notifications=NotificationRepository(sessions),
            commands=CommandLedger(sessions),
        )
    finally:
        await engine.dispose()


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite+aiosqlite", database=str(where))
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise RegistryError("the registry's address is not a URL; write a path or postgresql://…") from error
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        raise RegistryError(f"no registry on {backend}; write a path, sqlite:///path or postgresql://…")
    return url.set(drivername=_DRIVERS[backend])


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    try:
        times = {"timeout": CONNECT_TIME, "command_timeout": ANSWER_TIME}
        return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=times)
    except ImportError as error:
        raise RegistryError("PostgreSQL needs asyncpg: pip install 'haidang[postgresql]'") from error


def _sqlite(url: URL) -> AsyncEngine:
    logging.getLogger("aiosqlite").setLevel(logging.INFO)  # below that it logs values: links have passwords
    engine = create_async_engine(
        url, hide_parameters=True, connect_args={"isolation_level": None, "timeout": 10.0}
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    begin_explicitly(engine)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
