"""The Modbus client in simulated time: its framing, its cadence, and the line it shares with others."""

from itertools import pairwise
from typing import Any

import pytest

from drivers.modbus.frames import exception_reply, wrap_mbap
from drivers.modbus.plan import Plan
from telemetry import ProfileError, Quality, Reading
from tests.drivers.modbus_wire import (
    EPOCH,
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
        ("udp://127.0.0.1:502", False),
        ("udp-listen://:502", False),
        ("udp://127.0.0.1:4001?framing=rtu", True),
    ]:
        sent, _ = after_first(driver(one(), link))
        assert sent.hex() == rtu if rtu_expected else sent[2:].hex() == "0000000601" + pdu


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"link": "tcp://[::1:502"}, "is not a URL"),
        ({"link": "tcp://127.0.0.1?framing=morse"}, "Modbus has no framing 'morse'"),
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
    assert len(asked_for_b) <= 1
    assert len(wire.sent) >= 6


def test_a_gateway_that_says_its_unit_is_silent_is_asked_less_often_too() -> None:
    def gateway(data: bytes) -> Replies:
        return [(0.01, wrap_mbap(int.from_bytes(data[:2]), 1, exception_reply(3, 11)))]

    wire = Wire(gateway, driver(one()))
    wire.run(100.0)
    assert len(wire.sent) < 12
    assert {fault.reason for fault in wire.faults} == {"refused"}


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
    assert sent_by(poller) == b""
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
    fresh = unit(what, a=2).answer(sent_by(poller))
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
        events = poller.receive(served.answer(sent_by(poller)), frozen)
        stamps += [event.observed_at for event in events if isinstance(event, Reading)]
    assert len(set(stamps)) == 3
