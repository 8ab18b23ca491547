"""Takes commands off the broker, hands each to its device once, and says how it ended.

MQTT delivers at least once, and a centre that lost its connection asks for the reply again, so commands are
remembered until they have expired and a while longer: one that comes again is answered from memory. After
a restart nothing is remembered, and what came before has expired or is marked as repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from broker import topics
from broker.commands import LONGEST_LIFE, CommandMessage, addressee, decode_command, encode_reply
from broker.session import Session, together
from gateways import clock
from gateways.commands.unsaid import Unsaid
from telemetry import Command, Instant, Reply, WireError, format_utc
from telemetry.times import NANOSECONDS

MOST_REMEMBERED = 10_000
REMEMBERED_AFTER = 60.0  # seconds beyond the expiry, for a clock that is set back meanwhile
SAID_AT_ONCE = 8  # replies that wait for the broker's acknowledgement at once

CarryOut = Callable[[Command, Callable[[Reply], None]], None]
"""Has a command carried out; calls back exactly once, at once or later."""

log = structlog.get_logger()
_ended = Counter(
    "haidang_gateway_commands", "Commands by how they ended: done or a reason", ["gateway", "end"]
)
_unreadable = Counter("haidang_gateway_unreadable_commands", "Commands that cannot be read", ["gateway"])


@dataclass(slots=True)
class _Remembered:
    """forget_at: monotonic seconds. reply: None while it is being carried out."""

    forget_at: float
    reply: Reply | None = None


class Commands:
    """One gateway's intake of commands. `receive` takes what comes, `say` runs on each session."""

    def __init__(self, gateway: str, carry_out: CarryOut) -> None:
        self._gateway = gateway
        self._carry_out = carry_out
        self._remembered: dict[str, _Remembered] = {}
        self._unsaid = Unsaid(MOST_REMEMBERED)

    def receive(self, payload: bytes) -> None:
        """What stands on the command topic, whatever it is."""
        try:
            message = decode_command(payload)
        except WireError as error:
            self._refuse_unreadable(payload, str(error))
            return
        now = clock.now()
        self._forget(now.monotonic)
        if (known := self._remembered.get(message.id)) is not None:
            if known.reply is not None:
                self._unsaid.put(known.reply)
        elif not message.repeated:
            self._take(message, now)

    async def say(self, session: Session) -> None:
        """Says what ended until the session breaks (LinkError); what was not acknowledged is said again."""
        await together(*(self._say(session) for _ in range(SAID_AT_ONCE)))

    def _take(self, message: CommandMessage, now: Instant) -> None:
        if len(self._remembered) >= MOST_REMEMBERED:
            detail = f"this gateway was given {MOST_REMEMBERED} commands in a minute: send fewer"
            self._answer(Reply(message.id, message.device, "refused", detail))
            return
        left = min(max(0, message.expires_at - now.utc), LONGEST_LIFE) / NANOSECONDS
        self._remembered[message.id] = _Remembered(now.monotonic + left + REMEMBERED_AFTER)
        if (refusal := _untimely(message, now.utc)) is not None:
            self._answer(refusal)
            return
        log.info("command.taken", id=message.id, device=message.device, action=message.action)
        self._carry_out(message.command, self._answer)

    def _answer(self, reply: Reply) -> None:
        _ended.labels(self._gateway, reply.reason or "done").inc()
        log.info(
            "command.ended",
            id=reply.command,
            device=reply.device,
            reason=reply.reason or "done",
            detail=reply.detail,
        )
        if (remembered := self._remembered.get(reply.command)) is not None:
            remembered.reply = reply
        self._unsaid.put(reply)

    def _refuse_unreadable(self, payload: bytes, reason: str) -> None:
        _unreadable.labels(self._gateway).inc()
        log.warning("command.unreadable", reason=reason, size=len(payload))
        try:
            command, device = addressee(payload)
        except WireError:
            return
        if command not in self._remembered:
            self._answer(Reply(command, device, "refused", reason))

    def _forget(self, now: float) -> None:
        """Those that came first go first, as soon as they may."""
        while self._remembered:
            oldest = next(iter(self._remembered))
            if self._remembered[oldest].forget_at > now:
                return
            del self._remembered[oldest]

    async def _say(self, session: Session) -> None:
        topic = topics.replies(self._gateway)
        while True:
            reply = await self._unsaid.next()
            try:
                await session.publish(topic, encode_reply(reply))
            except BaseException:
                self._unsaid.put(reply)
                raise


def _untimely(message: CommandMessage, now: int) -> Reply | None:
    """The refusal of a command that has expired, or that was asked long after now by our clock."""
    here = f"by this gateway's clock it is {format_utc(now)}"
    if now > message.expires_at:
        until = format_utc(message.expires_at)
        detail = f"it was to be carried out before {until}, and {here}; if it was just sent, set the clocks"
        return Reply(message.id, message.device, "expired", detail)
    if now < message.asked_at - (message.expires_at - message.asked_at):
        detail = f"it was asked at {format_utc(message.asked_at)}, and {here}: set this gateway's clock"
        return Reply(message.id, message.device, "refused", detail)
    return None
