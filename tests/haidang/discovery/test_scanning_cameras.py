"""`haidang scan onvif` names the cameras that answer and says what to do next."""

import io

import pytest
from rich.console import Console

from drivers.catalogue import load_catalogue
from drivers.onvif.discovery import GROUP
from firmware_sim.onvif.beacon import answer_probes
from firmware_sim.onvif.camera import OnvifCamera
from gateways.onvif.discovery import Found
from haidang.discovery import cameras
from haidang.discovery.cameras import ANY, MAKERS, scan_cameras

LOOPBACK = "127.0.0.1"


async def scanned(group: tuple[str, int], seconds: float) -> tuple[int, str]:
    out = Console(file=io.StringIO(), width=80)
    count = await scan_cameras(seconds, LOOPBACK, out, group)
    assert isinstance(out.file, io.StringIO)
    return count, out.file.getvalue()


async def test_a_camera_that_answers_is_named_with_the_lines_that_read_and_add_it() -> None:
    async with answer_probes([OnvifCamera(root="http://127.0.0.1:8081")]) as port:
        count, told = await scanned((GROUP, port), 2.0)
    assert count == 1
    assert "127.0.0.1: Quay camera SIM-PTZ" in told
    assert f"haidang read 'onvif://USER:PASSWORD@127.0.0.1:8081' --profile {ANY}" in told


async def test_silence_says_what_to_look_at() -> None:
    count, told = await scanned((LOOPBACK, 9), 0.5)
    assert count == 0
    assert "is ONVIF switched on" in told


@pytest.mark.parametrize("scope", ["onvif://www.onvif.org/name/HIKVISION%20DS-2DE", "hardware/hikvision"])
def test_a_makers_camera_is_read_as_its_own_model_and_cannot_steer_the_terminal(
    scope: str,
) -> None:
    out = Console(file=io.StringIO(), width=80)
    cameras._tell(Found("10.0.0.9", "Quay\x1b[2J\x07", "", (scope,), "onvif://10.0.0.9:80"), out)
    assert isinstance(out.file, io.StringIO)
    told = out.file.getvalue()
    assert "--profile onvif-hikvision" in told
    assert "\x1b" not in told
    assert "\x07" not in told


def test_every_model_that_may_be_proposed_for_a_camera_is_shipped() -> None:
    assert {ANY, *MAKERS.values()} <= load_catalogue().profiles.keys()
