"""Logs under a flood: few lines, and what they leave out is told."""

import json
import logging
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog

from haidang.logs import LINES_A_MINUTE, MOST_EVENTS, Sparing, configure_logs


@pytest.fixture
def log(tmp_path: Path) -> Generator[Path]:
    """The file the logs go to, until the test is over."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    file = tmp_path / "haidang.log"
    configure_logs(file)
    yield file
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def events(file: Path) -> list[str]:
    return [json.loads(line)["event"] for line in file.read_text("utf-8").splitlines()]


def test_a_flood_of_one_event_leaves_few_lines_and_hides_no_other(log: Path) -> None:
    for number in range(10_000):
        structlog.get_logger().warning("ingest.status_unreadable", reason=str(number))
    structlog.get_logger().error("ingest.store_refuses", reason="down")
    assert events(log) == ["ingest.status_unreadable"] * LINES_A_MINUTE + ["ingest.store_refuses"]


def test_one_device_that_floods_the_log_does_not_silence_the_others(log: Path) -> None:
    for device in ["mast"] * 1_000 + ["meter"]:
        structlog.get_logger().warning("device.fault", device=device)
    assert [json.loads(line)["device"] for line in log.read_text("utf-8").splitlines()].count("meter") == 1


def test_a_library_that_floods_is_held_back_too(log: Path) -> None:
    for number in range(1_000):
        logging.getLogger("mqtt").warning("queue is full: %d", number)
    assert len(events(log)) == LINES_A_MINUTE


def test_a_connection_that_breaks_is_no_error_of_the_program(log: Path) -> None:
    logging.getLogger("mqtt").error("failed to receive on socket: %s", "reset")
    assert [json.loads(line)["level"] for line in log.read_text("utf-8").splitlines()] == ["warning"]


def record(message: object) -> logging.LogRecord:
    return logging.LogRecord("test", logging.WARNING, "", 0, message, (), None)


def test_the_next_minute_begins_with_how_many_lines_were_held_back() -> None:
    now = [0.0]
    sparing = Sparing(2, lambda: now[0])
    assert [sparing.filter(record({"event": "e"})) for _ in range(5)] == [True, True, False, False, False]
    now[0] = 60.0
    later = record({"event": "e"})
    assert sparing.filter(later)
    assert later.msg == {"event": "e", "held_back": 3}
    plain = record("text")
    assert [sparing.filter(record("text")) for _ in range(3)] == [True, True, False]
    now[0] = 120.0
    assert sparing.filter(plain)
    assert plain.getMessage() == "text (1 more like this were held back)"


def test_events_without_number_cost_bounded_memory() -> None:
    sparing = Sparing(1, lambda: 0.0)
    passed = sum(sparing.filter(record(f"event {number}")) for number in range(2 * MOST_EVENTS))
    assert passed == 2 * MOST_EVENTS
    assert len(vars(sparing)["_minutes"]) <= MOST_EVENTS
