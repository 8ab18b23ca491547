"""A damaged outbox: it opens without anybody's help, and what can be read of it is kept."""

import random
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.delivery.outbox_file import EMPTY_PACK, OutboxFile
from gateways.delivery.page_scan import PAGE, records
from gateways.delivery.salvage import open_outbox_file
from gateways.delivery.sealing import Pack
from tests.gateways.outboxes import append, everything, numbered_pack, numbers, working

ROWS = 300
WAITING = list(range(10, ROWS))


@pytest.fixture
async def full(tmp_path: Path) -> Path:
    """A cleanly closed outbox: rows 11 to 300 of one reading each wait, and a fact is kept."""
    async with working(tmp_path / "gateway") as outbox:
        await append(outbox, 0, ROWS)
        outbox.acknowledge(outbox.epoch, 10)
        await outbox.keep("configuration", b"kept")
        assert await outbox.flush()
    return tmp_path / "gateway" / "outbox.db"


async def reopened(file: Path) -> tuple[list[int], dict[str, str]]:
    """The numbers of the readings found, once it has proved that it takes and gives on."""
    async with working(file.parent) as outbox:
        rows = await everything(outbox)
        assert [row.seq for row in rows] == list(range(outbox.floor + 1, outbox.last_seq + 1))
        found = numbers(rows)
        await append(outbox, 10_000, 1)
        assert numbers(await everything(outbox))[-1] == 10_000
        return found, outbox.alerts


def pages_of(file: Path) -> int:
    return file.stat().st_size // PAGE


def overwrite(file: Path, place: int, content: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(place)
        opened.write(content)


def place_of(file: Path, content: bytes) -> int:
    return file.read_bytes().index(content)


def cut(file: Path, size: int) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size - size)


def letters(folder: Path) -> list[str]:
    lines = (folder / "dead-letters.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line)["content"] for line in lines]


async def test_an_undamaged_file_opens_as_it_was(full: Path) -> None:
    assert await reopened(full) == (WAITING, {})


async def test_a_zeroed_page_costs_its_own_rows_only(full: Path) -> None:
    on_the_page = 50
    for page in range(1, pages_of(full)):
        damaged = full.parent.with_name(f"damaged-{page}") / "outbox.db"
        shutil.copytree(full.parent, damaged.parent)
        overwrite(damaged, page * PAGE, bytes(PAGE))
        found, alerts = await reopened(damaged)
        assert len(found) >= len(WAITING) - on_the_page
        assert set(found) <= set(WAITING)
        assert "outbox-damaged" in alerts
        assert len(list(damaged.parent.glob("outbox.corrupt-*"))) == 1


async def test_a_lost_first_page_costs_no_row_and_no_fact(full: Path) -> None:
    overwrite(full, 0, bytes(PAGE))
    async with working(full.parent) as outbox:
        assert numbers(await everything(outbox)) == WAITING
        assert outbox.floor == 10
        assert await outbox.kept("configuration") == b"kept"
        assert "0 are lost" in outbox.alerts["outbox-damaged"]


async def test_a_salvaged_file_is_a_new_epoch_and_keeps_its_numbers(full: Path) -> None:
    async with working(full.parent) as outbox:
        before = outbox.epoch
    overwrite(full, 0, bytes(PAGE))
    async with working(full.parent) as outbox:
        assert outbox.epoch != before
        assert [row.seq for row in await everything(outbox)] == list(range(11, ROWS + 1))


async def test_a_truncated_file_keeps_what_is_left(full: Path) -> None:
    cut(full, 3 * PAGE + 1000)
    found, alerts = await reopened(full)
    assert len(found) > ROWS / 3
    assert set(found) <= set(WAITING)
    assert "outbox-damaged" in alerts


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", random.Random(1).randbytes(50_000)])
async def test_a_file_that_is_something_else_is_set_aside_or_begun(full: Path, content: bytes) -> None:
    cut(full, pages_of(full) * PAGE)
    overwrite(full, 0, content)
    assert (await reopened(full))[0] == []


async def test_a_flipped_bit_in_a_row_costs_that_row_alone_and_its_bytes_are_kept(full: Path) -> None:
    # 150 becomes 750: still valid SenML, only the checksum knows
    overwrite(full, place_of(full, b'"v":150') + 4, b"7")
    async with working(full.parent) as outbox:
        rows = await everything(outbox)
        assert [row.seq for row in rows] == list(range(11, ROWS + 1))
        assert [row.seq for row in rows if row.pack == EMPTY_PACK] == [151]
        assert numbers(rows) == [number for number in WAITING if number != 150]
        assert "outbox-damaged" in outbox.alerts
    (letter,) = letters(full.parent)
    assert '"v":750' in letter
    async with working(full.parent) as outbox:
        assert numbers(await everything(outbox)) == [number for number in WAITING if number != 150]
        assert outbox.alerts == {}


async def test_any_damage_anywhere_opens_and_gives_only_what_was_written(full: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    for number in range(40):
        damaged = tmp_path / f"damaged-{number}" / "outbox.db"
        shutil.copytree(full.parent, damaged.parent)
        for _ in range(chance.randint(1, 8)):
            overwrite(damaged, chance.randrange(pages_of(damaged) * PAGE), chance.randbytes(1))
        if number % 3 == 0:
            overwrite(damaged, chance.randrange(pages_of(damaged)) * PAGE, bytes(PAGE))
        found, _ = await reopened(damaged)
        assert found == sorted(set(found))
        assert set(found) <= set(range(ROWS))
        assert len(found) > ROWS / 2


@pytest.mark.parametrize("harm", ["torn", "zeroed", "flipped", "first page too"])
async def test_a_damaged_log_opens_and_keeps_what_was_written_before_the_damage(
    tmp_path: Path, harm: str
) -> None:
    live = OutboxFile(tmp_path / "live.db")
    for number in range(20):
        live.commit([numbered_pack(number)], 0)
    copy = tmp_path / "copy" / "outbox.db"
    copy.parent.mkdir()
    shutil.copy(tmp_path / "live.db", copy)
    log = Path(shutil.copy(tmp_path / "live.db-wal", f"{copy}-wal"))
    live.close()
    place = (pages_of(log) - 2) * PAGE
    if harm == "torn":
        cut(log, PAGE + 100)
    elif harm == "zeroed":
        overwrite(log, place, bytes(PAGE))
    elif harm == "flipped":
        overwrite(log, place, b"\xaa")
    else:
        overwrite(copy, 0, b"x" * PAGE)
    found, _ = await reopened(copy)
    assert found == list(range(len(found)))
    assert len(found) >= (20 if harm == "first page too" else 15)


async def test_damage_that_shows_while_it_runs_is_salvaged_too(tmp_path: Path) -> None:
    file = OutboxFile(tmp_path / "outbox.db")
    long = b'[{"bn":"d/","bt":1,"k":"k","n":"value","v":0},{"n":"text","vs":"%b"}]' % (b"x" * 20_000)
    for _ in range(100):
        file.commit([Pack(long, 1)], 0)
    file.close()
    async with working(tmp_path) as outbox:
        pages = pages_of(tmp_path / "outbox.db")
        for page in range(pages // 2, pages, 3):
            overwrite(tmp_path / "outbox.db", page * PAGE, bytes(PAGE))
        rows = await everything(outbox)
        assert 30 < sum(row.pack != EMPTY_PACK for row in rows) < 100
        assert "outbox-damaged" in outbox.alerts
        await append(outbox, 10_000, 1)
        assert numbers(await everything(outbox))[-1] == 10_000


def test_a_power_cut_during_the_exchange_of_files_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    draft = OutboxFile(tmp_path / "outbox.new")
    draft.commit([Pack(b"[]", 0)], 0)
    draft.close()
    (tmp_path / "outbox.db-wal").write_bytes(b"the log of the damaged file")
    file, salvage = open_outbox_file(path)
    assert (file.rows, salvage) == (1, None)
    file.close()
    assert not (tmp_path / "outbox.new").exists()
    leftover = OutboxFile(tmp_path / "outbox.new")
    leftover.close()
    file, _ = open_outbox_file(path)
    assert file.rows == 1
    file.close()
    assert not (tmp_path / "outbox.new").exists()


def test_the_page_scan_reads_what_sqlite_wrote_whatever_its_size(tmp_path: Path) -> None:
    sizes = [0, 1, 3_900, 4_030, 4_061, 4_062, 4_500, 8_100, 8_200, 100_000, 262_144]
    packs = [Pack(bytes([65 + number]) * size, number) for number, size in enumerate(sizes)]
    file = OutboxFile(tmp_path / "outbox.db")
    file.commit(packs, 0)
    file.close()
    rows = {one.rowid: one.columns for one in records(tmp_path / "outbox.db") if len(one.columns) == 4}
    assert [(rows[seq][1], rows[seq][3]) for seq in sorted(rows)] == [
        (pack.readings, pack.content) for pack in packs
    ]


@settings(max_examples=100, deadline=None)
@given(content=st.lists(st.binary(max_size=300), max_size=6), kind=st.sampled_from([b"\r", b"\x00", b"\x0a"]))
def test_the_page_scan_takes_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: list[bytes], kind: bytes
) -> None:
    file = tmp_path_factory.mktemp("scan") / "any.db"
    file.write_bytes(b"".join((kind + part).ljust(PAGE, part[:1] or b"\xff") for part in content))
    assert all(isinstance(record.rowid, int) for record in records(file))
