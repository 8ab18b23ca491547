"""ONVIF cameras through the gateway's pump: what they say and what they are told."""

import ssl
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from firmware_sim.onvif.server import serve_onvif
from gateways import clock
from gateways.links import parse_link, shown
from gateways.onvif import events as onvif_events
from gateways.onvif import link as link_onvif
from gateways.onvif.link import OnvifAddress
from telemetry import ConfigurationError
from tests.gateways.onvif_rig import a_camera, camera_read, link_to, reading
from tests.servers import need
from tests.waiting import until

MOTION = "tns1:VideoSource/MotionAlarm"


@pytest.fixture(autouse=True)
def _no_pause_is_left() -> None:
    link_onvif._refused.clear()


async def test_a_camera_says_what_it_is_where_it_looks_and_what_it_sees() -> None:
    async with camera_read(a_camera()) as (server, rig):
        await until(lambda: "pan" in rig.values)
        assert rig.values["model"] == "SIM-PTZ"
        assert (rig.values["pan"], rig.values["zoom"], rig.values["moving"]) == (0.0, 0.0, False)
        await until(lambda: server.camera.events and server.camera.events.subscriptions)
        server.happen(MOTION, {"Source": "v1"}, {"State": "true"})
        await until(lambda: rig.values.get("motion") is True)
        server.happen(MOTION, {"Source": "v1"}, {"State": "false"})
        await until(lambda: rig.values["motion"] is False)
        assert rig.state == "ok"
        assert not rig.record.faults
        assert all(a.observed_at < b.observed_at for a, b in pairwise(rig.readings))


async def test_an_operator_turns_stops_and_sends_the_head_to_presets() -> None:
    camera = a_camera()
    async with camera_read(camera) as (_, rig):
        assert camera.ptz is not None
        head = camera.ptz.head
        await until(lambda: "pan" in rig.values)
        assert (await rig.tell("move", pan=1.0, tilt=0.0, hold=10.0)).done
        assert head.pan.drive == 1.0
        await until(lambda: rig.values["moving"] is True and float(rig.values["pan"]) > 0)
        assert (await rig.tell("stop")).done
        assert not head.moving
        assert (await rig.tell("preset_store", preset=7)).done
        assert (await rig.tell("move_to", pan=-1.0, tilt=1.0)).done
        assert (head.pan.target, head.tilt.target) == (-170, 90)
        assert (await rig.tell("zoom_to", zoom=25.0)).done
        assert head.zoom.target == 25
        assert (await rig.tell("preset_recall", preset=7)).done
        assert head.pan.target == head.presets[7][0]
        assert (await rig.tell("home")).done
        assert (await rig.tell("preset_clear", preset=7)).done
        assert head.presets == {}
        reply = await rig.tell("preset_recall", preset=7)
        assert (reply.reason, reply.detail) == ("refused", "the camera has no preset 7; it has none")
        told = await rig.tell("position")
        assert told.done
        assert set(told.values) == {"pan", "tilt", "zoom", "moving", "head_error"}


async def test_a_move_ends_by_itself_when_the_operator_vanishes() -> None:
    camera = a_camera()
    async with camera_read(camera, every=60) as (_, rig):
        assert camera.ptz is not None
        await until(lambda: "Stop" in camera.asked)
        stops = camera.asked.count("Stop")
        assert (await rig.tell("move", pan=0.2, hold=0.3)).done
        await until(lambda: camera.asked.count("Stop") > stops)
        await until(lambda: camera.ptz is not None and not camera.ptz.head.moving)


async def test_a_move_carries_a_time_of_its_own_so_that_the_camera_stops_without_us() -> None:
    camera = a_camera()
    async with camera_read(camera, every=60) as (_, rig):
        assert camera.ptz is not None
        await until(lambda: "pan" in rig.values)
        asked_at = clock.now().monotonic
        assert (await rig.tell("move", pan=0.2, hold=4.5)).done
        assert asked_at <= camera.ptz.stop_at - 5 <= clock.now().monotonic


async def test_a_head_that_may_be_moving_is_stopped_when_the_link_opens() -> None:
    camera = a_camera()
    assert camera.ptz is not None
    camera.ptz.head.pan.run(0.01)
    async with camera_read(camera):
        await until(lambda: "Stop" in camera.asked)
        await until(lambda: camera.ptz is not None and not camera.ptz.head.moving)


async def test_a_camera_whose_clock_is_a_day_off_is_signed_to_in_its_own_time() -> None:
    camera = a_camera()
    camera.clock_offset = 86_400.0
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)
        assert float(rig.values["clock_offset"]) == pytest.approx(86_400, abs=5)


async def test_a_camera_whose_clock_is_set_meanwhile_is_greeted_anew() -> None:
    camera = a_camera()
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)
        camera.clock_offset = -7200.0
        await until(lambda: float(rig.values["clock_offset"]) < -7000)
        before = len(rig.readings)
        await until(lambda: len(rig.readings) > before + 3)
        assert rig.state == "ok"


async def test_a_wrong_password_is_told_in_words_and_not_tried_again_and_again() -> None:
    camera = a_camera()
    link = ""
    async with serve_onvif(camera, clock.now):
        link = link_to(camera, password="wrong")
        async with reading(link) as rig:
            await until(lambda: rig.record.faults["link"] >= 2)
            assert "refuses user operator: check name and password in the link" in rig.detail
            assert "wrong" not in rig.detail
            assert camera.asked.count("GetDeviceInformation") == 1
            link_onvif._refused.clear()
            camera.password = "wrong"
            await until(lambda: rig.state == "ok")


async def test_a_camera_that_wants_its_signature_in_http_gets_it_there() -> None:
    camera = a_camera()
    camera.http_digest = True
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)
        assert (await rig.tell("home")).done
        assert not rig.record.faults


async def test_a_camera_that_wants_its_signature_in_http_refuses_a_wrong_one() -> None:
    camera = a_camera()
    camera.http_digest = True
    async with serve_onvif(camera, clock.now), reading(link_to(camera, password="wrong")) as rig:
        await until(lambda: rig.record.faults["link"])
        assert "refuses user operator" in rig.detail


def own_certificate(folder: Path) -> ssl.SSLContext:
    openssl, key, certificate = need("openssl", "openssl"), folder / "key.pem", folder / "camera.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=camera"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    return tls


async def test_over_tls_a_certificate_is_checked_unless_the_link_says_otherwise(tmp_path: Path) -> None:
    tls = own_certificate(tmp_path)
    camera = a_camera()
    async with serve_onvif(camera, clock.now, tls=tls):
        link = f"onvifs://{camera.user}:{camera.password}@{camera.root.removeprefix('https://')}"
        async with reading(link) as rig:
            await until(lambda: rig.record.faults["link"])
            assert "does not trust the camera's certificate" in rig.detail
        async with reading(link + "/?verify=no") as rig:
            await until(lambda: "pan" in rig.values)


async def test_a_device_that_joins_an_open_link_learns_what_the_camera_has() -> None:
    camera = a_camera()
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)
        rig.pump.remove(rig.device.id)
        rig.readings.clear()
        rig.add()
        await until(lambda: {"model", "pan"} <= rig.values.keys())
        assert camera.asked.count("GetDeviceInformation") == 1


async def test_a_camera_without_a_head_tells_its_events_and_refuses_to_move() -> None:
    camera = a_camera(ptz=False)
    async with camera_read(camera) as (server, rig):
        await until(lambda: rig.values.get("model"))
        reply = await rig.tell("move", pan=1.0)
        assert (reply.reason, reply.detail) == ("refused", "this camera has no head that moves")
        await until(lambda: camera.events is not None and camera.events.subscriptions)
        server.happen("tns1:Device/Trigger/DigitalInput", {"InputToken": "1"}, {"LogicalState": "true"})
        await until(lambda: rig.values.get("digital_input") is True)
        clocks = [r for r in rig.readings if "clock_offset" in r.values]
        await until(lambda: len([r for r in rig.readings if "clock_offset" in r.values]) > len(clocks))


async def test_a_camera_without_events_is_moved_all_the_same() -> None:
    async with camera_read(a_camera(events=False)) as (server, rig):
        await until(lambda: "pan" in rig.values)
        assert (await rig.tell("move", pan=0.1)).done
        assert not rig.record.faults
        assert "CreatePullPointSubscription" not in server.camera.asked


async def test_an_old_camera_tells_its_services_as_capabilities() -> None:
    camera = a_camera()
    camera.lacks = frozenset({"GetServices", "GetNode"})
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)


async def test_a_profile_is_chosen_by_name_and_one_that_is_not_there_is_told() -> None:
    camera = a_camera()
    async with serve_onvif(camera, clock.now):
        async with reading(link_to(camera) + "/?profile=main") as rig:
            await until(lambda: "pan" in rig.values)
        async with reading(link_to(camera) + "/?profile=sub") as rig:
            await until(lambda: rig.record.faults["link"])
            assert rig.detail == "the camera has no profile sub; it has profile_1"


@pytest.mark.parametrize("echoes", [False, True])
async def test_subscriptions_are_renewed_and_given_back(
    echoes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onvif_events, "LIFETIME", 4.0)
    monkeypatch.setattr(onvif_events, "LONGEST_PULL", 1.0)
    camera = a_camera()
    assert camera.events is not None
    camera.events.echoes = echoes
    async with camera_read(camera, every=60) as (server, rig):
        await until(lambda: camera.asked.count("Renew") >= 1)
        assert camera.asked.count("CreatePullPointSubscription") == 1
        server.happen(MOTION, {"Source": "v1"}, {"State": "true"})
        await until(lambda: rig.values.get("motion") is True)
    assert camera.events.subscriptions == {}


async def test_a_camera_that_cannot_renew_is_asked_for_new_subscriptions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onvif_events, "LIFETIME", 3.0)
    monkeypatch.setattr(onvif_events, "LONGEST_PULL", 1.0)
    camera = a_camera()
    assert camera.events is not None
    camera.events.renews = False
    async with camera_read(camera, every=60) as (server, rig):
        await until(lambda: camera.asked.count("CreatePullPointSubscription") >= 2)
        server.happen(MOTION, {"Source": "v1"}, {"State": "true"})
        await until(lambda: rig.values.get("motion") is True)
        assert len(camera.events.subscriptions) == 1
        assert not rig.record.faults


async def test_a_camera_that_wants_a_user_says_so() -> None:
    camera = a_camera()
    async with serve_onvif(camera, clock.now), reading(camera.root.replace("http", "onvif")) as rig:
        await until(lambda: rig.record.faults["link"])
        assert "the camera wants a user: write onvif://user:password@host" in rig.detail


def test_a_link_names_host_user_password_and_profile() -> None:
    address = parse_link("onvif://operator:p%40ss@192.0.2.7/?profile=Profile_1")
    assert address == OnvifAddress("192.0.2.7", 80, "operator", "p@ss", "", "Profile_1")
    assert "p@ss" not in repr(address)
    assert shown("onvif://operator:p%40ss@192.0.2.7/") == "onvif://operator:***@192.0.2.7/"
    secure = parse_link("onvifs://192.0.2.7/onvif/device?verify=no")
    assert secure == OnvifAddress("192.0.2.7", 443, path="/onvif/device", tls=True, verify=False)
    assert isinstance(secure, OnvifAddress)
    assert secure.root == "https://192.0.2.7:443"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("onvif://", "names no host"),
        ("onvif://u:secret@h:99999", "the port is a number"),
        ("onvif://u:secret@h/?stream=1", "stream is not known here"),
        ("onvif://u:secret@h/?verify=maybe", "verify is yes or no"),
        ("onvif://u:secret@h/#1", "%23"),
    ],
)
def test_a_mistake_in_a_link_is_told_with_its_remedy_and_without_the_password(url: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        parse_link(url)
    assert "secret" not in str(raised.value)
