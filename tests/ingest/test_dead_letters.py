"""The dead-letter file."""

import json
from pathlib import Path

import pytest

from ingest import dead_letters
from ingest.dead_letters import DeadLetter, DeadLetters, readable


def test_a_letter_is_one_line_with_its_reason_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path)
    letters.append(
        [DeadLetter("gw", "e1", 7, "not a record", readable(b"\xff\nx"))], 1_790_000_000_500_000_000
    )
    file = tmp_path / "dead-letters.jsonl"
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {
            "at": "2026-09-21T14:13:20.5Z",
            "gateway": "gw",
            "epoch": "e1",
            "seq": 7,
            "reason": "not a record",
            "content": "\\xff\nx",
        }
    ]
    assert file.stat().st_mode & 0o077 == 0


def test_full_files_are_set_aside_and_only_a_few_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "LARGEST_FILE", 10)
    letters = DeadLetters(tmp_path)
    for seq in range(9):
        letters.append([DeadLetter("gw", "e1", seq, "why", "what")], 0)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + dead_letters.KEPT_FILES
    kept = {json.loads(line)["seq"] for file in files for line in file.read_text().splitlines()}
    assert kept == {4, 5, 6, 7, 8}
