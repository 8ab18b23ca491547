"""The embedded store's file: killed, torn, foreign, held by another, on a full disk."""

import asyncio
import os
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from stores.contract import Points
from stores.embedded import FILE, EmbeddedStore
from telemetry import StoreError
from tests.stores.steady_writer import SIZE, SOURCE, START, batch

CHILD = Path(__file__).with_name("steady_writer.py")
WAL = f"{FILE}.wal"
ALWAYS = (0, 2**62)


@contextmanager
def steady_writer(folder: Path) -> "Generator[subprocess.Popen[str]]":
    command = [sys.executable, str(CHILD), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: "subprocess.Popen[str]", enough: int) -> int:
    """Reads until so many batches are acknowledged; gives the last."""
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return max(int(process.stdout.readline()) for _ in range(enough))


def rest(process: "subprocess.Popen[str]") -> list[int]:
    assert process.stdout is not None
    return [int(line) for line in process.stdout.read().split("\n")[:-1]]


async def test_kill_9_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    folder = tmp_path / "series"
    stored = 0
    for _ in range(5):
        with steady_writer(folder) as process:
            last = await asyncio.to_thread(acknowledged, process, chance.randint(1, 40))
            await asyncio.sleep(chance.uniform(0, 0.03))  # waits for nothing: the instant is to be any
            process.kill()
            last = max([last, *await asyncio.to_thread(rest, process)])
        async with EmbeddedStore(folder) as store:
            stored = (await store.watermarks())[SOURCE]
            assert stored in (last, last + 1)
            assert await store.count("load", *ALWAYS) == stored * SIZE
            assert await store.count("load", START + SIZE, START + (stored + 1) * SIZE) == stored * SIZE
    with duckdb.connect(folder / FILE) as file:
        ((times, values),) = file.execute(
            "SELECT count(DISTINCT time), count(DISTINCT f0) FROM load"
        ).fetchall()
    assert times == values == stored * SIZE


async def test_a_torn_log_gives_back_whole_writes_only(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    async with EmbeddedStore(folder) as store:
        for number in range(1, 5):
            await store.write([batch(number)], {SOURCE: number})
        shutil.copytree(folder, tmp_path / "crashed")
    whole = (tmp_path / "crashed" / WAL).stat().st_size
    for index, size in enumerate([whole, whole - 1, whole - 5000, whole // 2, 10_000, 100]):
        torn = tmp_path / f"torn-{index}"
        shutil.copytree(tmp_path / "crashed", torn)
        os.truncate(torn / WAL, size)
        async with EmbeddedStore(torn) as store:
            stored = (await store.watermarks()).get(SOURCE, 0)
            assert await store.count("load", *ALWAYS) == stored * SIZE
            assert stored == 4 if size == whole else stored < 4
            await store.write([batch(stored + 1)], {SOURCE: stored + 1})
            assert await store.count("load", *ALWAYS) == (stored + 1) * SIZE


async def test_a_second_process_is_told_to_use_influxdb(tmp_path: Path) -> None:
    with steady_writer(tmp_path / "series") as process:
        await asyncio.to_thread(acknowledged, process, 1)
        with pytest.raises(StoreError, match=r"another haidang process holds it.*use InfluxDB"):
            async with EmbeddedStore(tmp_path / "series"):
                pass


@pytest.mark.parametrize("content", [b"\0" * 4096, b"SQLite format 3\0" + bytes(8192), os.urandom(40_000)])
async def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreError, match=r"series\.duckdb cannot be read.*Move it"):
        async with EmbeddedStore(tmp_path):
            pass
    assert (tmp_path / FILE).read_bytes() == content


async def complaint(folder: Path) -> str:
    """What the store says of a file when it is opened and read, nothing when it says nothing."""
    try:
        async with EmbeddedStore(folder) as store:
            await store.latest("load", "device", 0)
    except StoreError as error:
        return str(error)
    return ""


async def test_flipped_bits_are_said_to_be_damage_wherever_they_are(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path / "whole") as store:
        for number in range(1, 4):
            await store.write([batch(number)], {SOURCE: number})
    content = (tmp_path / "whole" / FILE).read_bytes()
    complaints: list[str] = []
    for index, place in enumerate(range(100, len(content), 50_000)):
        damaged = tmp_path / f"damaged-{index}"
        damaged.mkdir()
        (damaged / FILE).write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        complaints.append(await complaint(damaged))
    assert any(complaints)  # some flips hit what nothing reads
    assert all("Corrupt" in each or "Move it" in each for each in complaints if each)


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / FILE) as other:
        other.execute("CREATE TABLE theirs (x INTEGER)")
    with pytest.raises(StoreError, match="another program"):
        async with EmbeddedStore(tmp_path):
            pass
    with duckdb.connect(tmp_path / FILE) as other:
        assert other.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("theirs",)]


async def test_a_file_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path):
        pass
    with duckdb.connect(tmp_path / FILE) as file:
        file.execute("UPDATE haidang.about SET format = 2")
    with pytest.raises(StoreError, match="format 2"):
        async with EmbeddedStore(tmp_path):
            pass


async def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used as the store's folder"):
        async with EmbeddedStore(tmp_path / "file" / "series"):
            pass


async def test_only_the_owner_can_look_into_the_folder(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir(mode=0o755)
    async with EmbeddedStore(tmp_path / "series") as store:
        await store.write([batch(1)])
        assert stat.S_IMODE((tmp_path / "series").stat().st_mode) == 0o700


async def test_a_store_opened_again_knows_its_columns(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path) as store:
        await store.write([Points("m", [1], {"device": ["a"]}, {"x": [1.0], "name": ["n"], "on": [True]})])
    async with EmbeddedStore(tmp_path) as store:
        await store.write([Points("m", [2], {"device": ["a"], "site": ["q"]}, {"x": [2], "y": [1.5]})])
        table = await store.latest("m", "device", 0)
        assert table.columns == ("time", "device", "site", "name", "on", "x", "y")
        assert list(table.rows) == [(2, "a", "q", "n", True, 2.0, 1.5)]
        assert len(await store.write([Points("m", [3], {}, {"name": [1.0]})])) == 1


async def test_the_log_stays_small_while_points_pour_in(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path) as store:
        largest = 0
        for number in range(1, 101):
            await store.write([batch(number)], {SOURCE: number})
            largest = max(largest, (tmp_path / WAL).stat().st_size if (tmp_path / WAL).exists() else 0)
        assert 0 < largest < 32 * 2**20
        assert await store.count("load", *ALWAYS) == 100 * SIZE


async def test_the_space_of_forgotten_points_is_used_again(tmp_path: Path) -> None:
    sizes: list[int] = []
    async with EmbeddedStore(tmp_path) as store:
        for turn in range(4):
            for number in range(turn * 30 + 1, turn * 30 + 31):
                await store.write([batch(number)], {SOURCE: number})
            assert await store.delete_before(START + (turn * 30 + 31) * SIZE) == 30 * SIZE
            sizes.append((tmp_path / FILE).stat().st_size)
    assert max(sizes) < 2 * sizes[0]


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Generator[None]:
    """A file system of its own; without the right to mount one the test is skipped, under CI it fails."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("cannot mount a tmpfs: run as root")
        pytest.skip("needs root, to mount a small tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def enlarge(folder: Path, megabytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(folder)], check=True)


async def test_a_full_disk_refuses_and_resumes_by_itself(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, 14):
        async with EmbeddedStore(disk / "series") as store:
            stored = 0
            for megabytes in (24, 34, 200):  # first the log finds no room, then the file
                stored = await filled(store, stored)
                for _ in range(2):
                    with pytest.raises(StoreError):
                        await store.write([batch(stored + 1)], {SOURCE: stored + 1})
                assert await store.watermarks() == {SOURCE: stored}
                assert await store.count("load", *ALWAYS) == stored * SIZE
                enlarge(disk, megabytes)
                stored = await written_at_last(store, stored + 1)
        async with EmbeddedStore(disk / "series") as store:
            assert await store.watermarks() == {SOURCE: stored}
            assert await store.count("load", *ALWAYS) == stored * SIZE


async def filled(store: EmbeddedStore, stored: int) -> int:
    """Writes until the disk is full; gives the last batch that found room."""
    while True:
        try:
            await store.write([batch(stored + 1)], {SOURCE: stored + 1})
        except StoreError as error:
            if "free space" not in str(error) and "disk is full" not in str(error):
                raise
            return stored
        stored += 1


async def written_at_last(store: EmbeddedStore, number: int) -> int:
    """As ingest does: after a failure ask for the watermark, then write what is missing."""
    for _ in range(5):
        try:
            await store.write([batch(number)], {SOURCE: number})
            return number
        except StoreError:
            if (await store.watermarks()).get(SOURCE) == number:
                return number
    pytest.fail("space returned and the store did not resume")
