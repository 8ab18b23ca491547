"""Where the logs go, and what never stands in them."""

import io
import logging
import stat
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog

from haidang.logs import configure_logs
from telemetry import ConfigurationError


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Generator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_folder_of_the_log_is_for_its_owner_only(tmp_path: Path) -> None:
    configure_logs(tmp_path / "data" / "haidang.log")
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_log_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands where the folder should be")
    with pytest.raises(ConfigurationError, match="name another folder with --data-dir"):
        configure_logs(tmp_path / "data" / "haidang.log")


def break_with(secret: str) -> None:
    raise ValueError(len(secret))


def test_a_traceback_on_a_terminal_shows_no_value_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure_logs()
    secret = "".join(("se", "same"))
    try:
        break_with(secret)
    except ValueError as error:
        structlog.get_logger().error("device.driver_bug", exc_info=error)
    assert "ValueError" in terminal.getvalue()
    assert "sesame" not in terminal.getvalue()
