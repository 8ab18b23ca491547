"""kill -9 between a firing and its message, in real processes: the message is sent by the next one."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry import NotificationState, open_registry
from tests.alerts.provider import Webhook, webhook

PROCESS = [sys.executable, str(Path(__file__).parent / "notifier_process.py")]


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as server:
        yield server


@contextmanager
def process(what: str, path: Path, channel: str) -> "Generator[subprocess.Popen[bytes]]":
    """The process, killed with SIGKILL at the end of the block."""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [*PROCESS, what, str(path), channel], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=root
    ) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGKILL)


async def states(path: Path) -> list[tuple[NotificationState, int]]:
    async with open_registry(path) as registry:
        return [(one.state, one.attempts) for one in await registry.notifications.list(1)]


def test_killed_after_the_firing_was_recorded_the_next_process_sends_it(
    tmp_path: Path, hook: Webhook
) -> None:
    path = tmp_path / "registry.db"
    with process("record", path, hook.url) as recorder:
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == b"recorded\n"
    assert recorder.returncode == -signal.SIGKILL
    assert asyncio.run(states(path)) == [(NotificationState.PENDING, 0)]
    with process("send", path, hook.url):
        received = hook.received.get(timeout=20)
    assert "Gió mạnh tại cầu cảng" in received["message"]


def test_killed_while_sending_the_next_process_sends_it_again_and_it_is_recognisable(
    tmp_path: Path, hook: Webhook
) -> None:
    path = tmp_path / "registry.db"
    with process("record", path, hook.url) as recorder:
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == b"recorded\n"
    hook.answers.put("drip")
    with process("send", path, hook.url) as sender:
        first = hook.received.get(timeout=20)
    assert sender.returncode == -signal.SIGKILL
    assert asyncio.run(states(path)) == [(NotificationState.SENDING, 1)]
    with process("send", path, hook.url):
        second = hook.received.get(timeout=20)
    assert first == second
    assert "Sự cố số 1" in second["message"]
    assert "Incident 1" in second["message"]
