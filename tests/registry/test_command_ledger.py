"""The ledger of commands: written once, ended once, still there after a restart."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from registry import CommandEnd, CommandEntry, Conflict, Registry, open_registry
from registry import commands as ledger
from telemetry import Command, Device, Reply


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    async with open_registry(tmp_path / "registry.db") as opened:
        yield opened


def entry(command_id: str, device: str = "cam", asked_at: int = 1_000) -> CommandEntry:
    command = Command(
        command_id, device, "move", {"pan": -0.5, "steps": 3, "slow": True, "to": "gate"}, 5_000
    )
    return CommandEntry(command, "quay", "trực ban An", "127.0.0.1", asked_at)


def end(command_id: str, reason: str = "", gateway: str = "quay", replied_at: int = 2_000) -> CommandEnd:
    reply = Reply(command_id, "cam", reason, "as told" if reason else "", {} if reason else {"pan": 1.5})
    return CommandEnd(gateway, reply, replied_at)


async def test_a_command_is_in_the_ledger_before_and_after_its_end_also_when_reopened(tmp_path: Path) -> None:
    async with open_registry(tmp_path / "registry.db") as registry:
        await registry.commands.record(entry("one"))
        (written,) = await registry.commands.list("cam")
        assert (written.command, written.by, written.address) == (
            entry("one").command,
            "trực ban An",
            "127.0.0.1",
        )
        assert written.replied_at is None
    async with open_registry(tmp_path / "registry.db") as registry:
        await registry.commands.complete([end("one")])
        (ended,) = await registry.commands.list("cam")
        assert (ended.replied_at, ended.reason, ended.values) == (2_000, "", {"pan": 1.5})


async def test_the_first_end_stands_and_no_other_gateway_can_give_it(registry: Registry) -> None:
    await registry.commands.record(entry("one"))
    await registry.commands.complete([end("one", gateway="yard"), end("unknown")])
    assert (await registry.commands.list("cam"))[0].replied_at is None
    await registry.commands.complete([end("one", "timeout"), end("one", replied_at=9_000)])
    (ended,) = await registry.commands.list("cam")
    assert (ended.replied_at, ended.reason, ended.detail, ended.values) == (2_000, "timeout", "as told", {})


async def test_a_reply_with_a_character_no_database_has_is_kept_without_it(registry: Registry) -> None:
    await registry.commands.record(entry("one"))
    reply = Reply("one", "cam", "refused", "no\0thing", {"said": "\0"})
    await registry.commands.complete([CommandEnd("quay", reply, 2_000)])
    (ended,) = await registry.commands.list("cam")
    assert (ended.detail, ended.values) == ("no\ufffdthing", {"said": "\0"})


async def test_what_still_waits_for_its_end_is_found_newest_first(registry: Registry) -> None:
    for name in ("one", "two", "three"):
        await registry.commands.record(entry(name))
    await registry.commands.complete([end("two", "timeout")])
    waiting = await registry.commands.unanswered(4_999, 10)
    assert [one.command.id for one in waiting] == ["three", "one"]
    assert [one.command.id for one in await registry.commands.unanswered(4_999, 1)] == ["three"]
    assert await registry.commands.unanswered(5_000, 10) == []


async def test_what_is_much_older_than_the_newest_is_forgotten_a_part_at_a_time(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "FORGOTTEN_AT_ONCE", 2)
    assert not await registry.commands.forget()
    for number in range(3):
        await registry.commands.record(entry(f"old-{number}", asked_at=number))
    assert not await registry.commands.forget()
    await registry.commands.record(entry("kept", asked_at=3))
    await registry.commands.record(entry("newest", asked_at=ledger.KEPT + 3))
    assert await registry.commands.forget()
    assert not await registry.commands.forget()
    assert [one.command.id for one in await registry.commands.list("cam")] == ["newest", "kept"]


async def test_an_id_is_used_once(registry: Registry) -> None:
    await registry.commands.record(entry("one"))
    with pytest.raises(Conflict):
        await registry.commands.record(entry("one"))


async def test_a_devices_commands_come_newest_first_in_pages(registry: Registry) -> None:
    for number in range(7):
        await registry.commands.record(entry(f"c-{number}"))
        await registry.commands.record(entry(f"other-{number}", "other"))
    seen: list[str] = []
    before: int | None = None
    while page := await registry.commands.list("cam", limit=3, before=before):
        seen += [one.command.id for one in page]
        before = page[-1].number
    assert seen == [f"c-{number}" for number in reversed(range(7))]


async def test_a_registry_of_the_version_before_keeps_its_devices_and_gets_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    device = Device(id="meter", profile="eastron-sdm630", link="tcp://127.0.0.1:502")
    async with open_registry(path) as registry:
        await registry.gateways.create("quay")
        await registry.devices.create(device, "quay")
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE commands")
        database.execute("ALTER TABLE devices DROP COLUMN settings")
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    async with open_registry(path) as registry:
        assert (await registry.devices.get("meter")).device == device
        await registry.commands.record(entry("one"))
        assert len(await registry.commands.list("cam")) == 1
