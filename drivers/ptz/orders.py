"""The commands a camera has yet to carry out: the newest move wins, and none waits too long."""

from collections import deque
from collections.abc import Sequence

from drivers.ptz.deadman import DeadMan
from telemetry import Command, Instant, Reply

LIMIT = 16
"""Commands that may wait for one camera."""
BROKEN = "the link broke before it was done"

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

    def put(self, command: Command, now: Instant) -> Sequence[Reply]:
        """Takes a command in. The replies to those it replaces, or its own when too many wait."""
        replies = self.make_way(command)
        if len(self._waiting) < LIMIT:
            self._waiting.append(command)
            return replies
        return (*replies, _reply(command, "refused", f"{LIMIT} commands wait for this camera already"))

    def make_way(self, command: Command) -> Sequence[Reply]:
        """Drops what this command makes pointless; the replies to that."""
        pointless = _SUPERSEDES.get(command.action, frozenset())
        replaced = [other for other in self._waiting if other.action in pointless]
        self._waiting = deque(other for other in self._waiting if other.action not in pointless)
        return [_reply(other, "unsent", f"a newer {command.action} took its place") for other in replaced]

    def back(self, command: Command) -> None:
        """Puts one that was taken to the front again: the camera had no room for it."""
        self._waiting.appendleft(command)

    def end(self, reason: str, detail: str) -> Sequence[Reply]:
        """Drops everything that waits; the replies, which say why."""
        waited, self._waiting = self._waiting, deque()
        return [_reply(command, reason, detail) for command in waited]

    def take(self, now: Instant) -> tuple[Command | None, Sequence[Reply]]:
        """The next to carry out, and the replies to those that waited too long."""
        replies: list[Reply] = []
        while self._waiting:
            command = self._waiting.popleft()
            if command.expires_at > now.utc:
                return command, replies
            replies.append(_reply(command, "expired", "it waited for the line until it was too late"))
        return None, replies


class Stops:
    """The operator's stops: each is done when every motion of the camera is known to have ended."""

    def __init__(self, deadman: DeadMan) -> None:
        self._deadman = deadman
        self._waiting: list[Command] = []
        self._said = 0  # how many of them a stop was sent for

    def put(self, command: Command, now: Instant) -> Sequence[Reply]:
        """Ends every motion at once. Replies to those that are settled by it."""
        self._deadman.stop_all(now)
        self._waiting.append(command)
        if len(self._waiting) > LIMIT:
            self._said = max(0, self._said - 1)
            return (_reply(self._waiting.pop(0), "unsent", "a newer stop took its place"), *self.settled())
        return self.settled()

    def said(self) -> None:
        """A stop was sent."""
        self._said = len(self._waiting)

    def settled(self) -> Sequence[Reply]:
        """The replies, once nothing moves."""
        if self._deadman.stopping:
            return ()
        return [_reply(command) for command in self._take_all()]

    def unanswered(self) -> Sequence[Reply]:
        """The replies when the camera has not answered for too long."""
        text = "the camera does not answer; the stop is repeated"
        return [_reply(command, "timeout", text) for command in self._take_all()]

    def broken(self) -> Sequence[Reply]:
        """The replies when the link was opened anew; what may be moving is stopped all the same."""
        said = self._said
        text = "the link broke; whatever may be moving is stopped now that it is back"
        return [
            _reply(command, "timeout" if place < said else "unsent", text)
            for place, command in enumerate(self._take_all())
        ]

    def _take_all(self) -> Sequence[Command]:
        waited, self._waiting, self._said = self._waiting, [], 0
        return waited


def _reply(command: Command, reason: str = "", detail: str = "") -> Reply:
    return Reply(command.id, command.device, reason, detail)
