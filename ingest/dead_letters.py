"""Dead letters: what can never be decoded or stored, one JSON line each with the reason."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from telemetry import format_utc

LARGEST_FILE = 64 << 20  # bytes
KEPT_FILES = 4


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One thing refused: whose it was, why, and what it was (text, or bytes shown with escapes)."""

    gateway: str
    epoch: str
    seq: int
    reason: str
    content: str


class DeadLetters:
    """An append-only file in `folder`; when it is full it is set aside, and the oldest aside goes."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "dead-letters.jsonl"
        folder.mkdir(parents=True, exist_ok=True)

    def append(self, letters: Sequence[DeadLetter], now: int) -> None:
        """On disk when this returns. now: UTC nanoseconds. Raises OSError when the disk refuses."""
        if self._file.exists() and self._file.stat().st_size > LARGEST_FILE:
            self._set_aside()
        at = format_utc(now)
        lines = b"".join(
            msgspec.json.encode({"at": at, **msgspec.to_builtins(letter)}) + b"\n" for letter in letters
        )
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def _set_aside(self) -> None:
        for number in range(KEPT_FILES - 1, 0, -1):
            older = self._file.with_suffix(f".{number}.jsonl")
            if older.exists():
                older.replace(self._file.with_suffix(f".{number + 1}.jsonl"))
        self._file.replace(self._file.with_suffix(".1.jsonl"))


def readable(content: bytes) -> str:
    """Bytes as text a person can read and a program can turn back: UTF-8, else `\\xNN` escapes."""
    return content.decode("utf-8", "backslashreplace")
