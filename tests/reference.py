"""Where the recordings of others lie. They are not part of the project; a clone without them skips."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("HAIDANG_REFERENCE", Path(__file__).parents[2] / "shared" / "data"))


def reference(name: str) -> Path:
    """A file of the reference data. Without the folder the test is skipped, under CI it fails."""
    path = FOLDER / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"reference data {path} is missing, and under CI nothing is skipped")
        pytest.skip(f"needs the reference data folder (HAIDANG_REFERENCE), which has {name}")
    return path
