"""Brings the registry's tables up to date, by the migrations that come with the package."""

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.sessions import writing_connection
from telemetry import RegistryError


async def migrate(engine: AsyncEngine) -> None:
    """All migrations that the registry lacks, in one transaction. Raises RegistryError for a newer one."""
    async with writing_connection(engine) as connection:
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    with as_file(files("registry") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise RegistryError(
                f"the registry was written by a newer version of Hải Đăng ({error}); install that version"
            ) from error
