"""ONVIF cameras through the gateway's pump: what may go wrong with them."""

import asyncio
import logging
import random
from collections import Counter
from datetime import timedelta

import pytest

from drivers.onvif import messages as m
from drivers.onvif.xml import read_xml
from firmware_sim.onvif.camera import OnvifCamera as OnvifSimulated
from firmware_sim.onvif.events_service import MOST_SUBSCRIPTIONS
from firmware_sim.onvif.requests import SoapRequest, read_request
from firmware_sim.onvif.server import serve_onvif
from gateways import clock
from gateways.onvif import conversation as onvif_conversation
from gateways.onvif import link as link_onvif
from gateways.onvif import soap as onvif_soap
from gateways.onvif.camera import OnvifCamera
from gateways.onvif.events import PullPoint
from tests.gateways.onvif_rig import a_camera, camera_read, link_to, reading
from tests.servers import free_port
from tests.waiting import until

MOTION = "tns1:VideoSource/MotionAlarm"


@pytest.fixture(autouse=True)
def _no_pause_is_left() -> None:
    link_onvif._refused.clear()


async def test_after_a_reboot_positions_and_events_come_again() -> None:
    camera = a_camera()
    assert camera.events is not None
    async with camera_read(camera) as (server, rig):
        await until(lambda: camera.events is not None and camera.events.subscriptions)
        await until(lambda: "pan" in rig.values)
        server.reboot()
        await until(lambda: camera.asked.count("CreatePullPointSubscription") >= 2)
        await until(lambda: camera.events is not None and camera.events.subscriptions)
        before = len(rig.readings)
        server.happen(MOTION, {"Source": "v1"}, {"State": "true"})
        await until(lambda: rig.values.get("motion") is True)
        await until(lambda: len(rig.readings) > before + 2)


async def test_a_camera_that_is_off_for_a_while_is_read_when_it_is_back() -> None:
    camera, port = a_camera(), free_port()
    async with reading(f"onvif://operator:quay-7@127.0.0.1:{port}") as rig:
        await until(lambda: rig.record.faults["link"])
        assert f"cannot reach the camera at http://127.0.0.1:{port}" in rig.detail
        async with serve_onvif(camera, clock.now, port):
            await until(lambda: "pan" in rig.values)
            before = rig.record.faults["link"]
        await until(lambda: rig.record.faults["link"] > before)
        reply = await rig.tell("home")
        assert reply.reason == "unsent"


@pytest.mark.parametrize(
    "spoil", ["fault", "garbage", "bomb", "huge", "redirect", "empty", "status", "parts"]
)
async def test_a_bad_answer_is_a_fault_and_the_next_good_one_a_reading(spoil: str) -> None:
    camera = a_camera()
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)
        camera.spoil["GetStatus"] = spoil
        await until(lambda: sum(rig.record.faults.values()) >= 2)
        assert set(rig.record.faults) <= {"refused", "garbled"}
        camera.spoil.clear()
        before = len(rig.readings)
        await until(lambda: len(rig.readings) > before)
        assert rig.record.faults["link"] == 0
        reply = await rig.tell("home")
        assert reply.done


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [("fault", "refused"), ("garbage", "timeout"), ("bomb", "timeout"), ("unauthorized", "refused")],
)
async def test_a_command_that_fails_is_replied_to_once_with_its_reason(spoil: str, reason: str) -> None:
    camera = a_camera()
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)
        camera.spoil["GotoHomePosition"] = spoil
        reply = await rig.tell("home")
        assert reply.reason == reason
        assert "GotoHomePosition" in reply.detail or "refuses user" in reply.detail


def mutilated(document: bytes, dice: random.Random) -> bytes:
    """A piece cut out, doubled, or replaced by something else."""
    start = dice.randrange(len(document))
    end = min(len(document), start + dice.choice((1, 3, 20, 200)))
    other = dice.choice(
        (b"", document[start:end] * 2, b"\x00", b"&amp;", b'"', b"<x>", b"-", b"99999999999999999")
    )
    return document[:start] + other + document[end:]


async def everything(soap: onvif_soap.Soap) -> None:
    """Whatever is read of an answer of the camera."""
    one = OnvifCamera(soap)
    await one.greet()
    await one.position("x")
    await one.carry_out(m.PRESET_STORE, m.Ask("x", preset=1))
    subscription = await PullPoint(soap, told, noticed)._subscribe()
    await soap.use("pullpoint", subscription.address)
    await soap.ask("pullpoint", "PullMessages", Timeout=timedelta(0), MessageLimit=9)


async def told(event: m.Happening) -> None:
    raise AssertionError("nothing is followed here")


def noticed(error: onvif_soap.SoapError) -> None:
    raise error


READ = {
    "GetSystemDateAndTime": "",
    "GetServices": "",
    "GetDeviceInformation": "",
    "GetProfiles": "",
    "GetNode": "",
    "GetStatus": "",
    "GetPresets": "",
    "CreatePullPointSubscription": "",
    "PullMessages": "<MessageLimit>9</MessageLimit>",
}


async def test_no_mutilated_answer_raises_what_nobody_expects() -> None:
    camera, dice, outcomes = a_camera(), random.Random(18), Counter[str]()
    assert camera.ptz is not None
    camera.ptz.head.presets[1] = (0.0, 0.0, 0.0)
    async with serve_onvif(camera, clock.now) as server:
        server.happen(MOTION, {"Source": "v1"}, {"State": "true"})
        account = onvif_soap.Account(camera.root, camera.user, camera.password)
        async with onvif_soap.open_soap(account) as soap:
            await everything(soap)
            for operation, arguments in READ.items():
                whole = answer_to(camera, operation, arguments)
                camera.spoil = {operation: "raw"}
                for _ in range(25):
                    assert camera.events is not None
                    camera.events.subscriptions.clear()
                    server.raw = mutilated(whole, dice)
                    try:
                        await everything(soap)
                    except onvif_soap.SoapError as error:
                        outcomes[error.reason] += 1
                    else:
                        outcomes["read"] += 1
    assert outcomes["read"]
    assert outcomes["garbled"]
    assert sum(outcomes.values()) == 25 * len(READ)


def answer_to(camera: OnvifSimulated, operation: str, arguments: str) -> bytes:
    """The camera's whole answer."""
    now = clock.now()
    made = camera.carry_out(asked("CreatePullPointSubscription", "", "/"), now)
    assert made is not None
    path = read_xml(made.body).text_of("Address")
    answer = camera.carry_out(asked(operation, arguments, path), now)
    assert answer is not None
    assert answer.status == 200
    return answer.body


def asked(operation: str, arguments: str, path: str) -> SoapRequest:
    request = read_request(f"<E><Body><{operation}>{arguments}</{operation}></Body></E>".encode(), path)
    assert request is not None
    return request


async def test_a_service_at_no_address_is_done_without() -> None:
    camera = a_camera()
    assert camera.events is not None
    async with serve_onvif(camera, clock.now), reading(link_to(camera)) as rig:
        camera.root = "http://[not-an-address"
        await until(lambda: rig.values.get("model"))
        assert (await rig.tell("move", pan=1.0)).reason == "refused"


async def test_a_slow_answer_delays_neither_orders_nor_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onvif_soap, "ANSWER_TIME", 30.0)
    camera = a_camera()
    async with camera_read(camera) as (server, rig):
        await until(lambda: "pan" in rig.values and camera.events is not None and camera.events.subscriptions)
        camera.spoil["GetStatus"] = "slow"
        await until(lambda: camera.asked[-1:] == ["GetStatus"])
        assert (await rig.tell("move", pan=0.1)).done
        server.happen(MOTION, {"Source": "v1"}, {"State": "true"})
        await until(lambda: rig.values.get("motion") is True)
        assert "timeout" not in rig.record.faults


async def test_a_camera_that_answers_nothing_any_more_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = a_camera(events=False)
    async with camera_read(camera) as (_, rig):
        await until(lambda: "pan" in rig.values)
        monkeypatch.setattr(onvif_conversation, "UNANSWERED", 1)
        camera.spoil["*"] = "drop"
        await until(lambda: rig.record.faults["link"])
        camera.spoil.clear()
        before = len(rig.readings)
        await until(lambda: len(rig.readings) > before)


async def test_a_flood_of_events_is_taken_in_its_order_and_none_is_doubled() -> None:
    camera = a_camera()
    async with camera_read(camera, every=60) as (server, rig):
        await until(lambda: camera.events is not None and camera.events.subscriptions)
        for number in range(60):
            server.happen("tns1:RuleEngine/LineDetector/Crossed", {"Rule": "gate"}, {"ObjectId": str(number)})
        await until(lambda: rig.values.get("lines_crossed") == 60)
        counts = [r.values["lines_crossed"] for r in rig.readings if "lines_crossed" in r.values]
        assert counts == list(range(1, 61))


async def test_ten_restarts_use_up_no_subscriptions() -> None:
    camera = a_camera()
    assert camera.events is not None
    async with serve_onvif(camera, clock.now):
        for _ in range(MOST_SUBSCRIPTIONS + 2):
            camera.asked.clear()
            async with reading(link_to(camera), every=60):
                await until(lambda: "PullMessages" in camera.asked)
    assert camera.events.subscriptions == {}


async def test_the_library_leaves_everybodys_log_alone() -> None:
    before = (logging.getLogger().handlers[:], logging.getLogger().level)
    await asyncio.to_thread(onvif_soap._library.__wrapped__)
    assert (logging.getLogger().handlers, logging.getLogger().level) == before
