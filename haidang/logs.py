"""Structured logs: readable on a terminal, JSON lines elsewhere or in a file, bounded in number."""

import logging
import logging.handlers
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from telemetry import ConfigurationError

KEPT_FILES, LARGEST_FILE = 4, 16 << 20  # bytes
LINES_A_MINUTE = 30
MINUTE = 60.0  # seconds
MOST_EVENTS = 10_000


def configure_logs(file: Path | None = None, level: int = logging.INFO) -> None:
    """To standard error, or into `file`, which is set aside when it is full. Raises ConfigurationError.

    Tracebacks never show the values of variables: passwords are among them.
    """
    output = _into(file) if file else logging.StreamHandler(sys.stderr)
    readable = file is None and sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer = console if readable else structlog.processors.JSONRenderer()
    tracebacks = [] if readable else [structlog.processors.format_exc_info]
    output.addFilter(Sparing())
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tracebacks, renderer],
        )
    )
    logging.basicConfig(handlers=[output], level=level, force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("mqtt").addFilter(_as_warning)
    for chatty in ("alembic", "apprise", "httpx", "httpcore", "aiosqlite", "uvicorn.access", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _as_warning(record: logging.LogRecord) -> bool:
    """A broken connection is an error to the MQTT library; here the session goes on, and says so itself."""
    if record.levelno > logging.WARNING:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


@dataclass(slots=True)
class _Minute:
    began: float
    lines: int = 1


class Sparing(logging.Filter):
    """Lets so many lines of one event (and device) pass a minute: no flood on a wire fills the disk.

    The event's first line of a later minute says how many were `held_back`. clock: monotonic seconds.
    """

    def __init__(self, most: int = LINES_A_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        event, now = _event(record), self._clock()
        minute = self._minutes.get(event)
        if minute is not None and now - minute.began < MINUTE:
            minute.lines += 1
            return minute.lines <= self._most
        if minute is None and len(self._minutes) >= MOST_EVENTS:
            self._minutes.clear()
        self._minutes[event] = _Minute(now)
        if minute is not None and minute.lines > self._most:
            _say_held_back(record, minute.lines - self._most)
        return True


def _event(record: logging.LogRecord) -> str:
    if isinstance(record.msg, dict):
        return f"{record.msg.get('event')} {record.msg.get('device', '')}"
    return f"{record.name} {record.msg}"


def _say_held_back(record: logging.LogRecord, number: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "held_back": number}
    else:
        record.msg = f"{record.msg} ({number} more like this were held back)"


def _into(file: Path) -> logging.Handler:
    """The folder is for its owner only, as whoever opens it later (installation.py) would have made it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return logging.handlers.RotatingFileHandler(
            file, maxBytes=LARGEST_FILE, backupCount=KEPT_FILES, encoding="utf-8"
        )
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written ({error.strerror}); name another folder with --data-dir"
        ) from error
