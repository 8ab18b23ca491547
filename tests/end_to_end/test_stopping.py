"""A clean stop under load: it is quick and quiet, and nothing accepted is missing or there twice."""

from pathlib import Path

import pytest

from tests.end_to_end.instrument import (
    LIFE,
    Instrument,
    configuration,
    held_numbers,
    instrument,
    stored_numbers,
)
from tests.end_to_end.live import live
from tests.end_to_end.platform import Platform, Service, places
from tests.servers import free_port
from tests.waiting import until

SAID = 2_000  # readings in each life before it is stopped
LONGEST_STOP = 15.0  # seconds


async def says(device: Instrument, life: int) -> None:
    """Returns when the device has said enough in this life."""
    await until(lambda: device.sent[life] >= SAID)


async def test_a_stop_by_signal_under_load_loses_nothing_and_doubles_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held: dict[int, set[int]] = {}
    async with instrument() as (device, port):
        for life, stop in enumerate((Platform.stop, Platform.interrupt), 1):
            running = await Platform.start(tmp_path, configuration(port))
            async with live(running.address):
                await says(device, life)
                assert await stop(running, LONGEST_STOP) == 0
            assert running.log[-1]["event"] == "stopped"
            assert not running.complaints
            held[life] = set(held_numbers(tmp_path))
        device.speaking = False
        running = await Platform.start(tmp_path, configuration(port))
        await running.drained()
        assert await running.stop(LONGEST_STOP) == 0
    lives = await stored_numbers(tmp_path)
    stored = sum(map(len, lives.values()))
    missing = sum(max(numbers) + 1 - len(set(numbers)) for numbers in lives.values())
    doubled = sum(len(numbers) - len(set(numbers)) for numbers in lives.values())
    arrived = {life * LIFE + number for life, numbers in lives.items() for number in numbers}
    with capsys.disabled():
        waited = ", ".join(f"{len(numbers)} by life {life}" for life, numbers in held.items())
        print(
            f"\nstopped under load: {sum(device.sent.values())} sent, {stored} accepted and stored, "
            f"{missing} missing, {doubled} twice; left waiting in the outbox: {waited}"
        )
    assert lives.keys() == {1, 2}
    assert stored > SAID
    assert (missing, doubled) == (0, 0)
    assert set().union(*held.values()) <= arrived
    assert not all(held.values()), "what waits is sent on before the centre stops too"


async def test_a_gateway_stopped_while_the_centre_is_away_keeps_all_it_has_read(tmp_path: Path) -> None:
    async with instrument() as (device, port):
        nobody = f'[broker]\nurl = "mqtt://127.0.0.1:{free_port()}"\n'
        gateway = await Service.begin("gateway", *places(tmp_path, configuration(port) + nobody))
        await says(device, 1)
        assert await gateway.stop(LONGEST_STOP) == 0
    assert gateway.log[-1]["event"] == "stopped"
    assert not gateway.complaints
    held = held_numbers(tmp_path)
    assert list(held) == list(range(LIFE, LIFE + len(held)))
    assert len(held) > SAID / 2
