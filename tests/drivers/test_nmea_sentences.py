"""NMEA sentences to fields and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.nmea.sentences import Frame, Reject, Sentence, checksum, encode, frames, parse

TALKERS = st.text("ABCDEFGHIJKLMNOQRSTUVWXYZ", min_size=2, max_size=2)
FORMATTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
LATIN_1 = st.text(st.characters(max_codepoint=255), max_size=12)


@given(TALKERS, FORMATTERS, st.lists(LATIN_1, max_size=12))
def test_what_is_encoded_is_parsed_back_whatever_the_fields_hold(
    talker: str, formatter: str, fields: list[str]
) -> None:
    line = encode(talker, formatter, fields)
    assert parse(line) == Sentence(talker, formatter, tuple(fields))
    assert line.endswith(b"\r\n")
    assert set(line[:-2]) <= set(range(0x20, 0x7F))


def test_numbers_and_null_fields_are_written_as_the_standard_writes_them() -> None:
    assert encode("WI", "MWV", [57.5, "R", 13.0, "N", "A"]) == b"$WIMWV,57.5,R,13.0,N,A*26\r\n"
    assert encode("SD", "MTW", [None, "C"]) == b"$SDMTW,,C*1A\r\n"


def test_an_encapsulated_sentence_starts_with_its_own_mark() -> None:
    line = encode("AI", "VDM", [1, 1, None, "B", "?3oL?R0p<6I0D00", 2], start="!")
    assert line == b"!AIVDM,1,1,,B,?3oL?R0p<6I0D00,2*12\r\n"


def test_a_character_outside_iso_8859_1_becomes_a_question_mark() -> None:
    assert parse(encode("WI", "TXT", ["Hải"])) == Sentence("WI", "TXT", ("H?i",))


def test_a_proprietary_sentence_has_the_talker_p() -> None:
    assert parse(b"$PGHP,1,2010*3D") == Sentence("P", "GHP", ("1", "2010"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"$WIMWV,57.5,R,13.0,N,A*27", "checksum"),
        (b"$WIMWV,57.5,R,13.0,N,A*2", "checksum"),
        (b"$WIMWV,57.5,R,13.0,N,A", "framing"),
        (b"$WIMWV,57.5,R\x00,13.0,N,A*26", "framing"),
        (b"WIMWV,57.5,R,13.0,N,A*26", "framing"),
        (b"$WI*1E", "address"),
        (b"$*00", "address"),
        (b"", "framing"),
        (b"$SDMTW,,C*1A$SDMTW,,C*1A", "framing"),
    ],
)
def test_what_is_no_single_sentence_is_rejected_with_its_reason(line: bytes, reason: str) -> None:
    result = parse(line)
    assert isinstance(result, Reject)
    assert result.reason == reason


def test_a_missing_checksum_may_be_forgiven_and_a_wrong_one_never() -> None:
    assert parse(b"$SDMTW,21.5,C", checked=False) == Sentence("SD", "MTW", ("21.5", "C"))
    wrong = parse(b"$SDMTW,21.5,C*00", checked=False)
    assert isinstance(wrong, Reject)
    assert wrong.reason == "checksum"


def test_an_instrument_that_sends_dollars_inside_its_fields_is_vouched_for_by_its_checksum() -> None:
    body = b"SDVLW,$SDVLW,,N,322.0,N,$SDVLW,2315.4,N"
    line = b"$%b*%02X" % (body, checksum(body))
    assert list(frames(line)) == [Frame(line, b"$", body)]


def test_bytes_around_and_between_sentences_are_told_apart_from_them() -> None:
    found = list(frames(b"ab$SDMTW,,C*1Acd$SDMTW,,C*1A"))
    assert [type(item).__name__ for item in found] == ["Reject", "Frame", "Reject", "Frame"]
    assert b"".join(item.raw for item in found) == b"ab$SDMTW,,C*1Acd$SDMTW,,C*1A"


PARTS = st.lists(
    st.sampled_from(
        [b"$SDMTW,,C*1A", b"$", b"!", b"\\", b"*", b"*1A", b"^2C", b"^", b",", b"\xff", b"\0", b" ", b"#"]
    ),
    max_size=20,
).map(b"".join)


@given(PARTS | st.binary(max_size=80), st.booleans())
def test_any_line_is_frames_and_rejects_and_never_an_exception(line: bytes, checked: bool) -> None:
    for found in frames(line, checked=checked):
        assert found.raw
        if isinstance(found, Frame):
            assert found.body.isascii()
            assert found.raw.decode("ascii").isprintable()
    parse(line, checked=checked)
