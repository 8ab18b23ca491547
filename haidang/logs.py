"""Structured logs: readable on a terminal, JSON lines elsewhere or in a file."""

import logging
import logging.handlers
import sys
from pathlib import Path

import structlog

from telemetry import ConfigurationError

KEPT_FILES, LARGEST_FILE = 4, 16 << 20  # bytes


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
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tracebacks, renderer],
        )
    )
    logging.basicConfig(handlers=[output], level=level, force=True)
    logging.captureWarnings(capture=True)
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
