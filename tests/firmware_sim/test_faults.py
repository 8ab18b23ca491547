"""Faults on request: each kind, by rate, by number and by time; the same seed, the same faults."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.modbus_server import ModbusServer
from firmware_sim.wires.faults import FRAME_FAULTS, LINE_FAULTS, FaultRule, Piece, Spoiler
from telemetry import ConfigurationError
from tests.firmware_sim.boards import board
from tests.firmware_sim.echoing import Echo

FRAME = bytes(range(20))


def pieces(kind: str, frame: bytes = FRAME) -> tuple[Piece, ...]:
    """What becomes of one frame under a fault that always happens."""
    return Spoiler([FaultRule(kind, seconds=1.5)]).spoil(Echo(), frame, 0.0).pieces


def test_each_fault_of_a_frame_does_what_its_name_says() -> None:
    assert pieces("drop") == ()
    assert pieces("delay") == (Piece(FRAME, 1.5),)
    assert pieces("duplicate") == (Piece(FRAME), Piece(FRAME))
    assert pieces("split") == tuple(Piece(FRAME[n : n + 1], 0.002 * n) for n in range(20))
    (garbled,), (cut,), (behind,) = pieces("garble"), pieces("truncate"), pieces("chatter")
    flipped = int.from_bytes(garbled.payload) ^ int.from_bytes(FRAME)
    assert 1 <= flipped.bit_count() <= 3
    assert FRAME.startswith(cut.payload)
    assert len(cut.payload) < len(FRAME)
    assert behind.payload.endswith(FRAME)
    assert len(behind.payload) > len(FRAME)


def test_a_glued_frame_waits_for_the_next_and_is_written_with_it() -> None:
    spoiler = Spoiler([FaultRule("glue", nth=2)])
    written = [spoiler.spoil(Echo(), bytes((number,)), 0.0).pieces for number in range(1, 5)]
    assert written == [(Piece(b"\x01"),), (), (Piece(b"\x02\x03"),), ()]
    assert spoiler.counts == {"glue": 2}


def test_a_rate_is_a_share_of_the_frames_and_the_count_says_how_many() -> None:
    spoiler = Spoiler([FaultRule("drop", rate=0.25)])
    lost = sum(not spoiler.spoil(Echo(), FRAME, 0.0).pieces for _ in range(4000))
    assert spoiler.counts["drop"] == lost
    assert 850 <= lost <= 1150


def test_a_rule_with_a_time_holds_in_its_time_only() -> None:
    rule = FaultRule("drop", start=10, lasting=5, again=60)
    held = [age for age in range(140) if rule.holds(age)]
    assert held == [*range(10, 15), *range(70, 75), *range(130, 135)]
    spoiler = Spoiler([rule])
    assert spoiler.spoil(Echo(), FRAME, 9.9).pieces == (Piece(FRAME),)
    assert spoiler.spoil(Echo(), FRAME, 10.0).pieces == ()


def test_a_line_fault_at_a_frame_is_told_after_the_frame_is_written() -> None:
    rule = FaultRule("disconnect", nth=3)
    spoiler = Spoiler([rule])
    struck = [spoiler.spoil(Echo(), FRAME, 0.0).line for _ in range(6)]
    assert struck == [(), (), (rule,), (), (), (rule,)]


def test_a_protocols_own_fault_spares_frames_that_cannot_have_it() -> None:
    spoiler = Spoiler([FaultRule("wrong_count")])
    server = ModbusServer(board(), framing="rtu")
    assert spoiler.spoil(server, b"no frame of Modbus", 0.0).pieces == (Piece(b"no frame of Modbus"),)
    assert spoiler.spoil(Echo(), FRAME, 0.0).pieces == (Piece(FRAME),)
    assert not spoiler.counts


@settings(max_examples=50)
@given(
    kinds=st.lists(st.sampled_from(sorted(FRAME_FAULTS | LINE_FAULTS)), min_size=1, max_size=5),
    frames=st.lists(st.binary(max_size=30), max_size=30),
    seed=st.integers(0, 1000),
)
def test_the_same_seed_spoils_the_same_frames_alike(kinds: list[str], frames: list[bytes], seed: int) -> None:
    rules = [FaultRule(kind, rate=0.4) for kind in kinds]
    one, other = Spoiler(rules, seed), Spoiler(rules, seed)
    for frame in frames:
        assert one.spoil(Echo(), frame, 0.0) == other.spoil(Echo(), frame, 0.0)
    assert one.counts == other.counts


@pytest.mark.parametrize(
    "wrong", [{"rate": 1.5}, {"nth": -1}, {"start": -1.0}, {"seconds": 0.0}, {"lasting": 0.0}]
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="fault drop"):
        FaultRule("drop", **wrong)  # type: ignore[arg-type] # one key of several types
