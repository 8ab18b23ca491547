"""Short sessions on the database: one to read, one to write, both with the registry's errors."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from registry.errors import Conflict
from telemetry import RegistryError

_WRITES = "haidang_writes"


class Sessions:
    """Where repositories get their sessions and their time (UTC nanoseconds)."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], int]) -> None:
        self._read = engine
        self._write = engine.execution_options(**{_WRITES: True})
        self.now = clock

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession]:
        """A session for queries: one consistent picture. Raises RegistryError."""
        with registry_errors():
            async with AsyncSession(self._read) as session, session.begin():
                yield session

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncSession]:
        """A session whose changes all hold once the block ends, or none does. Raises RegistryError."""
        with registry_errors():
            async with AsyncSession(self._write, expire_on_commit=False) as session, session.begin():
                yield session


def begin_explicitly(engine: AsyncEngine) -> None:
    """Makes SQLite writers take the write lock first: one that starts to write after it has read
    would be refused at once when another process wrote meanwhile, without the wait of busy_timeout.
    """

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine.sync_engine, "begin", begin)


@asynccontextmanager
async def writing_connection(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """A connection in a transaction that holds the write lock from its start."""
    async with engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


@contextmanager
def registry_errors() -> Generator[None]:
    """Turns what the database raises into RegistryError, keeping the cause."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"the registry refuses this change: {error.orig}") from error
    except DBAPIError as error:
        raise RegistryError(f"the registry cannot be used: {error.orig}{_remedy(str(error.orig))}") from error
    except TimeoutError as error:
        raise RegistryError("the registry does not answer; check its server and the way to it") from error
    except (SQLAlchemyError, OSError) as error:
        raise RegistryError(f"the registry cannot be used: {error}") from error


def _remedy(reason: str) -> str:
    remedies = {
        "locked": "; another process holds it for long, try again",
        "readonly": "; make the file and its folder writable for this user",
        "full": "; free space on the disk",
        "not a database": "; the file is not a registry or is damaged: restore it from a backup",
        "malformed": "; the file is damaged: restore it from a backup",
        "unable to open": "; check that its folder exists and is writable for this user",
    }
    return next((remedy for word, remedy in remedies.items() if word in reason), "")
