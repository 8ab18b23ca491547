"""The simulated ONVIF camera by itself: who is let in, and what no request may do to it."""

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.onvif.xml import read_xml
from firmware_sim.onvif.camera import OnvifCamera
from firmware_sim.onvif.events_service import MOST_SUBSCRIPTIONS, EventService
from firmware_sim.onvif.ptz_service import PtzService
from firmware_sim.onvif.requests import SoapAnswer, SoapRequest, read_request
from firmware_sim.ptz_head import PtzHead
from telemetry import Instant, format_utc

NOW = Instant(1_795_000_000 * 10**9, 100.0)
OPERATIONS = [
    "GetStatus",
    "ContinuousMove",
    "AbsoluteMove",
    "Stop",
    "GotoPreset",
    "SetPreset",
    "RemovePreset",
    "GetPresets",
    "PullMessages",
    "Renew",
    "Unsubscribe",
    "CreatePullPointSubscription",
    "SendAuxiliaryCommand",
    "GetProfiles",
    "GetNode",
    "NoSuchThing",
]


def camera() -> OnvifCamera:
    return OnvifCamera(PtzService(PtzHead()), EventService("http://127.0.0.1:1"))


def request(operation: str, body: str = "", header: str = "") -> SoapRequest:
    envelope = f"<E><Header>{header}</Header><Body><{operation}>{body}</{operation}></Body></E>"
    asked = read_request(envelope.encode(), "/onvif/device_service")
    assert asked is not None
    return asked


def signature(user: str, password: str, created: str, nonce: bytes = b"0123456789abcdef") -> str:
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    return (
        f"<Username>{user}</Username><Password>{digest}</Password>"
        f"<Nonce>{base64.b64encode(nonce).decode()}</Nonce><Created>{created}</Created>"
    )


def admitted(one: OnvifCamera, header: str) -> bool:
    return one.admits(request("GetProfiles", header=header), NOW) is None


def test_a_right_signature_is_good_once() -> None:
    one, header = camera(), signature("operator", "quay-7", format_utc(NOW.utc))
    assert admitted(one, header)
    assert not admitted(one, header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        signature("operator", "wrong", format_utc(NOW.utc)),
        signature("somebody", "quay-7", format_utc(NOW.utc)),
        signature("operator", "quay-7", format_utc(NOW.utc - 3600 * 10**9)),
        signature("operator", "quay-7", "yesterday"),
    ],
)
def test_a_wrong_signature_is_refused(header: str) -> None:
    refusal = camera().admits(request("GetProfiles", header=header), NOW)
    assert refusal is not None
    assert b"NotAuthorized" in refusal.body


def test_the_clock_is_told_to_everybody() -> None:
    one = camera()
    one.clock_offset = 86_400.0
    assert one.admits(request("GetSystemDateAndTime"), NOW) is None
    answer = one.carry_out(request("GetSystemDateAndTime"), NOW)
    assert answer is not None
    assert read_xml(answer.body).text_of("Day") == format_utc(NOW.utc + 86_400 * 10**9)[8:10].lstrip("0")


def test_a_move_ends_at_its_time_out_and_the_head_stands() -> None:
    one = camera()
    one.carry_out(request("ContinuousMove", '<PanTilt x="0.5" y="0"/><Timeout>PT2S</Timeout>'), NOW)
    for second in range(1, 5):
        one.pass_time(Instant(NOW.utc, NOW.monotonic + second))
    assert one.ptz is not None
    assert not one.ptz.head.moving
    assert one.ptz.head.pan.position == pytest.approx(one.ptz.head.pan.speed * 0.5 * 2)


def test_subscriptions_are_few_and_end_when_nobody_renews_them() -> None:
    one = camera()
    answers = [
        one.carry_out(request("CreatePullPointSubscription"), NOW) for _ in range(MOST_SUBSCRIPTIONS + 1)
    ]
    assert [answer.status for answer in answers if answer] == [200] * MOST_SUBSCRIPTIONS + [500]
    one.pass_time(Instant(NOW.utc, NOW.monotonic + 61))
    assert one.events is not None
    assert one.events.subscriptions == {}


@settings(max_examples=150)
@given(
    st.sampled_from(OPERATIONS),
    st.sampled_from(["PresetToken", "PresetName", "Timeout", "MessageLimit", "TerminationTime", "Velocity"]),
    st.text(st.characters(codec="ascii", categories=("L", "N", "P")), max_size=12),
)
def test_no_argument_breaks_the_camera(operation: str, name: str, text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    quoted = escaped.replace('"', "&quot;")
    body = f'<{name}>{escaped}</{name}><PanTilt x="{quoted}" y="1"/>'
    answer = camera().carry_out(request(operation, body), NOW)
    assert isinstance(answer, SoapAnswer)
    read_xml(answer.body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_none(document: bytes) -> None:
    asked = read_request(document, "/")
    assert asked is None or asked.operation
