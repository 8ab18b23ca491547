"""The notifier: takes due notifications from the registry and sends each until a channel takes it."""

import asyncio
import time
from asyncio import TaskGroup
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from alerts.channels import Channel, Contact, DeliveryError, open_channels
from alerts.wording import compose
from registry import NotFound, Notification, Registry
from telemetry import RegistryError
from telemetry.times import NANOSECONDS

_log = structlog.get_logger("alerts")


@dataclass(frozen=True, slots=True)
class NotifierSettings:
    """All times in seconds.

    poll: how often the registry is asked. timeout: for one attempt. attempts_per_channel: failures
    before the contact's next channel has its turn. first_wait, longest_wait: between attempts, doubling.
    give_up_after: since the notification was made. repeat_every: for a critical incident that nobody
    acknowledges. in_hand: at most so many notifications at once.
    """

    poll: float = 1.0
    timeout: float = 15.0
    attempts_per_channel: int = 2
    first_wait: float = 5.0
    longest_wait: float = 300.0
    give_up_after: float = 86_400.0
    repeat_every: float = 600.0
    in_hand: int = 200


class Notifier:
    """Sends every notification at least once: what was being sent when a process died is sent again.

    One notifier at a time works on a registry. Restarts, failures and a registry that is away for a
    while delay a message and never lose it before `give_up_after`.
    """

    def __init__(
        self,
        registry: Registry,
        contacts: Sequence[Contact],
        settings: NotifierSettings | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """clock: UTC nanoseconds, the registry's. Raises ConfigurationError for a URL of no use."""
        self._registry = registry
        self._channels = open_channels(contacts)
        self._settings = settings or NotifierSettings()
        self._clock = clock
        self._nudged = asyncio.Event()
        self._in_hand = 0

    def nudge(self) -> None:
        """There may be something to send: looks at once."""
        self._nudged.set()

    async def run(self) -> None:
        """Sends until cancelled."""
        await self._insist(self._registry.notifications.take_over)
        async with TaskGroup() as deliveries:
            while True:
                self._nudged.clear()
                try:
                    await self._start_due(deliveries)
                except RegistryError as error:
                    _log.error("the registry is away; notifications wait", reason=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.poll):
                        await self._nudged.wait()

    async def _start_due(self, deliveries: TaskGroup) -> None:
        await self._registry.incidents.remind(self._settings.repeat_every)
        await self._registry.incidents.close_settled()
        free = self._settings.in_hand - self._in_hand
        if free <= 0:
            return
        for notification in await self._registry.notifications.take(free):
            self._in_hand += 1
            deliveries.create_task(self._deliver(notification))

    async def _deliver(self, notification: Notification) -> None:
        try:
            await self._attempt(notification)
        finally:
            self._in_hand -= 1
            self.nudge()

    async def _attempt(self, notification: Notification) -> None:
        channels = self._channels.get(notification.contact)
        if not channels:
            await self._give_up(
                notification, f"the configuration has no channel for {notification.contact!r}"
            )
            return
        channel = channels[notification.channel % len(channels)]
        try:
            await channel.send(compose(notification), self._settings.timeout)
        except DeliveryError as error:
            await self._failed(notification, channel, f"{channel.label}: {error}", len(channels))
        else:
            _log.info("notification sent", **_facts(notification), channel=channel.label)
            await self._insist(lambda: self._registry.notifications.sent(notification.id))

    async def _failed(self, notification: Notification, channel: Channel, reason: str, channels: int) -> None:
        age = (self._clock() - notification.created_at) / NANOSECONDS
        if age > self._settings.give_up_after:
            await self._give_up(notification, reason)
            return
        _log.warning("notification not sent", **_facts(notification), channel=channel.label, reason=reason)
        following, wait = self._next_attempt(notification, channels)
        await self._insist(
            lambda: self._registry.notifications.retry(notification.id, reason, after=wait, channel=following)
        )

    def _next_attempt(self, notification: Notification, channels: int) -> tuple[int, float]:
        """The channel of the next attempt and the seconds until then; an untried channel is tried now."""
        settings = self._settings
        moves = notification.attempts % settings.attempts_per_channel == 0
        following = notification.channel + (1 if moves else 0)
        untried = notification.attempts < settings.attempts_per_channel * channels
        if moves and untried:
            return following, 0.0
        doublings = min(notification.attempts - 1, 32)
        return following, min(settings.first_wait * 2.0**doublings, settings.longest_wait)

    async def _give_up(self, notification: Notification, reason: str) -> None:
        _log.error("notification given up", **_facts(notification), reason=reason)
        await self._insist(lambda: self._registry.notifications.give_up(notification.id, reason))

    async def _insist(self, note: Callable[[], Awaitable[object]]) -> None:
        """Notes something in the registry, for as long as it takes."""
        while True:
            try:
                await note()
            except NotFound:
                return  # somebody deleted it, and nobody will ask
            except RegistryError as error:
                _log.error("the registry is away; trying again", reason=str(error))
                await asyncio.sleep(self._settings.poll)
            else:
                return


def _facts(notification: Notification) -> dict[str, object]:
    return {
        "incident": notification.incident.id,
        "rule": notification.incident.rule_id,
        "device": notification.incident.device,
        "cause": notification.cause.value,
        "contact": notification.contact,
        "attempt": notification.attempts,
    }
