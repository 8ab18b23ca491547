"""The short words of faults: drivers use those that docs/faults.md explains, all of them and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_MAKERS = {"_fault", "Reject", "Damage", "PayloadError", "SparkplugError", "AnnouncementError", "SoapError"}
"""What is given the word first; a Fault is given its device before it."""


def _words_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        place = 1 if name == "Fault" else 0 if name in _MAKERS else len(node.args)
        for given in node.args[place : place + 1]:
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield given.value


def test_every_word_of_a_fault_is_explained_and_no_other() -> None:
    files = [*(ROOT / "drivers").rglob("*.py"), *(ROOT / "gateways/onvif").rglob("*.py")]
    used = {word for file in files for word in _words_in(file.read_text("utf-8"))}
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/faults.md").read_text("utf-8"), re.MULTILINE)
    assert used == {word for row in rows for word in re.findall(r"`([a-z_]+)`", row)}
