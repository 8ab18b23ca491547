"""The commands a camera has yet to carry out: the newest move wins, a stop goes first, none waits too long."""

from collections import deque
from collections.abc import Sequence

from telemetry import Command, Instant, Reply

LIMIT = 16
"""Commands that may wait for one camera."""

_HEAD = frozenset({"move", "move_to", "home", "preset_recall"})
_LENS = frozenset({"zoom", "zoom_to"})
_SUPERSEDES = {
    **dict.fromkeys(_HEAD, _HEAD),
    **dict.fromkeys(_LENS, _LENS),
    "focus": frozenset({"focus"}),
    "preset_recall": _HEAD | _LENS | {"focus"},
    "stop": _HEAD | _LENS | {"focus"},
}
"""What each action makes pointless when it still waits."""


class Orders:
    """Bounded; every command that will not be sent gets its Reply here."""

    def __init__(self) -> None:
        self._waiting: deque[Command] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, command: Command) -> Sequence[Reply]:
        """Takes a command in. The replies to those it replaces, or its own when too many wait."""
        pointless = _SUPERSEDES.get(command.action, frozenset())
        replaced = [other for other in self._waiting if other.action in pointless]
        self._waiting = deque(other for other in self._waiting if other.action not in pointless)
        replies = [
            Reply(other.id, other.device, "unsent", f"a newer {command.action} took its place")
            for other in replaced
        ]
        if command.action == "stop":
            self._waiting.appendleft(command)
        elif len(self._waiting) < LIMIT:
            self._waiting.append(command)
        else:
            replies.append(_reply(command, "refused", f"{LIMIT} commands wait for this camera already"))
        return replies

    def back(self, command: Command) -> None:
        """Puts one that was taken to the front again: the camera had no room for it."""
        self._waiting.appendleft(command)

    def take(self, now: Instant) -> tuple[Command | None, Sequence[Reply]]:
        """The next to carry out, and the replies to those that waited too long."""
        replies: list[Reply] = []
        while self._waiting:
            command = self._waiting.popleft()
            if command.expires_at > now.utc:
                return command, replies
            replies.append(_reply(command, "expired", "it waited for the line until it was too late"))
        return None, replies


def _reply(command: Command, reason: str, detail: str) -> Reply:
    return Reply(command.id, command.device, reason, detail)
