"""What can go wrong with the outbox's file."""

from telemetry import HaidangError


class OutboxUnwritableError(HaidangError):
    """The disk refuses: `reason` is `disk-full` or `disk-error`. It is tried again."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class OutboxBrokenError(HaidangError):
    """The file is damaged: what can be read of it moves to a new one."""
