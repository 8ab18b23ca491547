"""Structured logs: readable on a terminal, JSON lines elsewhere or in a file."""

import logging
import logging.handlers
import sys
from pathlib import Path

import structlog

KEPT_FILES, LARGEST_FILE = 4, 16 << 20  # bytes


def configure_logs(file: Path | None = None, level: int = logging.INFO) -> None:
    """To standard error, or into `file`, which is set aside when it is full."""
    output = _into(file) if file else logging.StreamHandler(sys.stderr)
    readable = file is None and sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
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
    file.parent.mkdir(parents=True, exist_ok=True)
    return logging.handlers.RotatingFileHandler(
        file, maxBytes=LARGEST_FILE, backupCount=KEPT_FILES, encoding="utf-8"
    )
