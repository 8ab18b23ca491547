"""The road of commands as the API goes it: into the ledger, to the gateway, and the reply back by its id."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import prometheus_client
import structlog

from api.problems import RefusedError
from broker import topics
from broker.commands import decode_reply, encode_command
from registry import CommandEnd, CommandEntry
from registry.commands import CommandLedger
from telemetry import LinkError, RegistryError, Reply
from telemetry.times import NANOSECONDS

MOST_FOR_A_DEVICE = 8
MOST_WAITING = 1_000
WAITING_ENDS = 10_000
RETRY_AFTER = 2.0  # seconds
GRACE = 1.0
"""Seconds beyond the command's own life for the gateway to say how it ended, if only that time is over."""
ASKED_FOR = 60 * NANOSECONDS
"""How long after its life a command's reply is still asked for, when a connection or the API comes back."""
FORGET_EVERY = 3600.0  # seconds
Publish = Callable[[str, bytes], Awaitable[None]]

log = structlog.get_logger()
_dropped = prometheus_client.Counter(
    "haidang_api_unrecorded_ends", "Ends of commands lost to a ledger that was away for too long"
)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: CommandEntry
    end: asyncio.Future[CommandEnd]


class CommandRoad:
    """Sends commands while there is a session, and takes replies.

    `record_ends` and `forget_old` run as long as the API.
    """

    def __init__(self, ledger: CommandLedger) -> None:
        self._ledger = ledger
        self._publish: Publish | None = None
        self._waiting: dict[str, _Waiting] = {}
        self._for_device: Counter[str] = Counter()
        self._ends: asyncio.Queue[CommandEnd] = asyncio.Queue(WAITING_ENDS)

    async def send(self, entry: CommandEntry, patience: float) -> CommandEnd | None:
        """The command's end, None when no reply came within `patience` seconds and a bit: it may come later.

        Raises LinkError without a session with the broker, RefusedError (429) when too many wait
        already, RegistryError when it cannot be recorded; then nothing was sent.
        """
        if self._publish is None:
            raise LinkError("the API has no session with the broker now: nothing was sent, try again")
        with self._registered(entry) as end:
            await self._ledger.record(entry)
            try:
                async with asyncio.timeout(patience + GRACE):
                    await self._say(entry)
                    return await end
            except TimeoutError:
                return None

    def take_reply(self, topic: str, payload: bytes, now: int) -> None:
        """What a gateway says on its reply topic. now: UTC nanoseconds. Raises WireError, ValueError."""
        end = CommandEnd(topics.gateway_of(topic), decode_reply(payload).reply, now)
        try:
            self._ends.put_nowait(end)
        except asyncio.QueueFull:
            _dropped.inc()
            self._tell([end])

    async def converse(self, publish: Publish) -> None:
        """Runs on each session: replies that are missing are asked for again, and new commands are sent.

        Raises LinkError.
        """
        self._publish = publish
        try:
            for entry in await self._asked_for():
                await publish(*_message(entry, repeated=True))
            await asyncio.get_running_loop().create_future()
        finally:
            self._publish = None

    async def record_ends(self) -> None:
        """Writes ends into the ledger, several at once where they come fast; never returns."""
        while True:
            ends = [await self._ends.get()]
            while not self._ends.empty():
                ends.append(self._ends.get_nowait())
            await self._record(ends)

    async def forget_old(self) -> None:
        """Keeps the ledger from growing for ever; never returns."""
        while True:
            try:
                while await self._ledger.forget():
                    pass
            except RegistryError as error:
                log.warning("api.ledger_not_shortened", reason=str(error))
            await asyncio.sleep(FORGET_EVERY)

    @contextmanager
    def _registered(self, entry: CommandEntry) -> Generator[asyncio.Future[CommandEnd]]:
        command, device = entry.command.id, entry.command.device
        if self._for_device[device] >= MOST_FOR_A_DEVICE or len(self._waiting) >= MOST_WAITING:
            raise RefusedError(
                429,
                f"{self._for_device[device]} commands to {device!r} and {len(self._waiting)} in all wait for "
                "their replies; nothing was sent, wait for one of them",
            )
        waiting = _Waiting(entry, asyncio.get_running_loop().create_future())
        self._waiting[command] = waiting
        self._for_device[device] += 1
        try:
            yield waiting.end
        finally:
            del self._waiting[command]
            self._for_device[device] -= 1
            if not self._for_device[device]:
                del self._for_device[device]

    async def _say(self, entry: CommandEntry) -> None:
        """A session that breaks meanwhile leaves open whether it was sent: the next asks for the reply."""
        if self._publish is None:
            reply = Reply(entry.command.id, entry.command.device, "unsent", "the broker has just gone away")
            await self._ends.put(CommandEnd(entry.gateway, reply, time.time_ns()))
            return
        try:
            await self._publish(*_message(entry, repeated=False))
        except LinkError as error:
            log.warning("api.command_in_doubt", id=entry.command.id, reason=str(error))

    async def _record(self, ends: Sequence[CommandEnd]) -> None:
        while True:
            try:
                await self._ledger.complete(ends)
                break
            except RegistryError as error:
                log.error("api.ends_wait", number=len(ends), reason=str(error), retry_in=RETRY_AFTER)
            self._tell(ends)
            await asyncio.sleep(RETRY_AFTER)
        self._tell(ends)

    async def _asked_for(self) -> Sequence[CommandEntry]:
        """Whose replies are missing: also those asked before we were started, as the ledger knows them."""
        try:
            return await self._ledger.unanswered(time.time_ns() - ASKED_FOR, MOST_WAITING)
        except RegistryError as error:
            log.warning("api.unanswered_unknown", reason=str(error))
            return [waiting.entry for waiting in self._waiting.values()]

    def _tell(self, ends: Sequence[CommandEnd]) -> None:
        for end in ends:
            waiting = self._waiting.get(end.reply.command)
            if waiting is not None and waiting.entry.gateway == end.gateway and not waiting.end.done():
                waiting.end.set_result(end)


def _message(entry: CommandEntry, *, repeated: bool) -> tuple[str, bytes]:
    payload = encode_command(entry.command, entry.asked_at, repeated=repeated)
    return topics.commands(entry.gateway), payload
