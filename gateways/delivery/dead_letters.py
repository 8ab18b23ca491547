"""What a gateway can never send, one JSON line each with its reason, in a file of bounded size."""

import os
from pathlib import Path

import msgspec
import structlog

from gateways import clock
from telemetry import format_utc

LARGEST_FILE = 32 << 20  # bytes; two such are kept

log = structlog.get_logger()


def bury(folder: Path, reason: str, content: bytes) -> None:
    """Appends to `dead-letters.jsonl` in this folder. Where the disk refuses, the log says so."""
    file = folder / "dead-letters.jsonl"
    letter = {
        "at": format_utc(clock.now().utc),
        "reason": reason,
        "content": content.decode("utf-8", "backslashreplace"),
    }
    try:
        if file.exists() and file.stat().st_size > LARGEST_FILE:
            file.replace(file.with_suffix(".1.jsonl"))
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as lines:
            lines.write(msgspec.json.encode(letter) + b"\n")
    except OSError as error:
        log.error("dead_letter.lost", reason=reason, size=len(content), error=str(error))
    else:
        log.warning("dead_letter", reason=reason, size=len(content))
