"""kill -9 at random instants: what was said to be accepted is there, in order, without gaps."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.gateways.outboxes import everything, numbers, working

ROUNDS = 6


async def test_nothing_accepted_is_lost_by_kill_nine(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    kept = 0
    for _ in range(ROUNDS):
        accepted = kept + fill_and_kill(tmp_path, kept, chance.uniform(0.1, 0.5))
        async with working(tmp_path) as outbox:
            assert not outbox.alerts
            found = numbers(await everything(outbox))
        assert len(found) >= accepted > kept
        assert found == list(range(len(found)))
        kept = len(found)


def fill_and_kill(folder: Path, first: int, seconds: float) -> int:
    """How many readings the process had said were accepted when it was killed."""
    command = [sys.executable, "-m", "tests.gateways.outbox_process", str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not int(process.stdout.readline()):
            pass
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().splitlines()
    return int(said[-1]) if said else 1
