"""A camera's events by the real-time pull point (ONVIF Core, 9.2): subscribe, pull, renew, and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.backoff import Backoff
from drivers.onvif import messages as m
from gateways.onvif.soap import ANSWER_TIME, Soap, SoapError

LIFETIME = 60.0
"""Seconds a subscription is asked to live without being renewed, so that a gateway that died leaves none."""
LONGEST_PULL = 20.0  # seconds the camera may hold a pull back
MOST_AT_ONCE = 50
QUICK, PACE = 0.2, 1.0
"""Seconds: a pull that comes back empty sooner than QUICK is followed by a pause of PACE."""
_MOST_ITEMS, _LONGEST_TEXT = 32, 200


@dataclass(slots=True)
class _Subscription:
    """headers: what the camera wants to have said back to it. times: monotonic seconds."""

    address: str
    headers: list[Any]
    lifetime: float
    renewed_at: float

    @property
    def age(self) -> float:
        return time.monotonic() - self.renewed_at


class PullPoint:
    """The events of one camera, for as long as `run` runs.

    tell: is handed each event, and returns when there is room for the next. notice: is told what went wrong.
    """

    def __init__(
        self, soap: Soap, tell: Callable[[m.Happening], Awaitable[None]], notice: Callable[[SoapError], None]
    ) -> None:
        self._soap = soap
        self._tell = tell
        self._notice = notice

    async def run(self) -> None:
        """Never returns. Raises SoapError when the camera does not know us any more."""
        backoff = Backoff()
        while True:
            began = time.monotonic()
            try:
                await self._follow(await self._subscribe())
            except SoapError as error:
                if error.reason == "unauthorized":
                    raise
                self._notice(SoapError(error.reason, f"events: {error}"))
                await asyncio.sleep(backoff.after(time.monotonic() - began))

    async def _subscribe(self) -> _Subscription:
        told = await self._soap.ask_as_is(
            "events", "CreatePullPointSubscription", InitialTerminationTime=f"PT{LIFETIME:.0f}S"
        )
        try:
            reference = told.SubscriptionReference
            address = str(reference.Address._value_1)  # noqa: SLF001 - how the library calls an element's text
            parameters = reference.ReferenceParameters
            headers = [] if parameters is None else list(parameters._value_1 or ())  # noqa: SLF001 - the same
            lifetime = _seconds(told.CurrentTime, told.TerminationTime)
        except (AttributeError, TypeError) as error:
            raise SoapError("garbled", "CreatePullPointSubscription: an answer without an address") from error
        headers = [one for one in headers if hasattr(one, "tag")]
        return _Subscription(address, headers, lifetime, time.monotonic())

    async def _follow(self, subscription: _Subscription) -> None:
        """Until the subscription is at its end: then a new one is made."""
        await self._soap.use("subscription", subscription.address)
        try:
            await self._soap.use("pullpoint", subscription.address)
            hold = max(1.0, min(LONGEST_PULL, subscription.lifetime / 3))
            while subscription.age + hold < subscription.lifetime * 0.95:
                await self._pull(subscription, hold)
                if subscription.age > subscription.lifetime / 2:
                    await self._renew(subscription)
        finally:
            await self._unsubscribe(subscription)

    async def _pull(self, subscription: _Subscription, hold: float) -> None:
        asked_at = time.monotonic()
        told = await self._soap.ask(
            "pullpoint",
            "PullMessages",
            hold + ANSWER_TIME,
            Timeout=timedelta(seconds=int(hold)),
            MessageLimit=MOST_AT_ONCE,
            _soapheaders=subscription.headers,
        )
        messages = told.get("NotificationMessage") if isinstance(told, dict) else None
        for message in messages or ():
            if (event := _happening(message)) is not None:
                await self._tell(event)
        if not messages and time.monotonic() - asked_at < QUICK:
            await asyncio.sleep(PACE)

    async def _renew(self, subscription: _Subscription) -> None:
        """A camera that cannot renew is asked for a new subscription when this one ends."""
        try:
            await self._soap.ask(
                "subscription",
                "Renew",
                TerminationTime=f"PT{LIFETIME:.0f}S",
                _soapheaders=subscription.headers,
            )
        except SoapError as error:
            if error.reason != "refused":
                raise
        else:
            subscription.renewed_at = time.monotonic()

    async def _unsubscribe(self, subscription: _Subscription) -> None:
        """Cameras have few subscriptions to give. One that is not given back ends by itself."""
        try:
            await self._soap.ask("subscription", "Unsubscribe", 1.0, _soapheaders=subscription.headers)
        except SoapError:
            return


def _seconds(now: object, end: object) -> float:
    """The lifetime that the camera grants; the one asked for where it does not say."""
    if not isinstance(now, datetime) or not isinstance(end, datetime):
        return LIFETIME
    if (now.tzinfo is None) != (end.tzinfo is None):
        return LIFETIME
    granted = (end - now).total_seconds()
    return min(granted, LIFETIME) if granted >= 5 else LIFETIME


def _happening(message: object) -> m.Happening | None:
    """One notification; None for one that cannot be read."""
    if not isinstance(message, dict):
        return None
    topic = _inner(message.get("Topic"))
    body = _inner(message.get("Message"))
    if not isinstance(topic, str) or not isinstance(body, dict):
        return None
    source = _items(body.get("Source")) | _items(body.get("Key"))
    deleted = body.get("PropertyOperation") == "Deleted"
    return m.Happening(topic.strip()[:_LONGEST_TEXT], source, _items(body.get("Data")), deleted)


def _inner(element: object) -> object:
    """The text or the only child of an element whose content the library leaves open."""
    return element.get("_value_1") if isinstance(element, dict) else element


def _items(part: object) -> dict[str, str]:
    simple = part.get("SimpleItem") if isinstance(part, dict) else None
    items: dict[str, str] = {}
    for item in (simple or ())[:_MOST_ITEMS]:
        name, value = item.get("Name"), item.get("Value")
        if isinstance(name, str) and isinstance(value, str | int | float):
            items[name[:_LONGEST_TEXT]] = str(value)[:_LONGEST_TEXT]
    return items
