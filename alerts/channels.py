"""Contacts and their channels: one apprise URL each, whose secrets appear nowhere else."""

import asyncio
import logging
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import unquote

import apprise

from alerts.wording import Message
from telemetry import ConfigurationError, HaidangError, Severity

_URGENCY = {
    Severity.INFO: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
}


class DeliveryError(HaidangError):
    """A channel did not take a message; the text says why and contains no secret."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to be told. channels: apprise URLs, the first one first; their secrets stay out of repr."""

    id: str
    name: str = ""
    channels: Sequence[str] = field(default=(), repr=False)


class Channel:
    """One way to one contact. Messages go one after the other."""

    def __init__(self, url: str, label: str) -> None:
        """label: what logs and errors call it. Raises ConfigurationError, without the URL in it."""
        self.label = label
        self._secrets = _parts(url)
        self._sender: Any = _quiet_apprise()
        with warnings.catch_warnings():
            # The first URL makes apprise import all its plugins, one of which Python 3.11 complains about.
            warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)
            understood = self._sender.add(url)
        if not understood:
            raise ConfigurationError(
                f"channel {label} is not one that apprise can use; check its URL against apprise's list"
            )
        self._turn = asyncio.Lock()
        self._hanging = False

    async def send(self, message: Message, seconds: float) -> None:
        """Hands the message over. Raises DeliveryError when it is refused or takes longer than this.

        A provider may hang for good, so every channel has one thread at most: until it returns, the
        channel refuses at once.
        """
        async with self._turn:
            if self._hanging:
                raise DeliveryError("the message before still hangs in it")
            loop = asyncio.get_running_loop()
            outcome: asyncio.Future[str] = loop.create_future()
            self._hanging = True
            Thread(target=self._work, args=(message, loop, outcome), name=self.label, daemon=True).start()
            try:
                async with asyncio.timeout(seconds):
                    reason = await outcome
            except TimeoutError as error:
                raise DeliveryError(f"no answer within {seconds:g} s") from error
        if reason:
            raise DeliveryError(reason)

    def _work(
        self, message: Message, loop: asyncio.AbstractEventLoop, outcome: "asyncio.Future[str]"
    ) -> None:
        reason = "apprise broke down"
        try:
            result = self._sender.notify(
                title=message.title,
                body=message.body,
                body_format="text",
                notify_type=_URGENCY[message.severity],
            )
            reason = "" if result else self._reason(result)
        finally:
            self._hanging = False
            with suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(_settle, outcome, reason)

    def _reason(self, result: Any) -> str:
        said = " ".join(str(entry.message) for entry in result.logs())
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return said[:500] or "it was refused without a reason"


def open_channels(contacts: Iterable[Contact]) -> Mapping[str, Sequence[Channel]]:
    """The channels of every contact. Raises ConfigurationError."""
    return {
        contact.id: [_open(contact, number) for number in range(len(contact.channels))]
        for contact in contacts
    }


def check_contacts(contacts: Iterable[Contact]) -> None:
    """Raises ConfigurationError for a contact without a usable channel, and for one that is there twice."""
    seen: set[str] = set()
    for contact in contacts:
        if contact.id in seen:
            raise ConfigurationError(f"there are two contacts {contact.id!r}; give each its own id")
        if not contact.channels:
            raise ConfigurationError(f"contact {contact.id!r} has no channel; add one to its channels")
        seen.add(contact.id)
        open_channels([contact])


def _open(contact: Contact, number: int) -> Channel:
    url = contact.channels[number]
    schema, colon, _ = url.partition("://")
    known = schema if colon and re.fullmatch(r"[a-z][a-z0-9]*", schema) else "no URL"
    return Channel(url, f"{contact.id}/{number + 1} ({known})")


def _quiet_apprise() -> Any:
    """An empty apprise. What it and its HTTP library log can contain whole URLs, so it stays with them;
    apprise's own warnings come back with the result.
    """
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logging.getLogger("urllib3").setLevel(logging.INFO)
    asset = apprise.AppriseAsset(app_id="HaiDang", app_desc="Hải Đăng", service_timeout=0)
    return apprise.Apprise(asset=asset)


def _parts(url: str) -> Sequence[str]:
    """Everything behind the schema that could be a secret, longest first."""
    parts = {part for part in re.split(r"[:/?#@&=,;]+", url.partition("://")[2]) if len(part) >= 4}
    return sorted(parts | {unquote(part) for part in parts}, key=len, reverse=True)


def _settle(outcome: "asyncio.Future[str]", reason: str) -> None:
    if not outcome.done():
        outcome.set_result(reason)
