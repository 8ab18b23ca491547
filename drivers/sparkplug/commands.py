"""Commands to a Sparkplug edge node or device: NCMD and DCMD, and what confirms them.

Source: Eclipse Sparkplug 3.0, sections 6.4.22 (NCMD), 6.4.23 (DCMD) and 5.9 (commands, rebirth).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.contract import Outgoing
from drivers.mqtt_json.names import put_in_all
from drivers.sparkplug.node import REBIRTH, Address, Announced, Session
from drivers.sparkplug.payload import SparkplugMetric, SparkplugPayload, encode_payload
from drivers.sparkplug.values import Datatype, is_single, metric_of, value_from_text
from drivers.words import Words, write_of
from telemetry import Action, Argument, Command, CommandError, Instant, Profile, Reply, Title, Value
from telemetry.commands import Kind
from telemetry.devices import Duration

MOST_AWAITED = 64
GIVEN = "given to the broker; nothing was asked to confirm it"
REBIRTH_ACTION = "rebirth"
WRITE_ACTION = "write_metric"


class Write(Words):
    """metric: the name in the birth certificate. device: another Sparkplug device than the settings'.

    value: what is written; a text that is `{argument}` alone becomes the argument's value. within: how long
    to wait until the node reports that value; left out, the action is done once given to the broker.
    """

    metric: str
    device: str | None = None
    value: bool | int | float | str = "{value}"
    within: Duration | None = None


OWN_ACTIONS = (
    Action(
        name=REBIRTH_ACTION,
        title=Title(en="Ask for all metrics anew", vi="Yêu cầu gửi lại toàn bộ số đo"),
    ),
    Action(
        name=WRITE_ACTION,
        title=Title(en="Write a metric", vi="Ghi một số đo"),
        arguments=(
            Argument(name="metric", title=Title(en="Metric", vi="Số đo"), kind=Kind.TEXT),
            Argument(name="value", title=Title(en="Value", vi="Giá trị"), kind=Kind.TEXT),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Awaited:
    command: Command
    device: str
    metric: str
    value: Value
    until: float


class Commands:
    """The commands of one edge node or device, those that wait for their report included."""

    def __init__(self, profile: Profile, node: str, device: str, session: Session) -> None:
        self._writes = {action.name: write_of(profile, action, Write) for action in profile.actions}
        self._node = node
        self._device = device
        self._session = session
        self._waiting: list[_Awaited] = []

    @property
    def wake_at(self) -> float | None:
        """When the first that waits has waited long enough."""
        return min((one.until for one in self._waiting), default=None)

    def concerns(self, device: str) -> bool:
        """Whether something may be told to this Sparkplug device."""
        return device == self._device or any(write.device == device for write in self._writes.values())

    def carry_out(self, command: Command, now: Instant) -> tuple[Outgoing, Reply | None]:
        """The message, and the reply unless a report is awaited. Raises CommandError."""
        done = Reply(command.id, command.device, detail=GIVEN)
        if command.action == REBIRTH_ACTION:
            if not self._session.group:
                raise CommandError("nothing was heard of this edge node yet: name its group in the settings")
            return self.rebirth(now), done
        if command.action == WRITE_ACTION:
            announced = self._announced(self._device, str(command.arguments["metric"]))
            text = str(command.arguments["value"])
            value = value_from_text(text, announced.datatype, announced.name)
            return self._write(announced, value, now), done
        return self._carry_out_write(self._writes[command.action], command, now, done)

    def rebirth(self, now: Instant) -> Outgoing:
        """The request to be born again; by name, since an alias may not be known."""
        metric = metric_of(REBIRTH, Datatype.BOOLEAN, True, now.utc // 1_000_000)
        return self._outgoing(Address(self._session.group, "NCMD", self._node), metric, now)

    def confirmed(self, device: str, values: Mapping[str, Value | None]) -> Iterator[Reply]:
        """Replies to the commands whose value the node now reports."""
        for one in list(self._waiting):
            if one.device == device and one.metric in values and values[one.metric] == one.value:
                self._waiting.remove(one)
                yield Reply(one.command.id, one.command.device)

    def overdue(self, now: Instant) -> Iterator[Reply]:
        """A reply for each that waited in vain."""
        late = [one for one in self._waiting if one.until <= now.monotonic]
        self._waiting = [one for one in self._waiting if one.until > now.monotonic]
        for one in late:
            yield _lost(one.command, "the command was sent, and the node did not report the value in time")

    def broken(self) -> Iterator[Reply]:
        """A reply for each, since the link broke."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            yield _lost(one.command, "the link broke before the node reported the value")

    def _carry_out_write(
        self, write: Write, command: Command, now: Instant, done: Reply
    ) -> tuple[Outgoing, Reply | None]:
        announced = self._announced(self._device if write.device is None else write.device, write.metric)
        value: Any = put_in_all(write.value, command.arguments)
        outgoing = self._write(announced, value, now)
        if write.within is None:
            return outgoing, done
        if len(self._waiting) >= MOST_AWAITED:
            raise CommandError(f"{MOST_AWAITED} commands wait for this node's report already")
        until = now.monotonic + write.within
        self._waiting.append(_Awaited(command, announced.device, announced.name, value, until))
        return outgoing, None

    def _announced(self, device: str, name: str) -> Announced:
        if device not in self._session.born:
            raise CommandError(f"{device or self._node} is not there: no birth certificate holds")
        announced = self._session.announced.get((device, name))
        if announced is None:
            raise CommandError(f"{device or self._node} announced no metric {name[:80]!r}")
        if not is_single(announced.datatype):
            raise CommandError(f"{name[:80]} is not a single value and cannot be written")
        return announced

    def _write(self, announced: Announced, value: Value, now: Instant) -> Outgoing:
        kind = "DCMD" if announced.device else "NCMD"
        named = "" if announced.alias is not None else announced.name
        metric = metric_of(announced.name, announced.datatype, value, now.utc // 1_000_000)
        metric = SparkplugMetric(
            named, announced.alias, metric.timestamp, metric.datatype, field=metric.field, raw=metric.raw
        )
        address = Address(self._session.group, kind, self._node, announced.device)
        return self._outgoing(address, metric, now)

    def _outgoing(self, address: Address, metric: SparkplugMetric, now: Instant) -> Outgoing:
        payload = SparkplugPayload([metric], timestamp=now.utc // 1_000_000)
        return Outgoing(encode_payload(payload), str(address))


def _lost(command: Command, detail: str) -> Reply:
    return Reply(command.id, command.device, "timeout", detail)
