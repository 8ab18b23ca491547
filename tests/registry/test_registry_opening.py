"""Opening the registry: new, old, newer, damaged, shared between processes."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from registry import open_registry
from registry.tables import Table
from telemetry import Device, RegistryError

WRITER = """
import asyncio, sys
from registry import open_registry
from telemetry import Device

async def main():
    async with open_registry(sys.argv[1]) as registry:
        for number in range(20):
            device = Device(id=f"{sys.argv[2]}-{number}", profile="nmea-weather", link="tcp://127.0.0.1:1")
            await registry.devices.create(device, "dinh-vu")

asyncio.run(main())
"""


async def test_the_migrations_make_exactly_the_tables_the_code_describes(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    async with open_registry(path):
        pass
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []
    engine.dispose()


async def test_the_file_survives_a_power_cut_after_every_commit(tmp_path: Path) -> None:
    async with (
        open_registry(tmp_path / "registry.db") as registry,
        registry.gateways._sessions.writing() as s,
    ):
        pragmas = [await s.scalar(text(f"PRAGMA {name}")) for name in ("synchronous", "journal_mode")]
        assert pragmas == [2, "wal"]
        assert await s.scalar(text("PRAGMA foreign_keys")) == 1


async def test_a_registry_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    async with open_registry(path) as registry:
        await registry.gateways.create("dinh-vu")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(RegistryError, match="written by a newer version"):
        async with open_registry(path):
            pass


@pytest.mark.parametrize("content", [b"this is not a database, it is a text\n" * 100, b"\x00" * 8192])
async def test_a_file_that_is_no_registry_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(content)
    with pytest.raises(RegistryError, match="not a registry or is damaged"):
        async with open_registry(path):
            pass
    assert path.read_bytes() == content


async def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="choose a file in a folder this user may write"):
        async with open_registry(tmp_path):
            pass


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "postgresql://127.0.0.1:1/haidang", "nonsense://", "://"]
)
async def test_an_address_that_is_no_registry_is_refused(url: str) -> None:
    with pytest.raises(RegistryError):
        async with open_registry(url):
            pass


async def test_a_server_that_takes_the_connection_and_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("registry.open.CONNECT_TIME", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(RegistryError, match="does not answer"):
            async with open_registry(f"postgresql://user:sesame@127.0.0.1:{port}/haidang"):
                pytest.fail("there is no such registry")


async def test_several_processes_open_a_new_registry_and_write_to_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    async with open_registry(path) as registry:
        await registry.gateways.create("dinh-vu")
        command = [sys.executable, "-c", WRITER, str(path)]
        writers = [
            await asyncio.create_subprocess_exec(*command, name, stderr=subprocess.PIPE) for name in "abc"
        ]
        outputs = [await writer.communicate() for writer in writers]
        assert [writer.returncode for writer in writers] == [0, 0, 0], outputs
        assert len(await registry.devices.list(limit=100)) == 60
        assert (await registry.gateways.get("dinh-vu")).config_version == 60, "no count was lost"


async def test_several_processes_migrate_a_new_registry_at_once(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"

    async def open_and_read() -> int:
        async with open_registry(path) as registry:
            return len(await registry.gateways.list())

    assert await asyncio.gather(*(open_and_read() for _ in range(5))) == [0] * 5


async def test_within_one_process_writers_wait_for_each_other(tmp_path: Path) -> None:
    async with open_registry(tmp_path / "registry.db") as registry:
        await registry.gateways.create("dinh-vu")
        devices = [Device(id=f"d-{n}", profile="p", link="tcp://127.0.0.1:1") for n in range(40)]
        await asyncio.gather(*(registry.devices.create(device, "dinh-vu") for device in devices))
        assert (await registry.gateways.get("dinh-vu")).config_version == 40
