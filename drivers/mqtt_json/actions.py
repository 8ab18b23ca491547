"""Actions of a device on MQTT: what is published for a command, and the message that answers it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from drivers.contract import Outgoing
from drivers.mqtt_json.names import REQUEST, Names, put_in, put_in_all
from drivers.mqtt_json.paths import Step, parse_path, scalar, scalar_text, walk
from drivers.mqtt_json.where import Condition, all_hold, conditions
from drivers.mqtt_json.words import Write
from drivers.words import write_of
from telemetry import Action, Command, CommandError, Instant, Profile, ProfileError, Reply, Value
from telemetry.topics import check_filter, ends_with

MOST_AWAITED = 64
GIVEN = "given to the broker; this device confirms nothing"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A command whose answer is still to come."""

    command: Command
    topic: str
    asked: tuple[Condition, ...]
    refused: tuple[Condition, ...]
    reason: tuple[Step, ...]
    values: Mapping[str, tuple[Step, ...]]
    until: float


class Publishing:
    """One action of one device: `outgoing` makes its message, `awaited` what would answer it."""

    def __init__(self, profile: Profile, action: Action, names: Names) -> None:
        place = f"profile {profile.id}: action {action.name}"
        write = write_of(profile, action, Write)
        later = frozenset({argument.name for argument in action.arguments} | {REQUEST})
        self._topic = names.fill(write.topic, later)
        self._payload = names.fill_all(write.payload, later)
        self._words = write.words
        self._answer = write.answer
        self._names = names
        self._later = later
        _check(place, self._topic, write, later)
        if write.answer:
            self._tail = names.fill(write.answer.topic, later)
            self.awaited(Command("", "", action.name, dict.fromkeys(later, "x"), 0), 0.0)

    def outgoing(self, command: Command) -> Outgoing:
        """The message. Raises CommandError when an argument cannot stand in its topic."""
        values = self._values(command)
        topic = put_in(self._topic, values)
        if topic.count("/") != self._topic.count("/") or any(sign in topic for sign in "+#\0"):
            raise CommandError(f"{topic[:80]!r} is no topic: its parts may not contain / + or #")
        return Outgoing(_encoded(self._payload, values), topic)

    def awaited(self, command: Command, at: float) -> Awaited | None:
        """What answers this command, sent at this monotonic second; None when nothing does."""
        answer = self._answer
        if answer is None:
            return None
        values = self._values(command)

        def fill(text: str) -> str:
            return put_in(self._names.fill(text, self._later), values)

        asked, refused = conditions(answer.where, fill), conditions(answer.refused, fill)
        reason = parse_path(answer.reason, fill)
        told = {name: parse_path(path, fill) for name, path in answer.values.items()}
        tail = put_in(self._tail, values)
        return Awaited(command, tail, asked, refused, reason, told, at + answer.within)

    def _values(self, command: Command) -> dict[str, Value]:
        values = {REQUEST: command.id, **command.arguments}
        for name, words in self._words.items():
            said = put_in(f"{{{name}}}", values)
            values[name] = words.get(said, values.get(name, said))
        return values


class Answers:
    """The commands of one device that wait for an answer, at most 64."""

    def __init__(self) -> None:
        self._waiting: list[Awaited] = []

    @property
    def wake_at(self) -> float | None:
        """When the first of them has waited long enough."""
        return min((one.until for one in self._waiting), default=None)

    def expect(self, awaited: Awaited) -> None:
        """Raises CommandError when too many wait already."""
        if len(self._waiting) >= MOST_AWAITED:
            raise CommandError(f"{MOST_AWAITED} commands wait for this device's answer already")
        self._waiting.append(awaited)

    def wants(self, topic: str) -> bool:
        """Whether a message on this topic may answer one of them."""
        return any(ends_with(topic, one.topic) for one in self._waiting)

    def answered(self, topic: str, document: object) -> Iterator[Reply]:
        """The reply to the first command this message answers."""
        for one in self._waiting:
            if ends_with(topic, one.topic) and all_hold(one.asked, document):
                self._waiting.remove(one)
                yield _reply(one, document)
                return

    def overdue(self, now: Instant) -> Iterator[Reply]:
        """A reply for each that waited in vain."""
        late = [one for one in self._waiting if one.until <= now.monotonic]
        self._waiting = [one for one in self._waiting if one.until > now.monotonic]
        for one in late:
            yield _lost(one.command, "the message was sent, and no answer came in time")

    def broken(self) -> Iterator[Reply]:
        """A reply for each, since the link broke."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            yield _lost(one.command, "the link broke before an answer came")


def _reply(awaited: Awaited, document: object) -> Reply:
    command = awaited.command
    if awaited.refused and all_hold(awaited.refused, document):
        said = scalar_text(walk(document, awaited.reason)) or "the device refused it"
        return Reply(command.id, command.device, "refused", said[:200])
    found = {name: scalar(walk(document, steps)) for name, steps in awaited.values.items()}
    values = {name: value for name, value in found.items() if value is not None}
    return Reply(command.id, command.device, values=values)


def _lost(command: Command, detail: str) -> Reply:
    return Reply(command.id, command.device, "timeout", detail)


def _check(place: str, topic: str, write: Write, later: frozenset[str]) -> None:
    if any(sign in topic for sign in "+#\0") or not topic:
        raise ProfileError(f"{place}: write: {topic!r} is no topic to publish on: it has neither + nor #")
    if unknown := write.words.keys() - later:
        raise ProfileError(f"{place}: write: words: there is no argument {', '.join(sorted(unknown))}")
    try:
        if write.answer:
            check_filter(write.answer.topic)
    except ValueError as error:
        raise ProfileError(f"{place}: write: answer: {error}") from error


def _encoded(payload: Any, values: Mapping[str, Value]) -> bytes:
    if isinstance(payload, str):
        return put_in(payload, values).encode("utf-8", "replace")
    return msgspec.json.encode(put_in_all(payload, values))
