"""The notifier against real servers: what arrives, and what happens when a provider fails."""

import asyncio
import io
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from alerts import Contact, Notifier, NotifierSettings, check_contacts
from registry import IncidentPolicy, Notification, NotificationState, Registry, open_registry
from telemetry import Clearing, ConfigurationError, Firing, Severity, Title
from tests.alerts.provider import Mailbox, Webhook, smtp, webhook

AT = 1_795_308_423_500_000_000  # 2026-11-22T00:47:03.5Z
FIRING = Firing(
    rule_id="high-wind",
    device="quay-mast",
    at=AT,
    value=18.3,
    severity=Severity.CRITICAL,
    title=Title(en="Strong wind at the quay", vi="Gió mạnh tại cầu cảng"),
    detail=Title(en="wind_speed of quay-mast is 18.3, above 17.2.", vi="Tốc độ gió 18,3 vượt 17,2."),
    notify=("duty",),
)
QUICK = NotifierSettings(
    poll=0.05, timeout=0.5, first_wait=0.05, longest_wait=0.2, attempts_per_channel=2, repeat_every=3600
)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    async with open_registry(tmp_path / "registry.db", policy=IncidentPolicy(tell_cleared_after=0)) as opened:
        yield opened


@pytest.fixture
def first() -> Iterator[Webhook]:
    with webhook() as hook:
        yield hook


@pytest.fixture
def second() -> Iterator[Webhook]:
    with webhook() as hook:
        yield hook


@pytest.fixture
def mail() -> Iterator[tuple[Mailbox, str]]:
    with smtp() as server:
        yield server


@asynccontextmanager
async def notifying(
    registry: Registry, *channels: str, settings: NotifierSettings = QUICK
) -> AsyncGenerator[Notifier]:
    notifier = Notifier(registry, [Contact("duty", "Trực ban", channels)], settings)
    task = asyncio.create_task(notifier.run())
    try:
        yield notifier
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def until(condition: Callable[[list[Notification]], bool], registry: Registry) -> list[Notification]:
    """The notifications of incident 1, once they are as they should be."""
    async with asyncio.timeout(20):
        while True:
            found = list(await registry.notifications.list(1))
            if condition(found):
                return found
            await asyncio.sleep(0.02)


def all_sent(found: list[Notification]) -> bool:
    return all(one.state == NotificationState.SENT for one in found)


async def test_a_firing_reaches_a_mailbox_and_a_webhook_with_its_vietnamese_intact(
    registry: Registry, mail: tuple[Mailbox, str], first: Webhook
) -> None:
    mailbox, address = mail
    contacts = [Contact("duty", "Trực ban", [address]), Contact("hook", "", [first.url])]
    notifier = Notifier(registry, contacts, QUICK)
    await registry.incidents.record([replace(FIRING, notify=("duty", "hook"))])
    task = asyncio.create_task(notifier.run())
    await until(all_sent, registry)
    task.cancel()
    await asyncio.wait([task])

    recipients, subject, text = mailbox.mails.get_nowait()
    assert recipients == ["duty@port.example"]
    assert subject == "[Hải Đăng #1] Sự cố mới: Gió mạnh tại cầu cảng / Strong wind at the quay"
    vietnamese, english = text.replace("\r\n", "\n").strip().split("\n\n")
    assert vietnamese.split("\n") == [
        "Sự cố mới: Gió mạnh tại cầu cảng",
        "Tốc độ gió 18,3 vượt 17,2.",
        "Thiết bị: quay-mast",
        "Bắt đầu: 07:47:03 ngày 22/11/2026 (giờ Việt Nam)",
        "Sự cố số 1, mức nguy cấp, chưa có người tiếp nhận",
    ]
    assert english.split("\n") == [
        "New incident: Strong wind at the quay",
        "wind_speed of quay-mast is 18.3, above 17.2.",
        "Device: quay-mast",
        "Since: 2026-11-22 07:47:03 Asia/Ho_Chi_Minh (2026-11-22 00:47:03 UTC)",
        "Incident 1, critical, not acknowledged",
    ]
    hooked = first.received.get_nowait()
    assert (hooked["title"], hooked["type"]) == (subject, "failure")
    assert hooked["message"].strip() == text.replace("\r\n", "\n").strip()


async def test_the_all_clear_is_told_too(registry: Registry, first: Webhook) -> None:
    async with notifying(registry, first.url) as notifier:
        await registry.incidents.record([FIRING])
        notifier.nudge()
        await until(all_sent, registry)
        await registry.incidents.record([Clearing("high-wind", "quay-mast", AT + 60_000_000_000, 14.0)])
        notifier.nudge()
        await until(lambda found: len(found) == 2 and all_sent(found), registry)
    cleared = first.received.queue[1]
    assert cleared["title"].startswith("[Hải Đăng #1] Đã hết: Gió mạnh tại cầu cảng")
    assert "Kết thúc: 07:48:03 ngày 22/11/2026 (giờ Việt Nam)" in cleared["message"]
    assert cleared["type"] == "info"


async def test_a_refused_message_is_tried_again(registry: Registry, first: Webhook) -> None:
    for answer in (500, 503, 429):
        first.answers.put(answer)
    await registry.incidents.record([FIRING])
    async with notifying(registry, first.url):
        (sent,) = await until(all_sent, registry)
    assert sent.attempts == 4
    assert len(set(first.texts())) == 1, "it is recognisably the same message"


async def test_a_channel_that_keeps_failing_gives_way_to_the_next_one(
    registry: Registry, first: Webhook, second: Webhook
) -> None:
    for _ in range(9):
        first.answers.put(500)
    await registry.incidents.record([FIRING])
    async with notifying(registry, first.url, second.url):
        (sent,) = await until(all_sent, registry)
    assert (first.received.qsize(), second.received.qsize()) == (2, 1)
    assert (sent.attempts, sent.channel) == (3, 1)
    assert "duty/1 (json)" in sent.last_error
    assert "500" in sent.last_error


async def test_a_provider_that_hangs_for_good_gives_way_to_the_next_one_and_takes_one_thread_only(
    registry: Registry, first: Webhook, second: Webhook
) -> None:
    first.answers.put("drip")
    await registry.incidents.record([replace(FIRING, device=f"mast-{n}") for n in range(8)])
    async with notifying(registry, first.url, second.url):
        async with asyncio.timeout(20):
            while second.received.qsize() < 8:
                await asyncio.sleep(0.02)
        (sent,) = await until(all_sent, registry)
    assert first.received.qsize() == 1
    assert "no answer within 0.5 s" in sent.last_error or "still hangs" in sent.last_error


async def test_a_hanging_provider_delays_no_other_contact(
    registry: Registry, first: Webhook, second: Webhook
) -> None:
    first.answers.put("drip")
    patient = replace(QUICK, timeout=60)
    contacts = [Contact("duty", "", [first.url]), Contact("master", "", [second.url])]
    task = asyncio.create_task(Notifier(registry, contacts, patient).run())
    await registry.incidents.record([FIRING])
    async with asyncio.timeout(20):
        while first.received.empty():
            await asyncio.sleep(0.02)
    await registry.incidents.record([replace(FIRING, rule_id="other", notify=("master",))])
    async with asyncio.timeout(20):
        while second.received.empty():
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait([task])


async def test_nobody_at_the_other_end_is_a_failure_with_its_reason(registry: Registry) -> None:
    await registry.incidents.record([FIRING])
    async with notifying(registry, "json://127.0.0.1:1/"):
        (failed, *_) = await until(lambda found: found[0].attempts >= 2, registry)
    assert "A Connection error occurred" in failed.last_error


async def test_what_cannot_be_sent_for_a_day_is_given_up_and_says_so(registry: Registry) -> None:
    await registry.incidents.record([FIRING])
    async with notifying(registry, "json://127.0.0.1:1/", settings=replace(QUICK, give_up_after=0)):
        (given_up,) = await until(lambda found: found[0].state == NotificationState.FAILED, registry)
    assert "A Connection error occurred" in given_up.last_error


async def test_a_contact_gone_from_the_configuration_is_a_failure_and_not_silence(registry: Registry) -> None:
    await registry.incidents.record([replace(FIRING, notify=("nobody",))])
    async with notifying(registry, "json://127.0.0.1:1/"):
        (given_up,) = await until(lambda found: found[0].state == NotificationState.FAILED, registry)
    assert given_up.last_error == "the configuration has no channel for 'nobody'"


async def test_a_critical_incident_is_repeated_until_somebody_acknowledges_it(
    registry: Registry, first: Webhook
) -> None:
    await registry.incidents.record([FIRING])
    async with notifying(registry, first.url, settings=replace(QUICK, repeat_every=0.2)):
        await until(lambda found: len(found) >= 3, registry)
        await registry.incidents.acknowledge(1, "Nguyễn Văn An")
        count = len(await until(lambda found: not any(map(is_open, found)), registry))
        assert await registry.incidents.remind(0) == 0
        assert len(await registry.notifications.list(1)) == count
    assert first.received.queue[1]["title"].startswith("[Hải Đăng #1] Nhắc lại")


def contents(folder: Path) -> str:
    return b"".join(file.read_bytes() for file in folder.iterdir()).decode(errors="replace")


def is_open(notification: Notification) -> bool:
    return notification.state in (NotificationState.PENDING, NotificationState.SENDING)


async def test_secrets_of_a_channel_appear_in_no_log_no_error_and_no_registry(
    registry: Registry, first: Webhook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = first.server.server_port
    secrets = ["s3cretUser", "s3cretPassword", "s3cretPath", "s3cret Query"]
    url = f"json://{secrets[0]}:{secrets[1]}@127.0.0.1:{port}/{secrets[2]}?-token=s3cret%20Query"
    for answer in (500, 401):
        first.answers.put(answer)
    caplog.set_level(logging.DEBUG)
    logs = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(logs))
    try:
        await registry.incidents.record([FIRING])
        async with notifying(registry, url):
            (sent,) = await until(all_sent, registry)
    finally:
        structlog.reset_defaults()
    assert first.received.queue[0]["path"] == "/s3cretPath?token=s3cret%20Query".replace("%20", "+")
    assert sent.last_error
    stored = contents(tmp_path)
    for place in (
        logs.getvalue(),
        caplog.text,
        repr(Contact("duty", "", [url])),
        stored,
    ):
        assert "s3cret" not in place
    assert "notification not sent" in logs.getvalue(), "the log is where it is looked for"


@pytest.mark.parametrize(
    "url", ["", "json://", "nonsense://s3cret", "mailto://user:s3cret@", "s3cret", "file:///x"]
)
def test_a_channel_of_no_use_is_refused_at_the_start_without_its_secret(url: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"channel duty/1 \(.*\) is not one that apprise can use"
    ) as caught:
        check_contacts([Contact("duty", "", [url])])
    assert "s3cret" not in str(caught.value)


def test_a_contact_without_a_channel_or_there_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'duty' has no channel"):
        check_contacts([Contact("duty")])
    twice = Contact("duty", "", ["json://127.0.0.1"])
    with pytest.raises(ConfigurationError, match="two contacts 'duty'"):
        check_contacts([twice, twice])
