"""Modbus ASCII framing: the standard's layout both ways, and any bytes at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus.ascii import LONGEST, AsciiFrames, lrc, unwrap_ascii, wrap_ascii
from drivers.modbus.frames import Frame
from telemetry import Reading
from tests.drivers.modbus_wire import Wire, after_first, driver, instant, one, unit

ASCII = "serial:///dev/ttyUSB0?baudrate=9600&framing=ascii"


def test_a_frame_is_a_colon_digits_a_checksum_and_a_line_end() -> None:
    frame = wrap_ascii(0x11, bytes.fromhex("03006B0003"))
    assert frame == b":1103006B00037E\r\n"
    assert lrc(bytes.fromhex("1103006B0003")) == 0x7E
    assert unwrap_ascii(frame) == bytes.fromhex("1103006B0003")


@pytest.mark.parametrize(
    "frame",
    [
        b":1103006B00037F\r\n",
        b":1103006B00037E\r",
        b"1103006B00037E\r\n",
        b":1103006B0003 7E\r\n",
        b":1103006B0003GG\r\n",
        b":11EF\r\n",
        b":\r\n",
        b":" + b"00" * 300 + b"\r\n",
    ],
)
def test_what_is_no_frame_is_none(frame: bytes) -> None:
    assert unwrap_ascii(frame) is None


def test_a_colon_begins_anew_and_lower_case_digits_are_understood() -> None:
    frame = wrap_ascii(1, bytes.fromhex("0302ABCD"))
    assert AsciiFrames().feed(b"noise:11030" + frame.lower()) == [Frame(1, bytes.fromhex("0302ABCD"))]


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=253)), max_size=4))
@settings(max_examples=50)
def test_frames_come_out_whole_or_byte_by_byte(sent: list[tuple[int, bytes]]) -> None:
    stream = b"".join(wrap_ascii(*one) for one in sent)
    expected = [Frame(*one) for one in sent]
    assert AsciiFrames().feed(stream) == expected
    piecewise = AsciiFrames()
    assert [f for byte in stream for f in piecewise.feed(bytes((byte,)))] == expected


@given(st.lists(st.one_of(st.binary(max_size=700), st.just(b":"), st.just(b"\r\n")), max_size=6))
@settings(max_examples=60)
def test_any_bytes_raise_nothing_and_are_not_hoarded(chunks: list[bytes]) -> None:
    ear = AsciiFrames()
    for chunk in chunks:
        ear.feed(chunk)
        assert len(ear._rest) <= LONGEST


def test_a_unit_is_polled_in_ascii() -> None:
    what = one()
    sent, when = after_first(driver(what, ASCII))
    assert sent == b":01030064000197\r\n"
    poller = driver(what, ASCII)
    after_first(poller)
    (reading,) = poller.receive(b":010302000ded\r\n", instant(when + 0.01))  # lower case, as some units send
    assert isinstance(reading, Reading)
    assert reading.values == {"a": 13}
    assert not poller.busy


def test_a_reply_with_a_wrong_lrc_and_one_of_another_unit_are_not_believed() -> None:
    what = one(retries=0)
    served = unit(what, framing="ascii", a=7)

    def damaged(data: bytes) -> list[tuple[float, bytes]]:
        reply = served.answer(data)
        return [(0.005, wrap_ascii(2, bytes.fromhex("03020001"))), (0.01, reply[:-3] + b"0\r\n")]

    wire = Wire(damaged, driver(what, ASCII))
    wire.run(1.9)
    assert not wire.readings
    assert {fault.reason for fault in wire.faults} == {"unexpected", "checksum"}
