"""Simulated Modbus units: what they keep, refuse and say of themselves; whole frames, slow units, faults."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_catalogue
from drivers.modbus.ascii import unwrap_ascii, wrap_ascii
from drivers.modbus.frames import (
    Frame,
    Request,
    crc_holds,
    decode_reply,
    encode_request,
    wrap_mbap,
    wrap_rtu,
)
from drivers.modbus.identity import IdentityRequest, decode_identity, encode_identity_request
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import Framing, ModbusServer
from firmware_sim.wires.faults import FaultRule, Spoiler
from telemetry import Instant
from tests.firmware_sim.boards import board

NOW = Instant(1, 100.0)
READ_TEMPERATURE = encode_request(Request(4, 0, 1))


def told(device: ModbusDevice, request: Request) -> bytes:
    """The reply's PDU."""
    reply = device.reply(Frame(device.unit_id, encode_request(request)))
    assert reply is not None
    return reply


def held(device: ModbusDevice, address: int, count: int = 1) -> list[int]:
    request = Request(3, address, count)
    body = decode_reply(request, told(device, request))
    return [int.from_bytes(body[at : at + 2]) for at in range(0, len(body), 2)]


def test_a_written_register_and_coil_stay_written() -> None:
    device = board()
    told(device, Request(6, 101, payload=b"\x00\x07"))
    told(device, Request(16, 100, 2, b"\x00\x01\x00\x02"))
    told(device, Request(5, 0, payload=b"\xff\x00"))
    told(device, Request(15, 0, 2, b"\x03"))
    assert held(device, 100, 3) == [1, 2, 0x1234]
    assert decode_reply(Request(1, 0, 2), told(device, Request(1, 0, 2))) == b"\x03"


def test_what_was_written_outlasts_a_change_of_the_values() -> None:
    temperatures = iter([20.0, 21.0, 22.0, 23.0, 24.0])
    profile = board().profile
    device = ModbusDevice(profile, lambda: {"relay_1": False, "temperature": next(temperatures)})
    told(device, Request(5, 0, payload=b"\xff\x00"))
    assert device.cell("coil", 0) == 1
    assert device.cell("input", 0) == 220


def test_a_mask_write_keeps_and_adds_bits_as_the_standard_says() -> None:
    device = board()
    told(device, Request(22, 102, payload=bytes.fromhex("00F2 0025")))
    assert held(device, 102) == [0x1234 & 0xF2 | 0x25 & ~0xF2]


def test_reading_and_writing_in_one_request_writes_first() -> None:
    device = board()
    request = Request(23, 100, 2, b"\x00\x09", 101)
    assert decode_reply(request, told(device, request)) == b"\x00\x05\x00\x09"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request(3, 99, 2), 2),
        (Request(4, 0, 2), 2),
        (Request(6, 99, payload=b"\0\0"), 2),
        (Request(16, 102, 2, bytes(4)), 2),
        (Request(5, 2, payload=b"\xff\0"), 2),
    ],
)
def test_what_the_device_does_not_have_is_an_illegal_address_and_changes_nothing(
    request_: Request, code: int
) -> None:
    device = board()
    assert told(device, request_) == bytes((request_.function | 0x80, code))
    assert held(device, 100, 3) == [5, 6, 0x1234]


def test_a_measured_register_is_not_written_over() -> None:
    meter = ModbusDevice(load_catalogue().profile("schneider-iem3000"), lambda: {"frequency": 50.0})
    assert told(meter, Request(6, 3109, payload=b"\0\0")) == b"\x86\x02"


def test_a_broadcast_is_carried_out_by_all_and_answered_by_none() -> None:
    units = board(1), board(2)
    server = ModbusServer(*units, framing="rtu")
    frame = wrap_rtu(0, encode_request(Request(6, 100, payload=b"\x00\x2a")))
    assert server.receive(frame, NOW) == []
    assert [unit.cell("holding", 100) for unit in units] == [42, 42]


def test_a_device_says_who_it_is_where_it_has_an_identity() -> None:
    asked = Frame(1, encode_identity_request(IdentityRequest()))
    named = board(identity={0: "Nobody", 1: "RB-2", 2: "1.0"}).reply(asked)
    assert named is not None
    assert decode_identity(named).objects == {0: "Nobody", 1: "RB-2", 2: "1.0"}
    assert board().reply(asked) == b"\xab\x01"


def test_a_slow_unit_answers_when_its_time_has_come() -> None:
    server = ModbusServer(board(turnaround=0.25))
    assert server.receive(wrap_mbap(7, 1, READ_TEMPERATURE), NOW, "client") == []
    assert server.wake_at == 100.25
    assert server.wake(Instant(1, 100.1)) == []
    (answer,) = server.wake(Instant(1, 100.25))
    assert (answer.payload, answer.to) == (wrap_mbap(7, 1, b"\x04\x02\x00\xd7"), "client")
    assert server.wake_at is None


def test_a_request_that_comes_again_is_answered_with_the_values_of_the_moment() -> None:
    values = {"temperature": 20.0}
    server = ModbusServer(ModbusDevice(board().profile, lambda: dict(values)))
    answers: list[bytes] = []
    for number, temperature in enumerate((20.0, 20.0, 21.0, 21.0), 1):
        values["temperature"] = temperature
        answers += [said.payload for said in server.receive(wrap_mbap(number, 1, READ_TEMPERATURE), NOW)]
    assert [int.from_bytes(answer[:2]) for answer in answers] == [1, 2, 3, 4]
    assert [int.from_bytes(answer[-2:]) for answer in answers] == [200, 200, 210, 210]


def wrapped(framing: Framing, pdu: bytes) -> bytes:
    """To unit 1, with transaction 5 where there is one."""
    if framing == "tcp":
        return wrap_mbap(5, 1, pdu)
    return wrap_rtu(1, pdu) if framing == "rtu" else wrap_ascii(1, pdu)


@pytest.mark.parametrize("framing", ["rtu", "tcp", "ascii"])
def test_byte_by_byte_and_glued_requests_are_answered_like_whole_ones(framing: Framing) -> None:
    frame = wrapped(framing, READ_TEMPERATURE)
    (whole,) = ModbusServer(board(), framing=framing).receive(frame, NOW)
    server = ModbusServer(board(), framing=framing)
    single = [said for byte in frame for said in server.receive(bytes((byte,)), NOW)]
    glued = list(server.receive(frame * 2, NOW))
    again = list(server.receive(frame, NOW))
    assert single == again == [whole]
    assert glued == [whole, whole]


@settings(max_examples=60)
@given(chunks=st.lists(st.binary(max_size=40), max_size=12), framing=st.sampled_from(["rtu", "tcp", "ascii"]))
def test_any_bytes_raise_nothing_and_keep_little(chunks: list[bytes], framing: Framing) -> None:
    server = ModbusServer(board(), framing=framing)
    for number, chunk in enumerate(chunks):
        server.receive(chunk, NOW, f"client-{number}")
    assert len(server._ears) <= 64


def spoiled(kind: str, framing: Framing) -> Iterator[bytes]:
    """A hundred answers to one question, each with this fault."""
    server = ModbusServer(board(), framing=framing)
    spoiler = Spoiler([FaultRule(kind)])
    spoiler.check([server])
    for _ in range(100):
        (answer,) = server.receive(wrapped(framing, READ_TEMPERATURE), NOW)
        (piece,) = spoiler.spoil(server, answer.payload, 0.0).pieces
        yield piece.payload
    assert spoiler.counts == Counter({kind: 100})


def test_a_wrong_unit_is_another_with_a_right_checksum() -> None:
    for frame in spoiled("wrong_unit", "rtu"):
        assert crc_holds(frame)
        assert frame[0] != 1
        assert frame[1:-2] == b"\x04\x02\x00\xd7"


def test_an_exception_a_wrong_function_and_a_wrong_count_have_right_checksums() -> None:
    for frame in spoiled("exception", "rtu"):
        assert crc_holds(frame)
        assert frame[1] == 0x84
    for frame in spoiled("wrong_function", "rtu"):
        assert crc_holds(frame)
        assert frame[1] == 1
    for frame in spoiled("wrong_count", "ascii"):
        assert unwrap_ascii(frame) == b"\x01\x04\x00"


def test_a_wrong_transaction_is_another_of_tcp_and_unknown_to_rtu() -> None:
    for frame in spoiled("wrong_transaction", "tcp"):
        assert frame[:2] != b"\x00\x05"
        assert frame[2:] == wrap_mbap(5, 1, b"\x04\x02\x00\xd7")[2:]
    assert "wrong_transaction" not in ModbusServer(board(), framing="rtu").spoils
    assert ModbusServer(board()).spoiled("wrong_unit", b"cut", random.Random(1)) is None
