"""The outbox: accepted means on disk, leaves only on a receipt, bounded, never silent."""

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from gateways.delivery import outbox_file
from gateways.delivery.outbox import Outbox
from gateways.delivery.outbox_file import OutboxFile
from gateways.delivery.sealing import LARGEST_PACK, MOST_READINGS, Pack, Unsendable, seal_readings
from telemetry import ConfigurationError, Reading
from tests.gateways.outbox_process import EPOCH, numbered
from tests.gateways.outboxes import append, everything, numbers, working
from tests.waiting import until


async def test_what_is_appended_is_accepted_once_on_disk_and_comes_out_in_order(tmp_path: Path) -> None:
    async with working(tmp_path) as outbox:
        outbox.append([numbered(number) for number in range(2_500)])
        assert outbox.accepted == 0
        await until(lambda: outbox.accepted == 2_500)
        rows = await everything(outbox)
        assert numbers(rows) == list(range(2_500))
        assert [row.seq for row in rows] == [1, 2, 3]
        assert outbox.backlog == (3, sum(len(row.pack) for row in rows))
        assert outbox.changed.is_set()


async def test_rows_leave_on_a_receipt_and_numbers_never_come_again(tmp_path: Path) -> None:
    async with working(tmp_path) as outbox:
        epoch = outbox.epoch
        await append(outbox, 0, 5)
        outbox.acknowledge(epoch, 3)
        assert outbox.floor == 3
        await until(lambda: outbox.backlog[0] == 2)
        outbox.acknowledge(epoch, 5)
        await until(lambda: outbox.backlog == (0, 0))
    async with working(tmp_path) as outbox:
        assert (outbox.epoch, outbox.floor, outbox.last_seq) == (epoch, 5, 5)
        await append(outbox, 5, 1)
        assert [row.seq for row in await everything(outbox)] == [6]


@pytest.mark.parametrize("seq", [-1, 0, 1, 6, 2**63])
async def test_a_receipt_that_says_nothing_new_removes_nothing(tmp_path: Path, seq: int) -> None:
    async with working(tmp_path) as outbox:
        await append(outbox, 0, 5)
        outbox.acknowledge(outbox.epoch, 1)
        assert await outbox.flush()
        outbox.acknowledge(outbox.epoch, seq)
        outbox.acknowledge("another", 4)
        assert await outbox.flush()
        assert numbers(await everything(outbox)) == [1, 2, 3, 4]


async def test_a_clean_stop_commits_what_waits_and_the_receipts(tmp_path: Path) -> None:
    async with working(tmp_path) as outbox:
        await append(outbox, 0, 2)
        outbox.acknowledge(outbox.epoch, 1)
        outbox.append([numbered(2)])
    async with working(tmp_path) as outbox:
        assert numbers(await everything(outbox)) == [1, 2]
        assert outbox.floor == 1


async def test_the_file_is_its_owners_alone_and_belongs_to_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_file, "OPEN_TIME", 0.1)
    folder = tmp_path / "gateway"
    async with working(folder) as outbox:
        await append(outbox, 0, 1)
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with pytest.raises(ConfigurationError, match="another process uses"):
            OutboxFile(folder / "outbox.db")


async def test_at_its_limit_the_newest_are_refused_and_nothing_accepted_is_thrown_away(
    tmp_path: Path,
) -> None:
    async with working(tmp_path, limit=2_000) as outbox:
        accepted = 0
        while outbox.backlog[1] < 2_000:
            await append(outbox, accepted, 10, size=10)
            accepted += 10
        outbox.append([numbered(-1), numbered(-2)])
        assert outbox.refused == {"outbox-full": 2}
        assert "outbox-full" in outbox.alerts
        assert numbers(await everything(outbox)) == list(range(accepted))
        outbox.acknowledge(outbox.epoch, outbox.last_seq)
        await until(lambda: not outbox.alerts)
        await append(outbox, accepted, 1)
        assert outbox.refused == {"outbox-full": 2}


async def test_memory_before_the_commit_is_bounded(tmp_path: Path) -> None:
    async with working(tmp_path, waiting_limit=10) as outbox:
        for number in range(15):
            outbox.append([numbered(number)])
        assert outbox.refused == {"overload": 5}
        await until(lambda: outbox.accepted == 10)
        await append(outbox, 10, 1)
        assert numbers(await everything(outbox)) == list(range(11))


async def test_who_brings_readings_is_told_to_hold_back_well_before_they_are_refused(tmp_path: Path) -> None:
    async with working(tmp_path, waiting_limit=10) as outbox:
        assert [outbox.append([numbered(number)]) for number in range(5)] == [True] * 4 + [False]
        assert outbox.refused == {}
        await until(lambda: outbox.accepted == 5)
        assert outbox.append([numbered(5)])


async def test_a_reading_that_cannot_be_sent_goes_alone_to_the_dead_letters(tmp_path: Path) -> None:
    async with working(tmp_path) as outbox:
        poison = Reading("counter", "test", 1, {"value": float("nan")})
        outbox.append([numbered(0), poison, numbered(1)])
        await until(lambda: outbox.accepted == 2)
        assert numbers(await everything(outbox)) == [0, 1]
        assert outbox.refused == {"unsendable": 1}
    letters = (tmp_path / "dead-letters.jsonl").read_bytes().splitlines()
    assert "only finite numbers" in msgspec.json.decode(letters[0])["reason"]
    assert len(letters) == 1


def test_readings_are_sealed_in_as_few_packs_as_fit() -> None:
    long = [Reading("d", "k", number, {"text": "x" * 1_000}) for number in range(600)]
    packs = [one for one in seal_readings(long) if isinstance(one, Pack)]
    assert sum(pack.readings for pack in packs) == 600
    assert max(len(pack.content) for pack in packs) <= LARGEST_PACK
    assert len(packs) == 4
    narrow = list(seal_readings([numbered(number) for number in range(2_001)]))
    assert [pack.readings for pack in narrow if isinstance(pack, Pack)] == [MOST_READINGS, MOST_READINGS, 1]
    huge = Reading("d", "k", 1, {"text": "x" * LARGEST_PACK})
    (refused,) = seal_readings([huge])
    assert isinstance(refused, Unsendable)
    assert "message holds" in refused.reason


async def test_a_fact_is_kept_beside_the_batches(tmp_path: Path) -> None:
    async with working(tmp_path) as outbox:
        assert await outbox.kept("configuration") is None
        await outbox.keep("configuration", b"one")
        await outbox.keep("configuration", b"two")
    async with working(tmp_path) as outbox:
        assert await outbox.kept("configuration") == b"two"


async def test_a_new_epoch_keeps_what_waits_and_its_numbers(tmp_path: Path) -> None:
    async with working(tmp_path) as outbox:
        await append(outbox, 0, 3)
        outbox.acknowledge(outbox.epoch, 1)
        assert await outbox.flush()
        before = outbox.epoch
        await outbox.renew()
        assert outbox.epoch != before
        assert [row.seq for row in await everything(outbox)] == [2, 3]
        assert outbox.floor == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("CI runs as root, and the disk-full tests need it")
        pytest.skip("needs root to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def wide(number: int) -> Reading:
    """The reading with this number, and a long text."""
    return Reading("counter", "test", EPOCH + number, {"value": number, "text": "x" * 500})


async def _fill_up(outbox: Outbox, accepted: int) -> int:
    """Appends until the disk refuses; returns how many readings were appended."""
    while not outbox.alerts:
        outbox.append([wide(number) for number in range(accepted, accepted + 500)])
        accepted += 500
        await outbox.flush()
    return accepted


async def test_a_full_disk_refuses_and_goes_on_by_itself_when_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    async with working(small_disk, waiting_limit=2_000) as outbox:
        appended = await _fill_up(outbox, 0)
        assert "disk is full" in outbox.alerts["disk-full"]
        assert numbers(await everything(outbox)) == list(range(outbox.accepted))
        refused = 2_001 - (appended - outbox.accepted)
        outbox.append([wide(-1)] * refused)
        assert outbox.refused == {"disk-full": refused}
        ballast.unlink()
        await until(lambda: not outbox.alerts)
        assert outbox.accepted == appended
        assert numbers(await everything(outbox)) == list(range(appended))


async def test_a_disk_filled_by_the_backlog_itself_drains_by_receipts(small_disk: Path) -> None:
    async with working(small_disk, waiting_limit=2_000) as outbox:
        appended = await _fill_up(outbox, 0)
        rows = await everything(outbox)
        for row in rows[: len(rows) // 2]:
            outbox.acknowledge(outbox.epoch, row.seq)
        await until(lambda: not outbox.alerts and outbox.accepted == appended)
        for row in await everything(outbox):
            outbox.acknowledge(outbox.epoch, row.seq)
        await append(outbox, 0, 10)
        assert outbox.refused == {}


async def test_a_gateway_starts_on_a_full_disk_and_what_it_holds_can_be_sent(small_disk: Path) -> None:
    async with working(small_disk, waiting_limit=2_000) as outbox:
        await _fill_up(outbox, 0)
    accepted = outbox.accepted
    (small_disk / "outbox.reserve").unlink()
    _fill(small_disk / "ballast")
    async with working(small_disk) as outbox:
        rows = await everything(outbox)
        assert numbers(rows) == list(range(accepted))
        outbox.append([wide(accepted)])
        await until(lambda: "disk-full" in outbox.alerts)
        (small_disk / "ballast").unlink()
        await until(lambda: outbox.accepted == 1)


def _fill(file: Path) -> None:
    with suppress(OSError), file.open("wb", buffering=0) as opened:
        while opened.write(bytes(4096)):
            pass
