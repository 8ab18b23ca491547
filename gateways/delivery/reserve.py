"""Room on the disk set aside so that a full disk can still be drained.

On a full disk even removing rows needs a little room for SQLite's log. It is given up then, and taken
again when the disk has space.
"""

import os
from pathlib import Path

SIZE = 4 << 20  # bytes


class Reserve:
    """held: whether the room is set aside now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held = False

    def hold(self) -> bool:
        """Sets the room aside; False while the disk has none."""
        if not self.held:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    os.posix_fallocate(descriptor, 0, SIZE)
                finally:
                    os.close(descriptor)
            except OSError:
                self._path.unlink(missing_ok=True)
                return False
            self.held = True
        return True

    def give_up(self) -> None:
        """The room is the disk's again."""
        self._path.unlink(missing_ok=True)
        self.held = False
