"""An ONVIF camera that is not ours, read and moved by the gateway."""

import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from gateways.onvif import link as link_onvif
from tests.gateways.onvif_counterpart import PASSWORD, USER, build_counterpart
from tests.gateways.onvif_rig import reading
from tests.servers import free_port, wait_for_port
from tests.waiting import until

pytestmark = [pytest.mark.crates, pytest.mark.timeout(900)]  # it is compiled first


@pytest.fixture(scope="module")
def counterpart(pytestconfig: pytest.Config) -> Generator[tuple[int, Path]]:
    """Its port, and the file with what it says it was told."""
    folder = pytestconfig.cache.mkdir("onvif-counterpart") if pytestconfig.cache else None
    if folder is None:
        pytest.skip("needs pytest's cache to build the counterpart in")
    program, port, said = build_counterpart(folder), free_port(), folder / "said.txt"
    with (
        said.open("wb") as output,
        subprocess.Popen([program], env={**os.environ, "ONVIF_PORT": str(port)}, stdout=output) as process,
    ):
        try:
            wait_for_port(port, process)
            yield port, said
        finally:
            process.terminate()


async def test_a_camera_that_is_not_ours_is_read_and_moved(counterpart: tuple[int, Path]) -> None:
    port, said = counterpart
    async with reading(f"onvif://{USER}:{PASSWORD}@127.0.0.1:{port}") as rig:
        await until(lambda: rig.values.get("moving") is False)
        assert (rig.values["model"], rig.values["firmware"]) == ("VirtualPTZ", "1.0")
        assert abs(float(rig.values["clock_offset"])) < 60
        assert (await rig.tell("move", pan=0.5, tilt=-0.25, hold=2.0)).done
        assert (await rig.tell("zoom", speed=-1.0)).done
        assert (await rig.tell("stop")).done
        assert (await rig.tell("move_to", pan=-1.0, tilt=0.5)).done
        assert (await rig.tell("preset_store", preset=3)).done
        assert (await rig.tell("preset_recall", preset=3)).done
        assert (await rig.tell("preset_clear", preset=3)).done
        refused = await rig.tell("preset_recall", preset=3)
        assert (refused.reason, refused.detail) == ("refused", "the camera has no preset 3; it has none")
        assert (await rig.tell("home")).reason == "refused"
        assert not rig.record.faults
    told = said.read_text()
    for line in (
        "continuous_move: profile=profile_0 pan=0.500 tilt=-0.250 zoom=0.000",
        "continuous_move: profile=profile_0 pan=0.000 tilt=0.000 zoom=-1.000",
        "stop: profile=profile_0 pan_tilt=true zoom=true",
        "absolute_move: profile=profile_0 pan=-1.000 tilt=0.500",
        "set_preset: profile=profile_0 token=preset_1 name=haidang-3",
        "goto_preset: profile=profile_0 moving to preset=preset_1",
        "remove_preset: profile=profile_0 removed token=preset_1",
    ):
        assert line in told


async def test_a_camera_that_is_not_ours_refuses_a_wrong_password_in_our_words(
    counterpart: tuple[int, Path],
) -> None:
    port, _ = counterpart
    link_onvif._refused.clear()
    async with reading(f"onvif://{USER}:wrong@127.0.0.1:{port}") as rig:
        await until(lambda: rig.record.faults["link"])
        assert f"the camera refuses user {USER}: check name and password in the link" in rig.detail


async def test_its_subscription_is_followed_by_what_it_wants_said_back(counterpart: tuple[int, Path]) -> None:
    port, _ = counterpart
    async with reading(f"onvif://{USER}:{PASSWORD}@127.0.0.1:{port}", every=0.2) as rig:
        await until(lambda: len(rig.readings) >= 6)
        assert not rig.record.faults
