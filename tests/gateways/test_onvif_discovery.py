"""Cameras found by WS-Discovery, on the loopback interface."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from drivers.onvif.discovery import GROUP, Match, encode_match
from firmware_sim.onvif.beacon import answer_probes
from firmware_sim.onvif.camera import OnvifCamera
from gateways.onvif.discovery import Found, find_cameras, watch_cameras
from telemetry import LinkError

LOOPBACK = "127.0.0.1"


async def test_every_camera_is_found_once_with_a_link_to_write() -> None:
    cameras = [OnvifCamera(root=f"http://127.0.0.1:{port}") for port in (8081, 8082)]
    async with answer_probes(cameras) as port:
        found = await find_cameras(2.0, LOOPBACK, (GROUP, port))
    assert sorted(one.link for one in found) == ["onvif://127.0.0.1:8081", "onvif://127.0.0.1:8082"]
    assert {(one.address, one.name, one.hardware) for one in found} == {(LOOPBACK, "Quay camera", "SIM-PTZ")}
    assert "onvif://www.onvif.org/Profile/T" in found[0].scopes


async def test_a_camera_is_told_as_it_answers_and_not_at_the_end() -> None:
    async with answer_probes([OnvifCamera(root="http://127.0.0.1:8081")]) as port:
        cameras = watch_cameras(3600.0, LOOPBACK, (GROUP, port))
        async with asyncio.timeout(20):
            first = await anext(cameras)
        await cameras.aclose()
    assert first.link == "onvif://127.0.0.1:8081"


@dataclass
class Stranger(asyncio.DatagramProtocol):
    """Answers each probe with these datagrams."""

    answers: list[bytes]
    transport: asyncio.DatagramTransport | None = None
    heard: list[bytes] = field(default_factory=list[bytes])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        assert self.transport is not None
        for answer in self.answers:
            self.transport.sendto(answer, addr)


async def first_from(*answers: bytes, number: int = 1) -> list[Found]:
    """The first so many cameras that are found when a probe is answered like this."""
    loop = asyncio.get_running_loop()
    transport, stranger = await loop.create_datagram_endpoint(
        lambda: Stranger(list(answers)), local_addr=(LOOPBACK, 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        cameras = watch_cameras(3600.0, LOOPBACK, (LOOPBACK, port))
        async with asyncio.timeout(20):
            found = [await anext(cameras) for _ in range(number)]
        await cameras.aclose()
        assert stranger.heard
        return found
    finally:
        transport.close()


async def test_garbage_bombs_and_other_messages_are_passed_over() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    good = encode_match(Match("urn:uuid:1", ("http://127.0.0.1/onvif/device_service",)), "urn:uuid:2", "x")
    found = await first_from(b"\x00\xff", bomb, b"<a/>", good[:-9], good)
    assert [one.link for one in found] == ["onvif://127.0.0.1:80"]


async def test_a_link_leads_to_whoever_answered_and_nowhere_else() -> None:
    elsewhere = Match("urn:uuid:1", ("http://192.0.2.66:8000/onvif", "http://[bad", "ftp://x:y"))
    secure = Match("urn:uuid:2", ("https://127.0.0.1/onvif/device_service",))
    answers = [encode_match(match, "urn:uuid:3", "x") for match in (elsewhere, secure)]
    found = await first_from(*answers, number=2)
    assert sorted(one.link for one in found) == ["onvif://127.0.0.1:80", "onvifs://127.0.0.1:443"]


async def test_what_a_camera_calls_itself_cannot_play_with_a_terminal() -> None:
    scopes = ("onvif://www.onvif.org/name/%1b%5b2Jgate%0a" + "x" * 900,)
    match = Match("urn:uuid:1", ("http://127.0.0.1/",), scopes=scopes)
    (found,) = await first_from(encode_match(match, "urn:uuid:3", "x"))
    assert found.name.startswith("[2Jgatex")
    assert len(found.name) <= 200


@pytest.mark.parametrize("interface", ["no-such-card", "192.0.2.1", "::1"])
async def test_an_interface_that_is_not_there_is_told(interface: str) -> None:
    with pytest.raises(LinkError, match=f"the interface {interface}"):
        await find_cameras(0.1, interface)
