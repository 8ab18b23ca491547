"""Instruments that send binary frames: what they say, and how the search goes on after damage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.binary_frame.driver import FrameFinder
from drivers.binary_frame.plan import LONGEST_FRAME, Settings
from drivers.contract import Driver
from telemetry import ProfileError
from tests.drivers.listening import (
    CUTS,
    NOW,
    faults,
    feed,
    listener,
    listener_of,
    one_by_one,
    pieces,
    readings,
    reasons,
    values,
)
from tests.drivers.modbus_wire import instant


def sensor(settings: str, *reads: str) -> Driver:
    metrics = ", ".join(
        f"{{name: m{i}, title: {{en: a, vi: a}}, read: {read}}}" for i, read in enumerate(reads)
    )
    return listener_of(f"driver: binary_frame\nkind: test\nsettings: {settings}\nmetrics: [{metrics}]")


def level(millimetres: int) -> bytes:
    """A frame of the A02YYUW."""
    body = b"\xff" + millimetres.to_bytes(2)
    return body + bytes([sum(body) & 0xFF])


def dust(pm: int) -> bytes:
    """A frame of the SDS011."""
    body = pm.to_bytes(2, "little") * 2 + b"\x01\x02"
    return b"\xaa\xc0" + body + bytes([sum(body) & 0xFF, 0xAB])


def test_a_frame_is_one_reading_of_scaled_values() -> None:
    (reading,) = readings(feed(listener("dfrobot-a02yyuw"), [level(1953)]))
    assert (reading.kind, reading.values, reading.observed_at) == (
        "water_level",
        {"distance": 1.953},
        NOW.utc,
    )


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("{at: 1, type: uint8}", 0x81),
        ("{at: 1, type: int8}", -127),
        ("{at: 1, type: uint16}", 0x8102),
        ("{at: 1, type: uint16, order: little}", 0x0281),
        ("{at: 1, type: int16, scale: 0.1}", -3251.0),
        ("{at: 1, type: uint24}", 0x810203),
        ("{at: 1, type: int32}", 0x81020304 - 2**32),
        ("{at: 5, type: float32}", 1.5),
        ("{at: 1, type: uint8, bit: 7}", True),
        ("{at: 1, type: uint16, mask: 0x0F00}", 1),
        ("{at: 1, type: uint8, enum: {0x81: wet}}", "wet"),
        ("{at: 2, type: uint8, enum: {9: wet}}", "2"),
    ],
)
def test_numbers_of_every_kind_are_read(read: str, value: object) -> None:
    driver = sensor("{start: AA, length: 10, end: '55'}", read)
    frame = b"\xaa\x81\x02\x03\x04\x3f\xc0\x00\x00\x55"
    assert values(feed(driver, [frame])) == {"m0": value}


def test_a_number_that_means_not_available_is_left_out() -> None:
    driver = sensor("{start: AA BB, length: 5}", "{at: 2, nulls: [0xFFFF]}", "{at: 4, type: uint8}")
    assert values(feed(driver, [b"\xaa\xbb\xff\xff\x07"])) == {"m1": 7}
    floats = sensor("{start: AA BB, length: 6}", "{at: 2, type: float32}")
    assert feed(floats, [b"\xaa\xbb\x7f\xc0\x00\x00", b"\xaa\xbb\xff\x80\x00\x00"]) == []


def test_a_frame_that_says_its_own_length_may_be_shorter_than_a_metric() -> None:
    driver = sensor(
        "{start: AA BB, length: {at: 2, add: 4}, checksum: {kind: sum8}}",
        "{at: 3, type: uint8}",
        "{at: 4, type: uint8}",
    )
    assert values(feed(driver, [b"\xaa\xbb\x01\x09\x6f"])) == {"m0": 9}
    assert values(feed(driver, [b"\xaa\xbb\x02\x09\x08\x78"])) == {"m0": 9, "m1": 8}


def test_of_a_damaged_frame_one_fault_is_told_and_the_next_frame_is_read() -> None:
    driver = listener("nova-sds011")
    bad = bytearray(dust(100))
    bad[4] ^= 1
    events = feed(driver, [bytes(bad) + dust(200)])
    assert (reasons(events), values(events)) == ({"checksum": 1}, {"pm2_5": 20.0, "pm10": 20.0})
    assert faults(events)[0].frame == bytes(bad)


def test_a_frame_that_lost_a_byte_costs_no_other() -> None:
    whole = dust(100)
    events = feed(listener("nova-sds011"), [whole[:4] + whole[5:] + dust(200) + dust(300)])
    assert [reading.values["pm10"] for reading in readings(events)] == [20.0, 30.0]
    assert len(faults(events)) == 1


def test_bytes_between_frames_are_told_once_with_their_number() -> None:
    events = feed(listener("nova-sds011"), [b"boot v1\r\n", dust(100)])
    assert reasons(events) == {"framing": 1}
    assert faults(events)[0].detail == "9 bytes outside any frame"


def test_the_first_bytes_after_connecting_may_be_the_end_of_a_frame() -> None:
    driver = listener("nova-sds011")
    driver.connected(NOW)
    assert reasons(feed(driver, [dust(100)[3:] + dust(100)])) == {}
    assert reasons(feed(driver, [dust(100)[3:] + dust(100)])) == {"framing": 1}


def test_a_datagram_ends_its_frame_itself() -> None:
    driver = listener("dfrobot-a02yyuw")
    assert driver.receive(level(500)[:3], NOW, "192.0.2.1:9") == []
    assert values(list(driver.receive(level(700), NOW, "192.0.2.1:9"))) == {"distance": 0.7}


def test_an_instrument_is_asked_and_its_answer_ends_the_exchange() -> None:
    driver = listener("winsen-mh-z19")
    driver.connected(instant(0.0))
    assert driver.wake_at is not None
    now = instant(driver.wake_at)
    driver.wake(now)
    assert [one.payload.hex() for one in driver.outgoing()] == ["ff0186000000000079"]
    assert driver.busy
    assert values(driver.receive(bytes.fromhex("ff8602604700 0000d1"), now)) == {"co2": 608}
    assert not driver.busy
    assert driver.receive(bytes.fromhex("ff8602604700 0000d1"), now) == ()


def test_the_devices_number_stands_in_question_and_start() -> None:
    text = "{start: 'AA {unit_id}', length: 4, ask: 'BB {unit_id}'}"
    driver = listener_of(
        f"driver: binary_frame\nkind: test\nevery: 1s\nsettings: {text}\n"
        "metrics: [{name: x, title: {en: a, vi: a}, read: {at: 2}}]"
    )
    driver.connected(instant(0.0))
    assert driver.wake_at is not None
    now = instant(driver.wake_at)
    driver.wake(now)
    assert [one.payload for one in driver.outgoing()] == [b"\xbb\x01"]
    assert values(driver.receive(b"\xaa\x02\x00\x07\xaa\x01\x00\x08", now)) == {"x": 8}


@pytest.mark.parametrize(
    ("settings", "read", "told"),
    [
        ("{start: AAX, length: 4}", "{at: 0}", "start: .*'AAX' is not bytes in hexadecimal"),
        ("{start: AA, length: 4}", "{at: 0}", "one start byte alone is met by chance"),
        ("{start: AA BB, length: 4}", "{at: 3}", "metric m0: ends at byte 5; the frame's values end at 4"),
        (
            "{start: AA BB, length: 4, end: CC DD EE}",
            "{at: 0}",
            "length: 4 bytes are less than start and end",
        ),
        ("{start: AA BB, length: 9999}", "{at: 0}", "length"),
        ("{start: AA BB, length: 4, checksum: {kind: sum16}}", "{at: 0}", "sum16 has 2 bytes: it is at -2"),
        ("{start: AA BB, length: 8}", "{at: 2, type: float32, bit: 1}", "bit and enum need a whole number"),
        ("{start: AA BB, length: 8}", "{at: 2, bit: 1, mask: 1}", "leave enum and mask out"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_remedy(settings: str, read: str, told: str) -> None:
    with pytest.raises(ProfileError, match=told):
        sensor(settings, read)


PARTS = st.lists(
    st.sampled_from(
        [dust(1), dust(300), dust(7)[:5], b"\xaa", b"\xaa\xc0", b"\xab", b"\xaa" * 20, b"\xaa\xc0" * 9]
    )
    | st.binary(max_size=12),
    max_size=25,
).map(b"".join)


@given(PARTS, CUTS)
@settings(max_examples=150, deadline=None)
def test_any_bytes_in_any_chunking_say_the_same(data: bytes, cuts: list[int]) -> None:
    told = [
        feed(listener("nova-sds011"), chunks) for chunks in ([data], one_by_one(data), pieces(data, cuts))
    ]
    assert told[0] == told[1] == told[2]


@given(PARTS)
@settings(max_examples=100, deadline=None)
def test_frames_of_any_length_are_found_with_the_memory_of_one(data: bytes) -> None:
    finder = FrameFinder(Settings.model_validate({"start": "AA C0", "length": {"at": 2, "add": 3}}), 1)
    for byte in one_by_one(data):
        list(finder.feed(byte))
        assert len(finder._rest) <= LONGEST_FRAME
        assert len(finder._stray) <= LONGEST_FRAME


def test_a_megabyte_of_start_bytes_is_refused_in_time_and_memory_of_one_frame() -> None:
    driver = listener("dfrobot-a02yyuw")
    events = feed(driver, [b"\xff" * 65_536] * 4)
    assert len(events) <= 65_536
    assert values(feed(driver, [b"\x00" * 8 + level(1000)])) == {"distance": 1.0}
