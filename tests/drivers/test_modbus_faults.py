"""Modbus answers that are late, wrong, broken or missing: each is survived, and none is believed."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contract import Event
from drivers.modbus.ascii import LONGEST
from drivers.modbus.frames import EXCEPTIONS, exception_reply, wrap_mbap, wrap_rtu
from drivers.modbus.replies import Framing
from telemetry import Command, Quality, Reading, Reply
from tests.drivers.modbus_wire import (
    LINKS,
    SERIAL,
    Replies,
    Wire,
    after_first,
    driver,
    instant,
    one,
    profile,
    sent_by,
    silent,
    two,
    unit,
)


def is_echo(data: bytes) -> bool:
    """Whether an RTU request is the question that clears up whether the unit still owes an answer."""
    return data[:2] == b"\x01\x08"


# --- Failures of a request


@LINKS
@pytest.mark.parametrize("code", [*EXCEPTIONS, 0x7F])
def test_an_exception_is_a_fault_with_its_name_and_the_other_values_are_uncertain(
    link: str, code: int
) -> None:
    what = two()
    rtu = link == SERIAL
    served = unit(what, rtu, a=7, b=9)

    def refusing(data: bytes) -> Replies:
        if b"\0\xc8" not in data:
            return served(data)
        pdu = exception_reply(3, code)
        return [(0.01, wrap_rtu(1, pdu) if rtu else wrap_mbap(int.from_bytes(data[:2]), 1, pdu))]

    wire = Wire(refusing, driver(what, link))
    wire.run(1.0)
    (reading,), (fault,) = wire.readings, wire.faults
    assert reading.values == {"a": 7}
    assert reading.quality is Quality.UNCERTAIN
    assert fault.reason == "refused"
    assert f"exception {code}, {EXCEPTIONS.get(code, 'not defined')}" in fault.detail
    assert "function 3 at 200" in fault.detail
    assert fault.frame[-3 if rtu else -1] == code


@LINKS
def test_a_request_without_an_answer_is_tried_again_and_then_a_fault(link: str) -> None:
    what = two(timeout=0.1)
    served = unit(what, link == SERIAL, a=7, b=9)
    wire = Wire(lambda data: () if b"\0\xc8" in data else served(data), driver(what, link, every=10))
    wire.run(10.0)
    reads = [data for _, data in wire.sent if not is_echo(data)]
    assert [b"\0\xc8" in data for data in reads] == [False, True, True]
    assert len(wire.sent) == (4 if link == SERIAL else 3)
    (reading,), (fault,) = wire.readings, wire.faults
    assert reading.values == {"a": 7}
    assert reading.quality is Quality.UNCERTAIN
    assert (fault.reason, fault.frame) == ("timeout", b"")
    assert "no answer in 0.1 s" in fault.detail


@LINKS
def test_a_second_try_that_is_answered_is_no_fault(link: str) -> None:
    what = one(timeout=0.1)
    served = unit(what, link == SERIAL, a=7)
    wire: Wire

    def not_the_first(data: bytes) -> Replies:
        return served(data) if len(wire.sent) > 1 else ()

    wire = Wire(not_the_first, driver(what, link))
    wire.run(1.6)
    assert wire.readings[0].quality is Quality.GOOD
    assert not wire.faults


@LINKS
def test_a_device_that_answers_nothing_gives_faults_and_no_reading(link: str) -> None:
    wire = Wire(silent, driver(two(timeout=0.1), link))
    wire.run(5.0)
    assert not wire.readings
    assert {fault.reason for fault in wire.faults} == {"timeout"}


# --- Late, wrong and broken replies


@LINKS
@pytest.mark.parametrize("delay", [0.1001, 0.13, 0.151, 0.17, 0.199])
def test_a_late_reply_never_becomes_the_answer_to_the_next_request(link: str, delay: float) -> None:
    what = two(timeout=0.1, retries=0)
    served = unit(what, link == SERIAL, a=100, b=200)

    def late_first(data: bytes) -> Replies:
        return [(delay if b"\0\x64" in data else 0.02, served.answer(data))]

    wire = Wire(late_first, driver(what, link))
    wire.run(10.0)
    assert len(wire.readings) >= 4
    assert all(reading.values == {"b": 200} for reading in wire.readings)


@pytest.mark.parametrize("lateness", [0.15, 0.25, 0.31, 0.55, 1.1])
def test_a_unit_that_is_always_late_is_never_believed_and_told(lateness: float) -> None:
    what = two(timeout=0.1)
    served = unit(what, rtu=True, a=100, b=200)
    wire = Wire(lambda data: [(lateness, served.answer(data))], driver(what, SERIAL))
    wire.run(60.0)
    for reading in wire.readings:
        assert all(reading.values[name] == {"a": 100, "b": 200}[name] for name in reading.values)
    assert {fault.reason for fault in wire.faults} & {"late", "timeout"}


def test_after_an_answer_that_never_came_a_serial_unit_is_asked_what_cannot_be_confused() -> None:
    what = two(timeout=0.1, retries=0)
    served = unit(what, rtu=True, a=100, b=200)
    wire = Wire(lambda data: () if len(wire.sent) == 1 else served(data), driver(what, SERIAL))
    wire.run(1.6)
    asked = [data[1:4].hex() for _, data in wire.sent]
    assert asked[:3] == ["030064", "080000", "0300c8"]
    assert wire.readings[0].values == {"b": 200}


def test_a_read_whose_answer_looks_different_clears_up_what_was_left_open() -> None:
    what = profile({"a": {"address": 100}, "b": {"address": 200, "type": "uint32"}}, timeout=0.1, retries=0)
    served = unit(what, rtu=True, a=7, b=9)
    wire = Wire(lambda data: () if len(wire.sent) == 1 else served(data), driver(what, SERIAL))
    wire.run(1.6)
    assert [data[1:4].hex() for _, data in wire.sent][:3] == ["030064", "0300c8", "0300c8"]


def test_a_refused_read_clears_nothing_up_for_it_may_be_the_late_refusal_of_another() -> None:
    what = profile({"a": {"address": 100}, "b": {"address": 200, "type": "uint32"}}, timeout=0.1, retries=0)
    served = unit(what, rtu=True, a=7)
    served.tables["holding"].pop(200, None)
    wire = Wire(lambda data: () if len(wire.sent) == 1 else served(data), driver(what, SERIAL))
    wire.run(1.6)
    assert [data[1:4].hex() for _, data in wire.sent][:4] == ["030064", "0300c8", "080000", "0300c8"]


def test_a_unit_that_does_not_know_the_echo_and_says_nothing_to_it_is_read_again() -> None:
    what = one(timeout=0.05)
    served = unit(what, rtu=True, a=7)

    def mute(data: bytes) -> Replies:
        return () if len(wire.sent) == 5 or is_echo(data) else served(data)

    wire = Wire(mute, driver(what, SERIAL, every=0.1))
    wire.run(10.0)
    assert sum(is_echo(data) for _, data in wire.sent) == 3
    assert len(wire.readings) > 50


@LINKS
def test_a_reply_later_than_the_retry_is_never_taken_for_another_register(link: str) -> None:
    what = two(timeout=0.1)
    served = unit(what, link == SERIAL, a=100, b=200)
    wire = Wire(lambda data: [(0.16, served.answer(data))], driver(what, link))
    wire.run(20.0)
    for reading in wire.readings:
        assert all(reading.values[name] == {"a": 100, "b": 200}[name] for name in reading.values)


def test_a_tcp_reply_with_an_old_transaction_is_reported_and_the_right_one_taken() -> None:
    what = one()
    poller = driver(what)
    sent, when = after_first(poller)
    transaction = int.from_bytes(sent[:2])
    old = wrap_mbap((transaction - 1) & 0xFFFF, 1, bytes.fromhex("03020064"))
    (fault,) = poller.receive(old, instant(when + 0.1))
    assert (getattr(fault, "reason", ""), getattr(fault, "frame", b"")) == ("unexpected", old)
    (reading,) = poller.receive(wrap_mbap(transaction, 1, bytes.fromhex("03020007")), instant(when + 0.2))
    assert isinstance(reading, Reading)
    assert reading.values == {"a": 7}


@LINKS
@pytest.mark.parametrize(
    ("number", "pdu", "why"),
    [
        (2, "03020001", "from unit 2 while unit 1"),
        (1, "04020001", "to function 4 while 3"),
        (1, "030400010002", "04h data bytes where 2"),
        (1, "8402", "to function 4 while 3"),
    ],
)
def test_a_reply_from_the_wrong_unit_or_of_the_wrong_form_is_a_fault_and_the_wait_goes_on(
    link: str, number: int, pdu: str, why: str
) -> None:
    what = one()
    rtu = link == SERIAL
    served = unit(what, rtu, a=7)

    def wrong_then_right(data: bytes) -> Replies:
        body, transaction = bytes.fromhex(pdu), int.from_bytes(data[:2])
        wrong = wrap_rtu(number, body) if rtu else wrap_mbap(transaction, number, body)
        return [(0.01, wrong), (0.02, served.answer(data))]

    wire = Wire(wrong_then_right, driver(what, link))
    wire.run(1.0)
    assert wire.readings[0].values == {"a": 7}
    assert wire.readings[0].quality is Quality.GOOD
    assert [fault.reason for fault in wire.faults] == ["unexpected"]
    assert why in wire.faults[0].detail


def test_a_damaged_rtu_reply_is_a_checksum_fault_as_soon_as_the_line_falls_silent() -> None:
    what = one(timeout=1, retries=0)
    served = unit(what, rtu=True, a=7)

    def damaged(data: bytes) -> Replies:
        reply = served.answer(data)
        return [(0.01, reply[:-1] + bytes((reply[-1] ^ 1,)))]

    wire = Wire(damaged, driver(what, SERIAL))
    wire.run(1.5)
    assert not wire.readings
    assert wire.faults[0].reason == "checksum"
    assert len(wire.faults[0].frame) == 7
    assert wire.events[0][0] - wire.sent[0][0] < 0.1


def test_noise_before_a_reply_does_no_harm() -> None:
    what = one()
    served = unit(what, rtu=True, a=7)
    for noise in (b"\0", b"\xff\x01", b"\x01\x03", b"\x01\x03\x02", b"\x01\x83", bytes(300)):
        wire = Wire(lambda data, n=noise: [(0.01, n + served.answer(data))], driver(what, SERIAL))  # type: ignore[misc]
        wire.run(1.0)
        assert wire.readings[0].values == {"a": 7}, noise
        assert not wire.faults


def test_an_adapter_that_echoes_what_is_sent_does_no_harm() -> None:
    what = one()
    served = unit(what, rtu=True, a=7)
    wire = Wire(lambda data: [(0.0, data), (0.01, served.answer(data))], driver(what, SERIAL))
    wire.run(1.0)
    assert wire.readings[0].values == {"a": 7}
    assert not wire.faults


@LINKS
def test_a_reply_byte_by_byte_is_a_reply(link: str) -> None:
    what = two()
    served = unit(what, link == SERIAL, a=7, b=9)

    def dripping(data: bytes) -> Replies:
        return [(0.01 * index, bytes((byte,))) for index, byte in enumerate(served.answer(data), 1)]

    wire = Wire(dripping, driver(what, link))
    wire.run(1.9)
    assert wire.readings[0].values == {"a": 7, "b": 9}
    assert not wire.faults


@LINKS
@pytest.mark.parametrize(
    "garbage", [b"\x55" * 64, b"\x01\x03\x02" * 20, bytes(64), b"\0\0\0\0\0\x06\x01\x03" * 8]
)
def test_continuous_garbage_ends_at_the_deadline_with_bounded_memory(link: str, garbage: bytes) -> None:
    poller = driver(one(timeout=0.5, retries=0), link)
    wire = Wire(silent, poller)
    for index in range(400):
        wire.inject(index * 0.01, garbage)
    wire.run(4.0)
    assert len(wire.sent) >= 2
    assert len(poller._finder.evidence) <= LONGEST
    assert not wire.readings
    gone = [when - wire.sent[0][0] for when, event in wire.events if getattr(event, "frame", b"")]
    assert min(gone) <= 0.5 + 1e-9
    assert len(wire.faults) < 60


# --- Anything at all

ASCII = SERIAL + "&framing=ascii"
STEPS = st.lists(
    st.one_of(
        st.binary(max_size=600),
        st.sampled_from(
            [
                b"\x01\x03",
                b"\x01\x83\x02",
                b"\0\0\0\x03\x01\x83\x02",
                b"\x01\x03\x02\0\x07",
                b":0103",
                b"\r\n",
            ]
        ),
        st.floats(0, 3),
        st.sampled_from(["connected", "answer", "relay", "level", "pulse"]),
    ),
    max_size=30,
)
ANYTHING = profile(
    {
        "a": {"address": 100},
        "b": {"address": 200, "type": "float32", "group": "slow"},
        "c": {"table": "coil", "address": 5},
        "d": {"compute": "a / c"},
    },
    {
        "relay": {"table": "coil", "address": 5, "value": True, "read_back": True, "retries": 1},
        "level": {"address": 100, "mask": 0xFF, "mask_write": False, "value": 7},
        "pulse": {"table": "coil", "address": 5, "value": True, "pulse": "1s"},
    },
    groups={"slow": "7s"},
)


@pytest.mark.parametrize("link", ["tcp://127.0.0.1:502", SERIAL, ASCII])
@given(steps=STEPS)
@settings(max_examples=60)
def test_any_bytes_at_any_time_raise_nothing_and_fill_nothing_and_each_command_has_one_reply(
    link: str, steps: list[bytes | float | str]
) -> None:
    framing: Framing = "tcp" if link.startswith("tcp") else "ascii" if link == ASCII else "rtu"
    served = unit(ANYTHING, framing=framing, a=7, b=1.5, c=True)
    poller = driver(ANYTHING, link)
    now, sent, given, replied = 0.0, b"", 0, list[str]()

    def note(events: Iterable[Event]) -> None:
        replied.extend(event.command for event in events if isinstance(event, Reply))

    note(poller.connected(instant(now)))
    for step in [*steps, 100.0, "connected"]:
        if isinstance(step, bytes):
            note(poller.receive(step, instant(now)))
        elif step == "connected":
            note(poller.connected(instant(now)))
        elif step == "answer":
            note(poller.receive(served.answer(sent), instant(now)))
        elif isinstance(step, str):
            given += 1
            note(poller.command(Command(str(given), "quay-power", step, {}, 2**62), instant(now)))
        else:
            now += step
            note(poller.wake(instant(now)))
        sent = sent_by(poller) or sent
        assert len(poller._finder.evidence) <= LONGEST
        assert poller.wake_at is not None
        assert poller.wake_at <= now + 32
    assert sorted(replied, key=int) == [str(number + 1) for number in range(given)]


@LINKS
@given(values=st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)), cuts=st.lists(st.integers(0, 40)))
@settings(max_examples=60)
def test_a_reply_reads_the_same_in_any_chunking(link: str, values: tuple[int, int], cuts: list[int]) -> None:
    what = two(max_gap=125)
    served = unit(what, link == SERIAL, a=values[0], b=values[1])
    for address in range(100, 200):
        served.tables["holding"].setdefault(address, 0x0103)
    poller = driver(what, link)
    sent, when = after_first(poller)
    reply = served.answer(sent)
    edges = sorted({0, len(reply), *(cut for cut in cuts if cut < len(reply))})
    events = [
        event
        for start, end in pairwise(edges)
        for event in poller.receive(reply[start:end], instant(when + 0.1))
    ]
    (reading,) = events
    assert isinstance(reading, Reading)
    assert reading.values == {"a": values[0], "b": values[1]}
