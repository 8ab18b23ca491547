"""The Modbus client in simulated time: its cadence, and each fault of a Modbus or serial line it survives."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus import ModbusDriver
from drivers.modbus_frames import EXCEPTIONS, exception_reply, wrap_mbap, wrap_rtu
from drivers.modbus_plan import Plan
from telemetry import Profile, ProfileError, Quality, Reading
from tests.drivers.modbus_wire import EPOCH, Replies, Unit, Wire, driver, instant, profile

SERIAL = "serial:///dev/ttyUSB0?baudrate=9600"
LINKS = pytest.mark.parametrize("link", ["tcp://127.0.0.1:502", SERIAL])


def one(**words: object) -> Profile:
    """One register, 100."""
    return profile({"a": {"address": 100}}, **words)


def two(**words: object) -> Profile:
    """Registers 100 and 200, in a request each, whose replies look alike."""
    return profile({"a": {"address": 100}, "b": {"address": 200}}, **words)


def unit(what: Profile, rtu: bool = False, number: int = 1, **values: Any) -> Unit:
    return Unit(Plan(what).fill(values), unit=number, rtu=rtu)


def silent(_: bytes) -> Replies:
    return ()


def after_first(poller: ModbusDriver) -> tuple[bytes, float]:
    """Connects and wakes the driver: its first request and the second it was sent."""
    poller.connected(instant(0))
    assert poller.wake_at is not None
    when = poller.wake_at
    assert poller.wake(instant(when)) == ()
    return poller.outgoing(), when


# --- Framing


def test_the_link_s_kind_decides_the_framing() -> None:
    pdu = "0300640001"
    rtu = "01" + pdu + "c5d5"
    for link, rtu_expected in [
        ("tcp://127.0.0.1:502", False),
        ("tcp-listen://:502", False),
        (SERIAL, True),
        ("rfc2217://127.0.0.1:2217", True),
        ("tcp://127.0.0.1:4001?framing=rtu", True),
        (SERIAL + "&framing=tcp", False),
    ]:
        sent, _ = after_first(driver(one(), link))
        assert sent.hex() == rtu if rtu_expected else sent[2:].hex() == "0000000601" + pdu


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"link": "mqtt:port/#"}, "does not run over"),
        ({"link": "mqtt://meter:sesame@host/port"}, "does not run over mqtt: use"),
        ({"link": "tcp://[::1:502"}, "is not a URL"),
        ({"link": "tcp://127.0.0.1?framing=ascii"}, "does not run over tcp with framing=ascii"),
        ({"link": SERIAL, "unit_id": 0}, "1 to 247"),
        ({"link": SERIAL, "unit_id": 255}, "1 to 247"),
    ],
)
def test_a_device_that_cannot_be_polled_says_what_to_write(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        driver(one(), **changes)


def test_a_profile_without_a_period_needs_one_from_the_device() -> None:
    idle = one().model_copy(update={"every": None})
    with pytest.raises(ProfileError, match="write every"):
        driver(idle)
    assert driver(idle, every="2s").wake_at is None


# --- A poll


@LINKS
def test_a_poll_of_several_requests_is_one_reading_at_its_end(link: str) -> None:
    what = two()
    wire = Wire(unit(what, link == SERIAL, a=7, b=9), driver(what, link))
    wire.run(1.0)
    (reading,) = wire.readings
    assert reading.values == {"a": 7, "b": 9}
    assert (reading.device, reading.kind, reading.quality) == ("quay-power", "test", Quality.GOOD)
    assert reading.observed_at == EPOCH + round(wire.events[0][0] * 1e9)
    assert len(wire.sent) == 2
    assert not wire.faults


@LINKS
def test_polls_stay_on_their_grid_however_long_they_take(link: str) -> None:
    what = one()
    wire = Wire(unit(what, link == SERIAL, a=7), driver(what, link))
    wire.run(20.0)
    first = wire.sent[0][0]
    assert [when for when, _ in wire.sent] == pytest.approx([first + index for index in range(20)])
    assert wire.drivers[0].missed == 0  # type: ignore[attr-defined]


def test_the_device_s_period_goes_before_the_profile_s() -> None:
    what = one()
    wire = Wire(unit(what, a=7), driver(what, every="500ms"))
    wire.run(10.0)
    assert len(wire.sent) == 20


def test_first_polls_are_spread_over_the_period_the_same_way_each_time() -> None:
    def first(name: str, every: float) -> float:
        return after_first(driver(one(), id=name, every=every))[1]

    moments = sorted(first(f"meter-{index}", 1.0) for index in range(500))
    assert moments[0] >= 0
    assert moments[-1] < 1
    assert max(sum(low <= moment < low + 0.1 for moment in moments) for low in (0.0, 0.3, 0.6, 0.9)) < 100
    assert first("meter-1", 1.0) == first("meter-1", 1.0)
    assert first("meter-1", 900) < 10


def test_a_poll_that_outlasts_its_period_is_counted_and_not_made_up_for() -> None:
    what = one(timeout=5, retries=0)
    poller = driver(what)
    answering = unit(what, a=7)

    def slow(data: bytes) -> Replies:
        return [(3.25, answering.answer(data))]

    wire = Wire(slow, poller)
    wire.run(20.0)
    gaps = {round(later[0] - earlier[0], 6) for earlier, later in pairwise(wire.sent)}
    assert gaps <= {3.25, 3.5, 3.75, 4.0}
    assert poller.missed >= 10
    assert len(wire.sent) + poller.missed == pytest.approx(20, abs=4)


def test_a_wake_that_comes_late_skips_what_it_missed() -> None:
    poller = driver(one())
    _, when = after_first(poller)
    assert poller.missed == 0
    poller.connected(instant(when + 3.5))
    assert poller.missed == 3
    poller.connected(instant(when + 3.6))
    assert poller.missed == 3


def test_a_delay_between_requests_leaves_the_line_to_others_meanwhile() -> None:
    what = two(delay=0.2)
    poller = driver(what)
    wire = Wire(unit(what, a=7, b=9), poller)
    wire.run(poller.wake_at or 0)
    wire.run(wire.now + 0.1)
    assert not poller.busy
    wire.run(wire.now + 0.3)
    assert wire.sent[1][0] - wire.sent[0][0] == pytest.approx(0.21)
    assert len(wire.readings) == 1


def test_values_not_available_are_absent_and_a_poll_without_any_is_no_reading() -> None:
    what = profile({"a": {"address": 1, "nulls": [0xFFFF]}, "b": {"address": 2, "nulls": [0xFFFF]}})
    served = unit(what, a=None, b=5)
    wire = Wire(served, driver(what))
    wire.run(1.0)
    assert wire.readings[0].values == {"b": 5}
    Plan(what).fill({"b": None}, served.tables)
    wire.run(2.0)
    assert len(wire.readings) == 1
    assert not wire.faults


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
    assert fault.reason == "exception"
    assert f"exception {code}, {EXCEPTIONS.get(code, 'not defined')}" in fault.detail
    assert "function 3 at 200" in fault.detail
    assert fault.frame[-3 if rtu else -1] == code


@LINKS
def test_a_request_without_an_answer_is_tried_again_and_then_a_fault(link: str) -> None:
    what = two(timeout=0.1)
    served = unit(what, link == SERIAL, a=7, b=9)
    wire = Wire(lambda data: () if b"\0\xc8" in data else served(data), driver(what, link, every=10))
    wire.run(10.0)
    assert [b"\0\xc8" in data for _, data in wire.sent] == [False, True, True]
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

    def every_other(data: bytes) -> Replies:
        return served(data) if len(wire.sent) % 2 == 0 else ()

    wire = Wire(every_other, driver(what, link))
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
    assert len(poller._finder.evidence) <= 512
    assert not wire.readings
    gone = [when - wire.sent[0][0] for when, event in wire.events if getattr(event, "frame", b"")]
    assert min(gone) <= 0.5 + 1e-9
    assert len(wire.faults) < 60


# --- A shared line


def test_a_dead_unit_costs_its_neighbours_one_time_out_at_a_time_and_then_next_to_nothing() -> None:
    what = one(timeout=0.2)
    units = [unit(what, rtu=True, number=number, a=number) for number in (1, 2, 3)]
    drivers = [driver(what, SERIAL, id=f"meter-{number}", unit_id=number) for number in (1, 2, 3, 9)]
    wire = Wire(lambda data: [reply for one in units for reply in one(data)], *drivers)
    wire.run(60.0)
    for number in (1, 2, 3):
        mine = [r.observed_at / 1e9 for r in wire.readings if r.device == f"meter-{number}"]
        gaps = [later - earlier for earlier, later in pairwise(mine)]
        assert len(mine) >= 59
        assert max(gaps) < 1 + 0.2 + 0.05 + 0.1
        assert [poller.missed for poller in drivers[:3]] == [0, 0, 0]
    probes = [when for when, data in wire.sent if data[0] == 9]
    assert len(probes) <= 10


@LINKS
def test_a_unit_that_stays_silent_is_asked_ever_less_often_and_resumes_at_once(link: str) -> None:
    what = one(timeout=0.1)
    served = unit(what, link == SERIAL, a=7)
    alive = False
    wire = Wire(lambda data: served(data) if alive else (), driver(what, link))
    wire.run(200.0)
    times = [when for when, _ in wire.sent]
    gaps = [round(later - earlier) for earlier, later in pairwise(times)]
    assert gaps[-3:] == [30, 30, 30]
    assert gaps == sorted(gaps)
    alive = True
    wire.run(times[-1] + 40.0)
    back = wire.readings[0].observed_at
    assert back <= EPOCH + round((times[-1] + 30.1) * 1e9)
    assert len(wire.readings) >= 10
    assert wire.readings[1].observed_at - back == pytest.approx(1e9, rel=0.01)


@LINKS
def test_a_unit_known_to_be_silent_is_asked_one_question_a_poll(link: str) -> None:
    wire = Wire(silent, driver(two(timeout=0.1), link))
    wire.run(30.0)
    asked_for_b = [data for _, data in wire.sent if b"\0\xc8" in data]
    assert len(asked_for_b) == 1
    assert len(wire.sent) >= 6


def test_a_gateway_that_says_its_unit_is_silent_is_asked_less_often_too() -> None:
    def gateway(data: bytes) -> Replies:
        return [(0.01, wrap_mbap(int.from_bytes(data[:2]), 1, exception_reply(3, 11)))]

    wire = Wire(gateway, driver(one()))
    wire.run(100.0)
    assert len(wire.sent) < 12
    assert {fault.reason for fault in wire.faults} == {"exception"}


def test_the_line_is_kept_from_the_request_until_3_5_characters_after_the_reply() -> None:
    what = one()
    served = unit(what, rtu=True, a=7)
    poller = driver(what, SERIAL)
    assert not poller.busy
    sent, when = after_first(poller)
    assert poller.busy
    poller.receive(served.answer(sent), instant(when + 0.02))
    assert poller.busy
    assert poller.wake_at == pytest.approx(when + 0.02 + 3.5 * 11 / 9600)
    poller.wake(instant(poller.wake_at or 0))
    assert not poller.busy
    assert poller.wake_at == pytest.approx(when + 1)


def test_after_a_time_out_a_serial_line_is_drained_but_not_for_ever() -> None:
    poller = driver(one(timeout=0.5, retries=0), SERIAL)
    _, when = after_first(poller)
    poller.wake(instant(when + 0.5))
    moment = when + 0.5
    while poller.busy:
        assert poller.wake_at is not None
        moment += 0.01
        poller.receive(b"\x55", instant(moment))
        if poller.wake_at <= moment:
            poller.wake(instant(moment))
    assert 0.5 <= moment - when - 0.5 <= 0.52


# --- The link goes and comes


@LINKS
def test_an_adapter_unplugged_in_the_middle_of_a_reply_starts_afresh(link: str) -> None:
    what = two()
    served = unit(what, link == SERIAL, a=7, b=9)
    poller = driver(what, link)
    sent, when = after_first(poller)
    poller.receive(served.answer(sent)[:4], instant(when + 0.01))
    poller.connected(instant(when + 5))
    assert not poller.busy
    assert poller.outgoing() == b""
    assert poller.missed == 4
    wire = Wire(served, poller)
    wire.run(1.0)
    assert wire.readings[0].values == {"a": 7, "b": 9}


def test_a_converter_that_rebooted_and_answers_the_old_connection_s_request_is_not_believed() -> None:
    what = one()
    poller = driver(what)
    sent, when = after_first(poller)
    old = unit(what, a=1).answer(sent)
    poller.connected(instant(when + 1))
    again = poller.wake_at or 0.0
    poller.wake(instant(again))
    fresh = unit(what, a=2).answer(poller.outgoing())
    events = [*poller.receive(old, instant(again)), *poller.receive(fresh, instant(again))]
    assert [event.values for event in events if isinstance(event, Reading)] == [{"a": 2}]


def test_two_readings_never_share_a_time_stamp_even_when_the_clock_stands_still() -> None:
    what = one()
    served = unit(what, a=7)
    poller = driver(what)
    stamps: list[int] = []
    poller.connected(instant(0))
    for _ in range(3):
        moment = instant(poller.wake_at or 0.0)
        poller.wake(moment)
        frozen = type(moment)(EPOCH, moment.monotonic)
        events = poller.receive(served.answer(poller.outgoing()), frozen)
        stamps += [event.observed_at for event in events if isinstance(event, Reading)]
    assert len(set(stamps)) == 3


# --- Anything at all

STEPS = st.lists(
    st.one_of(
        st.binary(max_size=600),
        st.sampled_from([b"\x01\x03", b"\x01\x83\x02", b"\0\0\0\x03\x01\x83\x02", b"\x01\x03\x02\0\x07"]),
        st.floats(0, 3),
        st.just("connected"),
        st.just("answer"),
    ),
    max_size=30,
)


@LINKS
@given(steps=STEPS)
@settings(max_examples=60)
def test_any_bytes_at_any_time_raise_nothing_and_fill_nothing(
    link: str, steps: list[bytes | float | str]
) -> None:
    what = profile(
        {
            "a": {"address": 100},
            "b": {"address": 200, "type": "float32"},
            "c": {"table": "coil", "address": 5},
        }
    )
    served = unit(what, link == SERIAL, a=7, b=1.5, c=True)
    poller = driver(what, link)
    now, sent = 0.0, b""
    poller.connected(instant(now))
    actions: dict[str, Callable[[], object]] = {
        "connected": lambda: poller.connected(instant(now)),
        "answer": lambda: poller.receive(served.answer(sent), instant(now)),
    }
    for step in steps:
        if isinstance(step, bytes):
            poller.receive(step, instant(now))
        elif isinstance(step, str):
            actions[step]()
        else:
            now += step
            poller.wake(instant(now))
        sent = poller.outgoing() or sent
        assert len(poller._finder.evidence) <= 512
        assert poller.wake_at is not None
        assert poller.wake_at <= now + 32


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
