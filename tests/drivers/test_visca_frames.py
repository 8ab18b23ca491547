"""VISCA's codec, both sides, against frames that others have recorded and against anything at all."""

import json
import re
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.visca.commands import (
    AddressSet,
    Cancel,
    Clear,
    Focus,
    FocusMode,
    Home,
    Inquiry,
    Memory,
    PanTilt,
    PanTiltTo,
    Power,
    Preset,
    ViscaCommand,
    Zoom,
    ZoomTo,
    decode_command,
    encode_command,
    pan_tilt_of,
)
from drivers.visca.frames import (
    BROADCAST,
    RESET,
    Ack,
    AddressReply,
    Answer,
    Cleared,
    Completion,
    Damage,
    Datagram,
    NetworkChange,
    Packet,
    PacketReader,
    Payload,
    Refusal,
    decode_answer,
    decode_datagrams,
    encode_answer,
    encode_control_fault,
    to_camera,
    to_controller,
)
from tests.drivers.listening import one_by_one
from tests.reference import reference

SAID: dict[str, list[ViscaCommand | Inquiry]] = {
    "IF_Clear broadcast": [Clear()],
    "AddressSet": [AddressSet()],
    "power on": [Power(True)],
    "power off": [Power(False)],
    "pan/tilt up speed 0E": [PanTilt(0x0E, 0x0E, 0, 1)],
    "pan/tilt stop": [PanTilt(3, 3, 0, 0)],
    "PT home": [Home()],
    "zoom tele / wide / stop": [Zoom(1), Zoom(-1), Zoom(0)],
    "preset recall 4": [Memory(Preset.RECALL, 4)],
    "focus stop": [Focus(0)],
    "PT position inquiry": [Inquiry.PAN_TILT],
}
"""What the recorded commands say."""

ANSWERED: dict[str, list[Answer]] = {
    "ACK s1 / completion s1": [Ack(1), Completion(1)],
    "syntax err / buffer full / cancelled s1 / no socket s1 / not executable s1": [
        Refusal(0, 2),
        Refusal(0, 3),
        Refusal(1, 4),
        Refusal(1, 5),
        Refusal(1, 0x41),
    ],
    "network change (unsolicited)": [NetworkChange()],
}
"""What the recorded answers say."""


def vectors(protocol: str) -> dict[str, dict[str, Any]]:
    """The recorded frames of one protocol, by name."""
    everything = json.loads(reference("camera/vectors.json").read_text())
    return {one["name"]: one for one in everything if one["p"] == protocol}


def packets(data: bytes) -> list[Packet]:
    """The packets in these bytes, all of them sound."""
    found = list(PacketReader().feed(data))
    assert all(isinstance(one, Packet) for one in found)
    return [one for one in found if isinstance(one, Packet)]


def test_every_recorded_visca_frame_passes_both_ways() -> None:
    recorded = vectors("visca")
    assert recorded.keys() == SAID.keys() | ANSWERED.keys()
    for name, sayings in SAID.items():
        data = bytes.fromhex(recorded[name]["hex"])
        heard = packets(data)
        assert [decode_command(packet.body) for packet in heard] == sayings, name
        to = [packet.destination for packet in heard]
        again = (to_camera(one, encode_command(said)) for one, said in zip(to, sayings, strict=True))
        assert b"".join(again) == data, name
    for name, answers in ANSWERED.items():
        data = bytes.fromhex(recorded[name]["hex"])
        heard = packets(data)
        assert [decode_answer(packet) for packet in heard] == answers, name
        encoded = zip((packet.source for packet in heard), answers, strict=True)
        assert b"".join(to_controller(source, encode_answer(one)) for source, one in encoded) == data, name


def test_the_recorded_replies_are_understood_in_every_place_of_their_letters() -> None:
    recorded = vectors("visca")
    assert recorded["AddressSet"]["reply"].startswith("88300wFF")
    (packet,) = packets(bytes.fromhex("88300wFF".replace("w", "4")))
    assert decode_answer(packet) == AddressReply(4)
    pattern = recorded["PT position inquiry"]["reply"]
    assert re.fullmatch(r"9050(0w){4}(0z){4}FF|90500w0w0w0w0z0z0z0zFF|9050(0[wz]|[wz]){8}FF", pattern)
    (packet,) = packets(bytes.fromhex("90 50 0F 07 02 05 00 04 0B 00 FF"))
    answer = decode_answer(packet)
    assert isinstance(answer, Completion)
    assert Inquiry.PAN_TILT.fits(answer.payload)
    assert pan_tilt_of(answer.payload) == (-2267, 1200)


def test_every_recorded_frame_of_visca_over_ip_passes_both_ways() -> None:
    recorded = vectors("visca-ip")
    assert set(recorded) == {"reset sequence", "control error: seq / msg type"}
    reset = bytes.fromhex(recorded["reset sequence"]["hex"])
    assert decode_datagrams(reset) == [Datagram(Payload.CONTROL, 0, RESET)]
    assert Datagram(Payload.CONTROL, 0, RESET).encode() == reset
    assert recorded["reset sequence"]["reply"].startswith("0201")
    assert decode_datagrams(bytes.fromhex("020100010000000001")) == [
        Datagram(Payload.CONTROL_REPLY, 0, RESET)
    ]
    fault = recorded["control error: seq / msg type"]["hex"]
    head, number = fault.partition(" / ")[0].replace("<seq4>", "0000002A"), 42
    first, second = bytes.fromhex(head), bytes.fromhex(head[:-4] + fault.rpartition(" / ")[2])
    for data, name in ((first, "sequence"), (second, "message type")):
        (datagram,) = decode_datagrams(data)
        assert isinstance(datagram, Datagram)
        assert (datagram.control_fault, datagram.sequence) == (name, number)
    assert (encode_control_fault("sequence", 42), encode_control_fault("message type", 42)) == (first, second)


SPEED = st.integers(0, 24)
WAY = st.integers(-1, 1)
STEPS = st.integers(-0x8000, 0x7FFF)
DRIVES = st.one_of(
    st.tuples(st.just(0), st.none()), st.tuples(st.sampled_from([-1, 1]), st.none() | st.integers(0, 7))
)
COMMANDS = st.one_of(
    st.builds(AddressSet, st.integers(1, 7)),
    st.just(Clear()),
    st.builds(Cancel, st.integers(0, 15)),
    st.builds(Power, st.booleans()),
    DRIVES.map(lambda drive: Zoom(*drive)),
    DRIVES.map(lambda drive: Focus(*drive)),
    st.builds(ZoomTo, st.integers(0, 0xFFFF)),
    st.builds(FocusMode, st.booleans()),
    st.builds(Memory, st.sampled_from(list(Preset)), st.integers(0, 254)),
    st.builds(PanTilt, SPEED, SPEED, WAY, WAY),
    st.builds(PanTiltTo, SPEED, SPEED, STEPS, STEPS, st.just(4)),
    st.builds(PanTiltTo, SPEED, SPEED, st.integers(-0x80000, 0x7FFFF), STEPS, st.just(5)),
    st.just(Home()),
    st.sampled_from(list(Inquiry)),
)
ANSWERS = st.one_of(
    st.builds(Ack, st.integers(0, 15)),
    st.builds(
        Completion, st.integers(0, 15), st.binary(max_size=10).filter(lambda body: b"\xff" not in body)
    ),
    st.builds(Refusal, st.integers(0, 15), st.integers(0, 0x7F)),
    st.just(NetworkChange()),
)


@settings(max_examples=150)
@given(COMMANDS)
def test_whatever_a_controller_says_a_camera_understands(command: ViscaCommand | Inquiry) -> None:
    assert decode_command(encode_command(command)) == command


@settings(max_examples=100)
@given(ANSWERS, st.integers(1, 7))
def test_whatever_a_camera_answers_a_controller_understands(answer: Answer, address: int) -> None:
    (packet,) = packets(to_controller(address, encode_answer(answer)))
    assert packet.source == address
    assert decode_answer(packet) == answer


def test_what_goes_round_the_chain_is_told_from_what_one_camera_says() -> None:
    assert decode_answer(Packet(0, BROADCAST, encode_answer(AddressReply(3)))) == AddressReply(3)
    assert decode_answer(Packet(0, BROADCAST, encode_answer(Cleared()))) == Cleared()
    assert decode_answer(Packet(0, 1, b"\x09\x04\x00")) is None


@settings(max_examples=150)
@given(st.lists(st.one_of(st.binary(max_size=40), st.just(b"\x90\x41\xff")), max_size=12))
def test_any_bytes_in_any_chunking_give_the_same_packets_and_keep_memory_bounded(chunks: list[bytes]) -> None:
    whole, pieces = PacketReader(), PacketReader()
    data = b"".join(chunks)
    expected = list(whole.feed(data))
    assert list(chain.from_iterable(pieces.feed(chunk) for chunk in chunks)) == expected
    single = PacketReader()
    assert list(chain.from_iterable(single.feed(byte) for byte in one_by_one(data))) == expected
    assert len(single._pending) <= 16
    for found in expected:
        if isinstance(found, Packet):
            decode_answer(found)
            decode_command(found.body)


@settings(max_examples=150)
@given(st.binary(max_size=60))
def test_any_datagram_is_read_or_told_as_damage(data: bytes) -> None:
    found = decode_datagrams(data)
    assert bool(found) == bool(data)
    encoded = b"".join(one.encode() for one in found if isinstance(one, Datagram))
    assert data.startswith(encoded)
    assert encoded == data or isinstance(found[-1], Damage)


def test_megabytes_without_an_end_are_told_once() -> None:
    reader = PacketReader()
    assert list(reader.feed(b"\x90" * 1_000_000)) == []
    (damage,) = reader.feed(b"\xff")
    assert isinstance(damage, Damage)
    assert len(damage.frame) <= 16
    assert list(reader.feed(b"\x90\x41\xff")) == [Packet(1, 0, b"\x41")]


@pytest.mark.parametrize("payload", [b"", b"\x02", b"\x00" * 3, b"\x00" * 7])
def test_a_position_of_the_wrong_length_is_none(payload: bytes) -> None:
    assert not Inquiry.PAN_TILT.fits(payload)
