"""How simulated values go with time, and what simulated instruments say of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.contract import Outgoing
from firmware_sim.courses import course_of, usual_course
from firmware_sim.speaker import Speaker, Speech
from telemetry import ConfigurationError, Instant, Metric


def course(spec: object, folder: Path = Path()) -> list[object]:
    """The values at 0, 5, 10, 15 and 20 s."""
    one = course_of(spec, "meter/power", 1, folder)
    return [one(age) for age in (0.0, 5.0, 10.0, 15.0, 20.0)]


def test_a_ramp_holds_begins_again_or_goes_back() -> None:
    ramp = {"start": 0, "end": 100, "over": "10s"}
    assert course({"ramp": ramp}) == [0, 50, 100, 100, 100]
    assert course({"ramp": ramp | {"then": "again"}}) == [0, 50, 0, 50, 0]
    assert course({"ramp": ramp | {"then": "back"}}) == [0, 50, 100, 50, 0]


def test_steps_a_sine_and_a_constant_are_what_they_say() -> None:
    assert course({"steps": {"values": [[0, "mains"], [10, "battery"]], "again": 20}}) == [
        *["mains"] * 2,
        *["battery"] * 2,
        "mains",
    ]
    assert course({"sine": {"mean": 10, "amplitude": 4, "period": 20}}) == pytest.approx([10, 14, 10, 6, 10])
    assert course(None) == [None] * 5


def test_noise_wanders_within_its_spread_and_is_the_same_for_the_same_seed() -> None:
    noise = {"noise": {"mean": 50, "spread": 2, "every": 3}}
    first, again = course(noise), course(noise)
    assert first == again
    assert len(set(first)) > 1
    assert all(isinstance(value, float) and 48 <= value <= 52 for value in first)


def test_a_recording_is_played_again_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("time,power\n100,1\n105,2\n110,3\n")
    assert course({"csv": {"file": "day.csv", "column": "power"}}, tmp_path) == [1, 2, 3, 1, 2]
    (tmp_path / "day.csv").write_text("time,power\n100,1\n90,2\n")
    with pytest.raises(ConfigurationError, match="in the order"):
        course({"csv": {"file": "day.csv", "column": "power"}}, tmp_path)


@pytest.mark.parametrize(
    "spec",
    [{}, {"ramp": {"start": 0, "end": 1, "over": 1}, "sine": {}}, {"steps": {"values": [[1, 5]]}}, {"x": 1}],
)
def test_words_that_make_no_course_are_refused(spec: object) -> None:
    with pytest.raises(ValidationError):
        course(spec)


@pytest.mark.parametrize(("unit", "low", "high"), [("V", 200, 260), ("Hz", 49, 51), ("kW.h", 1000, 100_000)])
def test_a_metric_nobody_told_goes_as_is_usual_for_its_unit(unit: str, low: float, high: float) -> None:
    metric = Metric.model_validate({"name": "one", "title": {"en": "One", "vi": "Một"}, "unit": unit})
    usual = usual_course(metric, 1)
    assert usual is not None
    for age in range(0, 10_000, 500):
        value = usual(age)
        assert isinstance(value, float)
        assert low <= value <= high


def spoken(
    speech: Speech, chunk: bytes = b"", origin: str = "", **values: float | str | None
) -> list[Outgoing]:
    speaker = Speaker([speech], lambda: values)
    now = Instant(1, 1.0)
    return list(speaker.receive(chunk, now, origin) if chunk else speaker.wake(now))


def test_texts_are_said_with_values_and_checksums() -> None:
    (nmea,) = spoken(Speech("$WIMTW,{warm:.1f},C", 1.0, checksum="nmea"), warm=28.46)
    assert nmea.payload == b"$WIMTW,28.5,C*02\r\n"
    (gill,) = spoken(Speech("Q,229,{speed:06.2f},M,00,", 1.0, checksum="gill"), speed=2.74)
    assert gill.payload == b"\x02Q,229,002.74,M,00,\x0316\r\n"
    (young,) = spoken(Speech("0 {speed:05.1f} 230 00", to="M0!", checksum="xor", end="\r"), b"M0!", speed=5.2)
    assert young.payload == b"0 005.2 230 00*08\r"
    (json,) = spoken(Speech('{"a":{a:.0f},"b":"{b}{c}"}', 1.0, end="", topic="t"), a=1.4, b=None)
    assert json == Outgoing(b'{"a":1,"b":"{c}"}', "t")


def test_a_question_in_pieces_and_two_in_one_are_answered_each_once() -> None:
    speaker = Speaker([Speech("yes", to="ask\r", end="")], dict)
    now = Instant(1, 1.0)
    said = [
        out.payload for chunk in (b"a", b"sk", b"\rask\rask\r", b"x") for out in speaker.receive(chunk, now)
    ]
    assert said == [b"yes", b"yes", b"yes"]


def test_a_message_with_the_right_words_sets_a_value() -> None:
    speeches = [
        Speech("{power}", to="cmnd/POWER", when="off", sets=(("power", "OFF"),), end="", topic="stat/POWER"),
        Speech("{power}", every=1.0, end="", topic="tele/STATE"),
    ]
    speaker = Speaker(speeches, lambda: {"power": "ON"})
    now = Instant(1, 1.0)
    assert list(speaker.wake(now)) == [Outgoing(b"ON", "tele/STATE")]
    assert list(speaker.receive(b"blink", now, "cmnd/POWER")) == []
    assert list(speaker.receive(b"Off", now, "cmnd/POWER")) == [Outgoing(b"OFF", "stat/POWER")]
    assert list(speaker.wake(Instant(1, 2.0))) == [Outgoing(b"OFF", "tele/STATE")]


@given(st.floats() | st.integers() | st.text() | st.none() | st.booleans())
def test_any_value_is_said_somehow(value: float | str | None) -> None:
    assert len(spoken(Speech("{a:05.1f}", 1.0), a=value)) == 1
