"""Commands to Modbus devices: what is written, what is read back, and exactly one reply whatever happens."""

from itertools import pairwise
from typing import Any

import pytest

from drivers.modbus.frames import exception_reply, wrap_mbap, wrap_rtu
from drivers.modbus.jobs import MOST_WAITING
from telemetry import Command, Profile, ProfileError
from tests.drivers.modbus_wire import (
    LINKS,
    SERIAL,
    Replies,
    Wire,
    driver,
    instant,
    profile,
    silent,
    unit,
)

RELAYS: dict[str, dict[str, Any]] = {f"relay_{n}": {"table": "coil", "address": n} for n in range(4)}
OPEN: dict[str, Any] = dict.fromkeys(RELAYS, False)
LEVEL: dict[str, dict[str, Any]] = {"level": {"address": 10}, "mode": {"address": 11, "mask": 0x00F0}}


def relays(**write: Any) -> Profile:
    words = {"table": "coil", "address": 1, "value": "to", "argument": "flag"} | write
    return profile(RELAYS, {"relay": words}, timeout=0.1)


def level(**write: Any) -> Profile:
    words = {"address": 10, "value": "to", "argument": "number"} | write
    return profile(LEVEL, {"set_level": words}, timeout=0.1)


def pdus(wire: Wire) -> list[str]:
    """Function and what follows of each write and of what was read singly, without framing."""
    sent = [data[7:] if data[2:4] == b"\0\0" and len(data) > 9 else data[1:-2] for _, data in wire.sent]
    return [pdu.hex() for pdu in sent]


def on_relays(link: str = "tcp://127.0.0.1:502", **write: Any) -> Wire:
    """A board whose four relays are open, polled once."""
    what = relays(**write)
    served = unit(what, link == SERIAL, **OPEN)
    wire = Wire(served, driver(what, link))
    wire.run(1.0)
    wire.sent.clear()
    return wire


def on_level(link: str = "tcp://127.0.0.1:502", **write: Any) -> Wire:
    """A device with a level of 5 and a mode of 3, polled once."""
    what = level(**write)
    served = unit(what, link == SERIAL, level=5, mode=3)
    served.tables["holding"][11] = 0xAB3C
    wire = Wire(served, driver(what, link))
    wire.run(1.0)
    wire.sent.clear()
    return wire


def outcome(wire: Wire) -> tuple[str, str]:
    """Reason and detail of the one reply."""
    (reply,) = wire.replies
    return reply.reason, reply.detail


@LINKS
def test_a_coil_is_written_read_back_and_polled_anew_at_once(link: str) -> None:
    wire = on_relays(link, read_back=True)
    wire.command("relay", to=True)
    wire.run(1.1)
    assert pdus(wire) == ["050001ff00", "0100010001", "0100000004"]
    assert wire.replies[0].done
    assert wire.replies[0].values == {"value": True}
    assert wire.readings[-1].values["relay_1"] is True
    assert not wire.drivers[0].urgent


@LINKS
@pytest.mark.parametrize(
    ("write", "given", "expected"),
    [
        ({}, 7, ["06000a0007"]),
        ({"scale": 0.1}, 2.5, ["06000a0019"]),
        ({"function": "multiple"}, 7, ["10000a0001020007"]),
        ({"type": "float32"}, 1.5, ["10000a0002043fc00000"]),
        ({"type": "float32", "word_order": "little"}, 1.5, ["10000a00020400003fc0"]),
        ({"address": 11, "mask": 0x00F0}, 9, ["16000bff0f0090"]),
        ({"address": 11, "mask": 0x00F0, "mask_write": False}, 9, ["03000b0001", "06000bab9c"]),
        ({"address": 11, "bit": 15}, 0, ["16000b7fff0000"]),
        ({"address": 11, "type": "uint8_low"}, 1, ["16000bff000001"]),
    ],
)
def test_registers_are_written_as_the_profile_says(
    link: str, write: dict[str, Any], given: float, expected: list[str]
) -> None:
    wire = on_level(link, **write)
    wire.command("set_level", to=given)
    wire.run(1.2)
    assert pdus(wire)[: len(expected)] == expected
    assert outcome(wire) == ("", "")


def test_a_read_and_write_back_leaves_the_other_bits_as_they_are() -> None:
    for mask_write in (True, False):
        wire = on_level(address=11, mask=0x00F0, mask_write=mask_write, read_back=True)
        wire.command("set_level", to=9)
        wire.run(1.2)
        assert outcome(wire) == ("", "")
        assert wire.readings[-1].values["mode"] == 9


def test_a_fixed_value_and_a_choice_are_written() -> None:
    words = {"address": 10, "value": 42}
    modes = {
        "address": 10,
        "value": "to",
        "argument": "choice",
        "choices": ["eco", "full"],
        "enum": {1: "eco", 2: "full"},
    }
    what = profile(LEVEL, {"reset": words, "mode": modes})
    wire = Wire(unit(what, level=1, mode=1), driver(what))
    wire.run(1.0)
    wire.sent.clear()
    wire.command("reset")
    wire.command("mode", to="full")
    wire.run(1.2)
    assert pdus(wire)[:2] == ["06000a002a", "06000a0002"]


def test_all_coils_are_written_in_one_request() -> None:
    wire = on_relays(address=0, count=4, read_back=True)
    wire.command("relay", to=True)
    wire.run(1.1)
    assert pdus(wire)[:2] == ["0f00000004010f", "0100000004"]
    assert outcome(wire) == ("", "")


@LINKS
def test_what_reads_back_otherwise_is_a_mismatch(link: str) -> None:
    what = relays(read_back=True)
    rtu = link == SERIAL
    served = unit(what, rtu, **OPEN)

    def welded(data: bytes) -> Replies:
        answer = served(data)
        served.tables["coil"][1] = 0
        return answer

    wire = Wire(welded, driver(what, link))
    wire.run(1.0)
    wire.command("relay", to=True)
    wire.run(1.3)
    reason, detail = outcome(wire)
    assert reason == "mismatch"
    assert "after True was written" in detail


@LINKS
def test_an_exception_refuses_the_command_by_its_name(link: str) -> None:
    rtu = link == SERIAL

    def refusing(data: bytes) -> Replies:
        pdu = exception_reply(data[1] if rtu else data[7], 3)
        return [(0.01, wrap_rtu(1, pdu) if rtu else wrap_mbap(int.from_bytes(data[:2]), 1, pdu))]

    wire = Wire(refusing, driver(relays(), link))
    wire.run(1.0)
    wire.command("relay", to=True)
    wire.run(1.3)
    assert outcome(wire) == ("refused", "the device answered exception 3, illegal data value")


@LINKS
def test_without_an_answer_it_may_have_been_done_or_not_and_is_not_tried_again(link: str) -> None:
    wire = Wire(silent, driver(relays(), link))
    wire.command("relay", to=True)
    wire.run(0.15)
    assert len([pdu for pdu in pdus(wire) if pdu.startswith("05")]) == 1
    reason, detail = outcome(wire)
    assert reason == "timeout"
    assert "may have been done or not" in detail
    wire.run(3.0)
    assert len([pdu for pdu in pdus(wire) if pdu.startswith("05")]) == 1
    assert len(wire.replies) == 1


@LINKS
def test_it_is_tried_again_where_the_profile_says_that_twice_does_no_harm(link: str) -> None:
    what = relays(retries=1)
    served = unit(what, link == SERIAL, **OPEN)
    wire: Wire

    def deaf_once(data: bytes) -> Replies:
        return () if len(wire.sent) == 1 else served(data)

    wire = Wire(deaf_once, driver(what, link))
    wire.command("relay", to=True)
    wire.run(0.9)
    assert outcome(wire) == ("", "")


def test_a_reply_that_echoes_another_write_is_not_believed() -> None:
    what = relays()
    poller = driver(what, SERIAL)
    wire = Wire(
        lambda data: [(0.01, wrap_rtu(1, bytes.fromhex("050002ff00")))] if data[1] == 5 else (), poller
    )
    wire.command("relay", to=True)
    wire.run(0.5)
    assert outcome(wire)[0] == "timeout"
    assert "something else was written" in wire.faults[0].detail


@pytest.mark.parametrize("link", [SERIAL, SERIAL + "&framing=ascii"])
def test_an_adapter_s_echo_does_not_pass_for_the_answer_to_a_write(link: str) -> None:
    what = relays()
    served = unit(what, framing="ascii" if "ascii" in link else "rtu", **OPEN)
    alive = True

    def echoing(data: bytes) -> Replies:
        answer = served.answer(data) if alive else b""
        return [(0.005, data[:3]), (0.006, data[3:] + answer[:4]), (0.01, answer[4:])]

    wire = Wire(echoing, driver(what, link))
    wire.run(1.0)
    wire.command("relay", to=True)
    wire.run(1.1)
    alive = False
    wire.command("relay", to=True)
    wire.run(1.4)
    assert [reply.reason for reply in wire.replies] == ["", "timeout"]
    assert wire.readings[0].values == OPEN
    assert {fault.reason for fault in wire.faults} == {"timeout"}


@LINKS
def test_a_pulse_ends_by_itself_while_polls_and_other_commands_go_on(link: str) -> None:
    words = {"table": "coil", "address": 1, "value": True, "pulse": "2s"}
    other = {"table": "coil", "address": 2, "value": True}
    what = profile(RELAYS, {"spray": words, "light": other}, timeout=0.1)
    served = unit(what, link == SERIAL, **OPEN)
    wire = Wire(served, driver(what, link))
    wire.run(1.0)
    wire.command("spray")
    wire.command("light")
    wire.run(2.0)
    assert [reply.command.partition("-")[0] for reply in wire.replies] == ["light"]
    assert served.tables["coil"] == {0: 0, 1: 1, 2: 1, 3: 0}
    wire.run(4.0)
    assert [reply.done for reply in wire.replies] == [True, True]
    assert served.tables["coil"] == {0: 0, 1: 0, 2: 1, 3: 0}
    writes = [when for when, data in wire.sent if data[1 if link == SERIAL else 7] == 5]
    assert writes[2] - writes[0] == pytest.approx(2.0, abs=0.1)
    assert len(wire.readings) >= 4


@LINKS
@pytest.mark.parametrize("cut_at", [0.005, 0.5])
def test_a_pulse_is_ended_although_the_link_broke_meanwhile(link: str, cut_at: float) -> None:
    words = {"table": "coil", "address": 1, "value": True, "pulse": "2s"}
    what = profile(RELAYS, {"spray": words}, timeout=0.1)
    served = unit(what, link == SERIAL, **OPEN)
    wire = Wire(served, driver(what, link))
    wire.run(1.0)
    wire.command("spray")
    wire.run(1.0 + cut_at)
    wire.events += [(wire.now, event) for event in wire.drivers[0].connected(instant(wire.now))]
    assert outcome(wire)[0] == "timeout"
    wire.run(6.0)
    assert served.tables["coil"][1] == 0
    assert len(wire.replies) == 1


def test_a_pulse_whose_beginning_was_not_answered_is_ended_all_the_same() -> None:
    words = {"table": "coil", "address": 1, "value": True, "pulse": "500ms"}
    what = profile(RELAYS, {"spray": words}, timeout=0.1)
    served = unit(what, **OPEN)

    def half_deaf(data: bytes) -> Replies:
        answer = served(data)
        return () if data[7] == 5 and data[10] == 0xFF else answer

    wire = Wire(half_deaf, driver(what))
    wire.run(1.0)
    wire.command("spray")
    wire.run(3.0)
    assert outcome(wire)[0] == "timeout"
    assert served.tables["coil"][1] == 0


def test_commands_of_a_link_that_breaks_get_their_replies_and_never_go_out() -> None:
    poller = driver(relays())
    wire = Wire(silent, poller)
    wire.command("relay", to=True)
    wire.events += [(0.0, event) for event in poller.connected(instant(0.0))]
    assert outcome(wire)[0] == "unsent"
    wire.run(2.0)
    assert not [pdu for pdu in pdus(wire) if pdu.startswith("05")]


def test_a_command_that_waited_too_long_expires() -> None:
    poller = driver(relays())
    wire = Wire(silent, poller)
    (late,) = (Command("c", "quay-power", "relay", {"to": True}, instant(-1).utc),)
    assert poller.command(late, instant(0)) == ()
    wire.run(0.0)
    assert outcome(wire)[0] == "expired"
    assert not poller.urgent


def test_so_many_commands_and_no_more_wait() -> None:
    wire = Wire(silent, driver(relays()))
    for _ in range(MOST_WAITING + 2):
        wire.command("relay", to=True)
    assert [reply.reason for reply in wire.replies] == ["refused", "refused"]


def test_an_action_nobody_knows_and_a_value_that_does_not_fit_are_refused() -> None:
    wire = on_level()
    wire.command("set_level", to=70000)
    wire.run(1.1)
    reason, detail = outcome(wire)
    assert reason == "refused"
    assert "does not fit uint16" in detail
    (reply,) = driver(level()).command(Command("c", "d", "dance", {}, 0), instant(0))
    assert getattr(reply, "reason", "") == "refused"


# --- Among others


def test_a_command_waits_for_one_exchange_at_most_on_a_busy_bus() -> None:
    what = profile(
        {"a": {"address": 100}, "b": {"address": 200}}, {"set": {"address": 100, "value": 5}}, timeout=0.2
    )
    units = [unit(what, rtu=True, number=number, a=1, b=2) for number in (1, 2, 3)]
    drivers = [driver(what, SERIAL, id=f"meter-{number}", unit_id=number, every=0.01) for number in (1, 2, 3)]
    wire = Wire(lambda data: [(0.03, reply) for one in units for _, reply in one(data)], *drivers)
    waited: list[float] = []
    for turn in range(40):
        wire.run(1.0 + turn * 0.237)
        wire.command("set", number=turn % 3)
        given = wire.now
        wire.run(given + 0.2)
        waited.append(next(when for when, data in wire.sent if when >= given and data[1] == 6) - given)
    assert max(waited) < 0.045
    sent = [when for when, _ in wire.sent]
    assert min(later - earlier for earlier, later in pairwise(sent)) > 0.03, "one exchange at a time"
    assert len(wire.replies) == 40
    assert all(reply.done for reply in wire.replies)


def test_a_pulse_in_its_pause_takes_no_turns_from_the_others() -> None:
    metrics = {"a": {"address": 100}}
    what = profile(metrics, {"spray": {"address": 100, "value": 5, "pulse": "5s"}}, timeout=0.2)
    units = [unit(what, rtu=True, number=number, a=1) for number in (1, 2)]
    drivers = [driver(what, SERIAL, id=f"meter-{number}", unit_id=number, every=0.01) for number in (1, 2)]
    wire = Wire(lambda data: [(0.03, reply) for one in units for _, reply in one(data)], *drivers)
    wire.run(1.0)
    wire.command("spray")
    wire.sent.clear()
    wire.run(7.0)
    polls = [sum(data[:2] == bytes((number, 3)) for _, data in wire.sent) for number in (1, 2)]
    assert min(polls) > 0.8 * max(polls)
    writes = [when for when, data in wire.sent if data[1] == 6]
    assert writes[1] - writes[0] == pytest.approx(5.0, abs=0.15)
    assert wire.replies[0].done


def test_a_broadcast_is_written_and_not_waited_for() -> None:
    what = relays()
    others = [unit(what, rtu=True, number=number, **OPEN) for number in (1, 2)]
    wire = Wire(
        lambda data: [reply for one in others for reply in one(data)], driver(what, SERIAL, unit_id=0)
    )
    wire.command("relay", to=True)
    wire.run(5.0)
    assert [data.hex()[:12] for _, data in wire.sent] == ["00050001ff00"]
    assert outcome(wire) == ("", "")
    assert all(one.tables["coil"][1] for one in others)
    assert not wire.readings


def test_a_broadcast_cannot_read_back() -> None:
    wire = Wire(silent, driver(relays(read_back=True), SERIAL, unit_id=0))
    wire.command("relay", to=True)
    wire.run(1.0)
    assert outcome(wire)[0] == "refused"
    assert not wire.sent


def test_the_pace_of_a_slow_device_holds_for_commands_too() -> None:
    what = profile(RELAYS, {"on": {"table": "coil", "address": 1, "value": True}}, delay="300ms")
    wire = Wire(unit(what, **OPEN), driver(what))
    wire.run(1.0)
    for _ in range(3):
        wire.command("on")
    wire.run(4.0)
    assert all(later[0] - earlier[0] > 0.3 for earlier, later in pairwise(wire.sent))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        ({"value": 1}, "action set: write: address"),
        ({"address": 1}, "action set: write: value"),
        ({"address": 1, "value": "speed"}, "'speed' is no argument of the action; there are none"),
        ({"address": 1, "value": 1, "argument": "number"}, "value does not use the argument to"),
        ({"address": 1, "value": 70000}, "does not fit uint16"),
        ({"address": 1, "value": 1, "rest": 0}, "write pulse too"),
        ({"address": 1, "value": 1, "count": 2}, "count is for coils"),
        ({"address": 1, "value": 1, "type": "float32", "function": "single"}, "takes several registers"),
        ({"address": 1, "value": 1, "bit": 16}, "bit or mask reaches past"),
        ({"address": 65535, "value": 1, "type": "float32"}, "address 65535 is none"),
        ({"address": 5, "value": 1}, "lies in a reserved range"),
        ({"table": "input", "address": 1, "value": 1}, "action set: write: table"),
    ],
)
def test_an_action_that_cannot_be_used_says_where_and_what_to_write(
    write: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProfileError, match="profile test") as caught:
        driver(profile(LEVEL, {"set": write}, reserved={"holding": [[5, 5]]}))
    assert message in str(caught.value)
