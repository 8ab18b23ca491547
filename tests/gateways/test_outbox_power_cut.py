"""Power cuts: the disk as it was at an instant opens and holds every accepted reading."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.gateways.outboxes import everything, numbers, working
from tests.servers import need

ROUNDS = 4
SIZE = 16 << 20  # bytes


@contextmanager
def mounted(image: Path, folder: Path) -> Generator[Path]:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop,commit=300", str(image), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A disk in a file. What was not flushed to the disk is not in the file."""
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("CI runs as root, and the power-cut test needs it")
        pytest.skip("needs root to mount a disk")
    file = tmp_path / "disk"
    with file.open("wb") as opened:
        opened.truncate(SIZE)
    subprocess.run([need("mkfs.ext4", "e2fsprogs"), "-q", str(file)], check=True)
    return file


def disks_at_power_cuts(image: Path, folder: Path) -> Generator[tuple[Path, int]]:
    """Copies of the disk at random instants, each with how many readings were accepted by then."""
    chance = random.Random(20261122)
    said = folder / "said"
    with mounted(image, folder / "live") as disk, said.open("wb") as output:
        command = [sys.executable, "-m", "tests.gateways.outbox_process", str(disk), "0"]
        with subprocess.Popen(command, stdout=output) as process:
            try:
                for number in range(ROUNDS):
                    before = said.stat().st_size
                    while said.stat().st_size == before:
                        time.sleep(0.01)
                    time.sleep(chance.uniform(0, 0.4))
                    process.send_signal(signal.SIGSTOP)
                    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
                        time.sleep(0.001)
                    copy = Path(shutil.copy(image, folder / f"disk-{number}"))
                    yield copy, int(said.read_bytes().split()[-1])
                    process.send_signal(signal.SIGCONT)
            finally:
                process.kill()


async def test_nothing_accepted_is_lost_by_a_power_cut(image: Path, tmp_path: Path) -> None:
    seen = []
    with closing(disks_at_power_cuts(image, tmp_path)) as disks:
        for disk, accepted in disks:
            with mounted(disk, tmp_path / "after") as folder:
                async with working(folder) as outbox:
                    assert "outbox-damaged" not in outbox.alerts
                    found = numbers(await everything(outbox))
            assert len(found) >= accepted
            assert found == list(range(len(found)))
            seen.append(accepted)
    assert seen == sorted(set(seen))
