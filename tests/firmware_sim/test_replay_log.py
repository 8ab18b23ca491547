"""Logs to be replayed: which lines are sent, and when they were recorded."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.replay_log import LONGEST_LINE, Log, as_log, as_recorded, at_rate, recorded_at
from telemetry import ConfigurationError
from tests.reference import reference

SENTENCE = b"!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"


def test_comments_and_blank_lines_are_left_out_and_ends_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "log.nmea"
    file.write_bytes(b"# a comment\n\n" + SENTENCE + b"\r\n   \n  # another\n" + SENTENCE)
    assert list(as_log(file)) == [SENTENCE, SENTENCE]
    assert as_log(str(file)).count() == 2


def test_a_log_can_be_lines_in_memory_and_read_twice() -> None:
    log = as_log(line for line in ("$GPZDA\r\n", b"#", SENTENCE))
    assert list(log) == list(log) == [b"$GPZDA", SENTENCE]


def test_a_line_without_an_end_is_cut_into_pieces(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"x" * (LONGEST_LINE + 10))
    assert [len(line) for line in Log(file)] == [LONGEST_LINE, 10]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.nmea"):
        Log(tmp_path / "missing.nmea").count()


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (rb"\c:1565218798*53\!BSVDM,1,1,,A,13mb9U0P00PRk8fT5nw>4?wj2006,0*5D", 1565218798),
        (rb"\s:rMT2083,c:1698785948,g:1-2-3*44\!ABVDM", 1698785948),
        (rb"\c:1698785948250*44\!ABVDM", 1698785948.25),
        (b"$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B", 1276256771.39),
        (SENTENCE, None),
        (b"$PGHP,1,2010,16,11,11,46,11,390,231,45,992190934,1,2B*5B", None),
        (rb"\s:abc:12*00\!AIVDM", None),
        (rb"!AIVDM \c:1565218798*53" + b"\\", None),
    ],
)
def test_a_line_says_when_it_was_recorded(line: bytes, at: float | None) -> None:
    assert recorded_at(line) == (at if at is None else pytest.approx(at, abs=1e-6))


def test_a_rate_spaces_lines_evenly() -> None:
    assert list(at_rate([b"a", b"b", b"c"], 4)) == [(0, b"a"), (0.25, b"b"), (0.5, b"c")]


def test_recorded_lines_keep_their_distances_and_time_never_steps_back() -> None:
    lines = [
        b"$GPZDA",
        b"\\c:1000*00\\!A",
        b"!B",
        b"\\c:1003*00\\!C",
        b"\\c:1001*00\\!D",
        b"\\c:1010*00\\!E",
    ]
    assert [offset for offset, _ in as_recorded(lines)] == [0, 0, 0, 3, 3, 10]


def test_the_norwegian_recording_has_times_in_its_tag_blocks() -> None:
    log = as_log(reference("ais/norway-tagblocks.nm4"))
    assert log.count() == 1000
    # the second line of a group carries no time of its own
    timed = sum(1 for line in log if recorded_at(line) is not None)
    assert timed == sum(1 for line in log if b"c:" in line.partition(b"!")[0]) > 800


def test_the_danish_recording_lasts_as_long_as_its_stamps_say() -> None:
    log = as_log(reference("ais/denmark-stream.txt"))
    stamps = [at for line in log if (at := recorded_at(line)) is not None]
    *_, (last, _) = as_recorded(log)
    assert last == pytest.approx(max(stamps) - stamps[0])
    assert len(stamps) > 1000


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda tail: b"\\c:" + tail)))
def test_any_line_has_a_time_or_none(line: bytes) -> None:
    at = recorded_at(line)
    assert at is None or at >= 0
