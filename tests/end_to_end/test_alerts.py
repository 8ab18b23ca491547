"""From a value over its limit to a person who has it in hand, through real mail and webhook servers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from queue import Queue
from typing import Any

from drivers.nmea.sentences import encode
from tests.alerts.provider import Mailbox, Webhook, smtp, webhook
from tests.end_to_end.platform import Platform, run
from tests.waiting import until

SLOW_FLAPS, FAST_FLAPS = 3, 7
COOL, HOT = 24.0, 31.5
RULES = """
rules:
  - id: warm-water
    title: {en: The dock's water is warm, vi: Nước trong bến nóng}
    severity: critical
    when: {kind: weather, metric: water_temperature, above: 30, clear_below: 28}
    notify: [duty, office]
  - id: gauge-silent
    title: {en: The gauge is silent, vi: Nhiệt kế im lặng}
    when: {stale: {device: gauge, after: 3s}}
    notify: [office]
"""


class Gauge:
    """A thermometer in the water that says its value ten times a second until it is silenced."""

    def __init__(self) -> None:
        self.speaking = True
        self._value = COOL
        self._line: asyncio.StreamWriter | None = None

    def say(self, *values: float) -> None:
        """These values one after the other, at once; the last one from then on."""
        assert self._line is not None
        self._value = values[-1]
        self._line.write(b"".join(encode("YX", "MTW", [f"{value}", "C"]) for value in values))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._line = writer
        repeating = asyncio.create_task(self._repeat())
        await reader.read()  # the end: whoever listened has gone
        repeating.cancel()
        writer.close()

    async def _repeat(self) -> None:
        while True:
            if self.speaking:
                self.say(self._value)
            await asyncio.sleep(0.1)


@asynccontextmanager
async def gauge() -> AsyncGenerator[tuple[Gauge, int]]:
    device = Gauge()
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    async with server:
        yield device, int(server.sockets[0].getsockname()[1])


def configuration(port: int, mail: str, hook: str) -> str:
    return f"""
rules = "rules.yaml"
[[contact]]
id = "duty"
name = "Trực ban"
channels = ["{mail}"]
[[contact]]
id = "office"
channels = ["{hook}"]
[[gateway]]
id = "quay"
[[gateway.device]]
id = "gauge"
profile = "nmea-weather"
link = "tcp://127.0.0.1:{port}"
"""


async def test_an_alert_reaches_both_contacts_once_and_survives_flapping_and_kill_minus_nine(
    tmp_path: Path,
) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, "utf-8")
    with smtp() as (mailbox, mail), webhook() as hook:
        async with gauge() as (device, port):
            settings = configuration(port, mail, hook.url)
            running = await Platform.start(tmp_path, settings)
            try:
                await reaches_both(running, device, mailbox, hook)
                await is_one_incident_however_it_flaps(running, device)
                hook.answers = the_office_is_out()
                device.speaking = False
                await is_listed_and_acknowledged_on_the_command_line(running, tmp_path)
                await is_another_incident_as_it_is_silent(running, hook)
                await running.kill()
                hook.answers = Queue()
                running = await Platform.start(tmp_path, settings)
                await the_office_is_told_all_the_same(running, hook)
            finally:
                code = await running.stop()
            assert code == 0
            assert not running.complaints
            assert len(about(1, hook)) == mailbox.mails.qsize() + 1 == 1


async def reaches_both(running: Platform, device: Gauge, mailbox: Mailbox, hook: Webhook) -> None:
    await running.until("/api/v1/devices/gauge/latest", lambda answer: answer.get("values"))
    assert (await running.get("/api/v1/incidents"))["items"] == []
    device.say(HOT)
    await until(lambda: hook.texts() and not mailbox.mails.empty())
    recipients, subject, text = mailbox.mails.get()
    assert recipients == ["duty@port.example"]
    assert subject == "[Hải Đăng #1] Sự cố mới: Nước trong bến nóng / The dock's water is warm"
    for message in (text.replace("\r\n", "\n"), hook.texts()[0]):
        assert "water_temperature của gauge là 31,5, cao hơn 30." in message
        assert "water_temperature of gauge is 31.5, above 30." in message
        assert "Sự cố số 1, mức nguy cấp, chưa có người tiếp nhận" in message
        assert "Incident 1, critical, not acknowledged" in message


async def is_one_incident_however_it_flaps(running: Platform, device: Gauge) -> None:
    for flap in range(1, 1 + SLOW_FLAPS):
        device.say(29.0, COOL)
        await running.until("/api/v1/incidents/1", lambda one: one["state"] == "cleared")
        device.say(29.0, HOT)
        await has_fired(running, 1 + flap)
    device.say(*[value for _ in range(FAST_FLAPS) for value in (29.0, COOL, 29.0, HOT)])
    await has_fired(running, 1 + SLOW_FLAPS + FAST_FLAPS)
    incidents = await running.get("/api/v1/incidents")
    assert [(one["id"], one["state"]) for one in incidents["items"]] == [(1, "open")]


async def has_fired(running: Platform, times: int) -> None:
    await running.until("/api/v1/incidents/1", lambda one: one["firings"] == times)


async def is_listed_and_acknowledged_on_the_command_line(running: Platform, folder: Path) -> None:
    where = ("--config", str(folder / "haidang.toml"), "--data-dir", str(folder / "data"))
    code, listed = await run("incidents", *where)
    assert code == 0, listed
    assert "Nước" in listed
    assert "gauge" in listed
    code, said = await run("acknowledge", "1", "--by", "Nguyễn An", "--note", "bơm", *where)
    assert (code, said) == (0, "#1 Nước trong bến nóng / The dock's water is warm: Nguyễn An\n")
    shown = await running.get("/api/v1/incidents/1")
    assert (shown["state"], shown["acknowledged_by"], shown["note"]) == ("acknowledged", "Nguyễn An", "bơm")


def the_office_is_out() -> Queue[int | str]:
    answers: Queue[int | str] = Queue()
    for _ in range(100):
        answers.put(503)
    return answers


async def is_another_incident_as_it_is_silent(running: Platform, hook: Webhook) -> None:
    await until(lambda: about(2, hook))
    incident = await running.get("/api/v1/incidents/2")
    assert (incident["rule"], incident["device"], incident["state"]) == ("gauge-silent", "gauge", "open")


async def the_office_is_told_all_the_same(running: Platform, hook: Webhook) -> None:
    refused = len(about(2, hook))
    await until(lambda: len(about(2, hook)) > refused)
    message = about(2, hook)[-1]
    assert "Không nhận được dữ liệu từ gauge hơn 3 giây." in message
    assert "Nothing has come from gauge for more than 3 s." in message
    await running.logged("notification sent")
    answer = await running.post("/api/v1/incidents/2/acknowledge", {"by": "Trần Bình"})
    assert answer.status_code == 200, answer.text
    acknowledged: Any = answer.json()
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("acknowledged", "Trần Bình")
    states = {one["id"]: one["state"] for one in (await running.get("/api/v1/incidents"))["items"]}
    assert states == {1: "acknowledged", 2: "acknowledged"}


def about(number: int, hook: Webhook) -> list[str]:
    """What the webhook was told of this incident, attempts it refused included."""
    return [text for text in hook.texts() if f"Sự cố số {number}," in text]
