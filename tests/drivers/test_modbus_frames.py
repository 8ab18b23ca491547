"""Modbus frames: the specification's worked examples both ways, and any bytes at all."""

import json
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus.frames import (
    EXCEPTIONS,
    MAX_PDU,
    Frame,
    MbapFrames,
    RefusalError,
    Request,
    RtuRequests,
    crc16,
    crc_holds,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    exception_reply,
    pack_bits,
    reply_length,
    unpack_bits,
    wrap_mbap,
    wrap_rtu,
)
from drivers.modbus.values import MetricRead, Order, compile_codec
from tests.reference import reference

SPECIFICATION = [
    ("6.1 read coils", "01 0013 0013", Request(1, 0x13, 19), "01 03 CD6B05", "CD6B05"),
    ("6.2 read discrete inputs", "02 00C4 0016", Request(2, 0xC4, 22), "02 03 ACDB35", "ACDB35"),
    ("6.3 read holding", "03 006B 0003", Request(3, 0x6B, 3), "03 06 022B00000064", "022B00000064"),
    ("6.4 read input", "04 0008 0001", Request(4, 8, 1), "04 02 000A", "000A"),
    ("6.5 write coil", "05 00AC FF00", Request(5, 0xAC, 1, b"\xff\0"), "05 00AC FF00", ""),
    ("6.6 write register", "06 0001 0003", Request(6, 1, 1, b"\0\3"), "06 0001 0003", ""),
    ("6.11 write coils", "0F 0013 000A 02 CD01", Request(15, 0x13, 10, b"\xcd\1"), "0F 0013 000A", ""),
    ("6.12 write registers", "10 0001 0002 04 000A0102", Request(16, 1, 2, b"\0\n\1\2"), "10 0001 0002", ""),
]
"""Modbus Application Protocol V1.1b3: request PDU, what it means, reply PDU, data bytes of the reply."""


@pytest.mark.parametrize(("request_hex", "request_", "reply_hex", "body"), [c[1:] for c in SPECIFICATION])
def test_the_specification_s_examples_hold_both_ways(
    request_hex: str, request_: Request, reply_hex: str, body: str
) -> None:
    pdu, reply = bytes.fromhex(request_hex), bytes.fromhex(reply_hex)
    assert encode_request(request_) == pdu
    assert decode_request(pdu) == request_
    assert encode_reply(request_, bytes.fromhex(body)) == reply
    assert decode_reply(request_, reply) == bytes.fromhex(body)


def test_an_exception_reply_is_told_by_its_code_and_name() -> None:
    assert exception_reply(1, 2) == bytes.fromhex("8102")
    with pytest.raises(RefusalError, match="exception 2, illegal data address") as caught:
        decode_reply(Request(1, 0x04A1), bytes.fromhex("8102"))
    assert caught.value.code == 2
    assert set(EXCEPTIONS) == {1, 2, 3, 4, 5, 6, 8, 10, 11}


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("", 1),
        ("2B0E0100", 1),
        ("83", 1),
        ("0300", 3),
        ("03 0000 0000", 3),
        ("03 0000 007E", 3),
        ("01 0000 07D1", 3),
        ("03 0000 0001 00", 3),
        ("05 0000 1234", 3),
        ("0F 0000 000A 01 CD", 3),
        ("10 0000 0002 04 0001", 3),
        ("03 FFFF 0002", 2),
    ],
)
def test_a_request_that_cannot_be_served_names_the_exception_to_answer(pdu: str, code: int) -> None:
    with pytest.raises(RefusalError) as caught:
        decode_request(bytes.fromhex(pdu))
    assert caught.value.code == code


@pytest.mark.parametrize("pdu", ["04 02 000A", "03 04 00000000", "03 02 00", "8402", "03", ""])
def test_a_reply_to_something_else_is_refused(pdu: str) -> None:
    with pytest.raises(RefusalError) as caught:
        decode_reply(Request(3, 0), bytes.fromhex(pdu))
    assert caught.value.code == 0


def test_a_server_does_not_answer_with_too_few_registers() -> None:
    with pytest.raises(RefusalError, match="device failure"):
        encode_reply(Request(3, 0, 2), b"\0\0")


def test_the_request_frames_a_radar_s_maker_publishes_come_out_byte_for_byte() -> None:
    maps = json.loads(reference("modbus/device-maps.json").read_text())
    frames = next(entry["frames"] for entry in maps if "SEN0676" in entry["device"])
    for text in frames:
        frame = bytes.fromhex(text)
        assert wrap_rtu(1, encode_request(decode_request(frame[1:-2]))) == frame


def test_published_rtu_and_tcp_frames_are_cut_out_of_a_stream() -> None:
    request, body = bytes.fromhex("1103007c00020743"), bytes.fromhex("11 03 04 008d008e fbbd")
    assert RtuRequests().feed(b"\x00\xff" + request) == [Frame(0x11, request[1:-2])]
    assert crc16(body) == 0
    tcp = bytes.fromhex("0c05000000061103007c0002")
    assert MbapFrames().feed(b"\xff" + tcp * 2) == [Frame(0x11, tcp[7:], 0x0C05)] * 2


def published(protocol: str) -> list[tuple[str, bytes]]:
    """Name and bytes of the published frames and values of this kind."""
    entries = json.loads(reference("camera/vectors.json").read_text())
    return [(one["name"], bytes.fromhex(one["hex"])) for one in entries if one["p"] == protocol]


def test_every_published_rtu_frame_is_taken_apart_and_put_together_again() -> None:
    frames = published("modbus-rtu")
    assert len(frames) == 6
    for name, frame in frames:
        assert crc_holds(frame), name
        assert wrap_rtu(frame[0], frame[1:-2]) == frame, name
        if "reply" in name or "exception" in name:
            assert reply_length(frame) == len(frame)
        else:
            request = decode_request(frame[1:-2])
            assert encode_request(request) == frame[1:-2]
            assert RtuRequests().feed(frame) == [Frame(frame[0], frame[1:-2])]
    by_name = dict(frames)
    reply = by_name["reply 141,142"]
    assert decode_reply(Request(3, 0x7C, 2), reply[1:-2]) == struct.pack(">HH", 141, 142)
    assert exception_reply(3, 2) == by_name["exception 02 illegal address"][1:-2]


def test_every_published_tcp_frame_is_taken_apart_and_put_together_again() -> None:
    frames = published("modbus-tcp")
    assert len(frames) == 2
    for name, raw in frames:
        (frame,) = MbapFrames().feed(raw)
        assert wrap_mbap(frame.transaction, frame.unit, frame.pdu) == raw, name
        assert (frame.transaction, frame.unit) == (0x0C05, 0x11)


def test_every_published_float_is_read_and_written_in_its_order() -> None:
    orders: dict[str, tuple[Order, Order]] = {
        "ABCD": ("big", "big"),
        "CDAB": ("little", "big"),
        "BADC": ("big", "little"),
        "DCBA": ("little", "little"),
    }
    floats = published("float32")
    assert len(floats) == 4
    for name, registers in floats:
        value, _, order = name.partition(" ")
        codec = compile_codec(MetricRead(address=0, type="float32"), *orders[order])
        assert codec.decode(registers) == float(value)
        assert codec.encode(float(value)) == registers


SPECIFICATION_WRITES = [
    (
        "6.16 mask write",
        "16 0004 00F2 0025",
        Request(22, 4, 1, bytes.fromhex("00F20025")),
        "16 0004 00F2 0025",
    ),
    (
        "6.17 read and write",
        "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
        Request(23, 3, 6, bytes.fromhex("00FF00FF00FF"), 14),
        "17 0C 00FE 0ACD 0001 0003 000D 00FF",
    ),
]


@pytest.mark.parametrize(("request_hex", "request_", "reply_hex"), [c[1:] for c in SPECIFICATION_WRITES])
def test_the_specification_s_other_writes_hold_both_ways(
    request_hex: str, request_: Request, reply_hex: str
) -> None:
    pdu, reply = bytes.fromhex(request_hex), bytes.fromhex(reply_hex)
    assert encode_request(request_) == pdu
    assert decode_request(pdu) == request_
    body = reply[2:] if request_.function == 23 else b""
    assert encode_reply(request_, body) == reply
    assert decode_reply(request_, reply) == body
    framed = wrap_rtu(1, pdu)
    assert RtuRequests().feed(b"\xff" + framed + framed[:3]) == [Frame(1, pdu)]
    assert reply_length(wrap_rtu(1, reply)) == len(reply) + 3


@pytest.mark.parametrize(
    ("pdu", "code"),
    [("16 0004 00F2", 3), ("17 0003 0006 000E 0003 06 00FF", 3), ("17 0003 007E 000E 0001 02 00FF", 3),
     ("17 0003 0001 FFFF 0002 04 00FF00FF", 2), ("17 0003 0001", 3), ("16 FFFF 0000 0000 00", 3)],
)  # fmt: skip
def test_other_writes_that_cannot_be_served_name_the_exception(pdu: str, code: int) -> None:
    with pytest.raises(RefusalError) as caught:
        decode_request(bytes.fromhex(pdu))
    assert caught.value.code == code


def test_a_server_hears_a_function_it_does_not_know() -> None:
    frame = wrap_rtu(1, bytes.fromhex("2B0E0100"))
    assert RtuRequests().feed(frame) == [Frame(1, bytes.fromhex("2B0E0100"))]


@given(st.lists(st.booleans(), min_size=1, max_size=2000))
@settings(max_examples=50)
def test_bits_come_back_as_packed(bits: list[bool]) -> None:
    assert list(unpack_bits(pack_bits(bits), len(bits))) == bits


def coils_written(address: int, payload: bytes) -> Request:
    return Request(15, address, 8 * len(payload), payload)


def registers_written(address: int, half: bytes) -> Request:
    return Request(16, address, len(half), half * 2)


def requests() -> st.SearchStrategy[Request]:
    """Any request the specification allows."""
    address = st.integers(0, 0x10000 - 2000)
    payload = st.binary(min_size=1, max_size=123)
    return st.one_of(
        st.builds(Request, st.sampled_from([1, 2]), address, st.integers(1, 2000)),
        st.builds(Request, st.sampled_from([3, 4]), address, st.integers(1, 125)),
        st.builds(Request, st.just(5), address, st.just(1), st.sampled_from([b"\xff\0", b"\0\0"])),
        st.builds(Request, st.just(6), address, st.just(1), st.binary(min_size=2, max_size=2)),
        st.builds(coils_written, address, payload),
        st.builds(registers_written, address, payload),
    )


@given(st.lists(st.tuples(requests(), st.integers(1, 247)), max_size=4), st.integers(0, 0xFFFF))
@settings(max_examples=60)
def test_requests_come_out_whole_or_byte_by_byte(sent: list[tuple[Request, int]], transaction: int) -> None:
    pdus = [(unit, encode_request(request)) for request, unit in sent]
    for ear, stream, expected in (
        (RtuRequests, b"".join(wrap_rtu(*p) for p in pdus), [Frame(*p) for p in pdus]),
        (
            MbapFrames,
            b"".join(wrap_mbap(transaction, *p) for p in pdus),
            [Frame(*p, transaction) for p in pdus],
        ),
    ):
        whole, piecewise = ear(), ear()
        assert whole.feed(stream) == expected
        assert [f for byte in stream for f in piecewise.feed(bytes((byte,)))] == expected
    assert [decode_request(pdu) for _, pdu in pdus] == [request for request, _ in sent]


@given(st.lists(st.binary(max_size=700), max_size=6))
@settings(max_examples=100)
def test_any_bytes_raise_nothing_and_are_not_hoarded(chunks: list[bytes]) -> None:
    for ear in (RtuRequests(), MbapFrames()):
        for chunk in chunks:
            for frame in ear.feed(chunk):
                assert 1 <= len(frame.pdu) <= MAX_PDU + 10
            assert len(ear._rest) <= 300


@given(st.binary(max_size=260))
@settings(max_examples=200)
def test_any_pdu_is_a_request_or_refused(pdu: bytes) -> None:
    with suppress(RefusalError):
        assert encode_request(decode_request(pdu)) == pdu


def test_crc_is_the_published_one() -> None:
    assert struct.pack("<H", crc16(bytes.fromhex("010300010001"))) == bytes.fromhex("D5CA")
