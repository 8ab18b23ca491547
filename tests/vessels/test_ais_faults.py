"""What goes wrong on AIS lines: no input raises, nothing grows, every refusal has its reason."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vessels.lines import NOW, class_b, fix, line, mark, part_a, part_b, signed, tagged, voyage
from vessels.codec import encode
from vessels.decoding import Decoder
from vessels.messages import PositionReport
from vessels.rejects import Reason
from vessels.sixbit import ARMOUR

GOOD = [
    *encode(voyage()),
    *encode(mark()),
    *(line(message) for message in (fix(), class_b(), part_a(), part_b())),
    tagged("s:r003669945,c:1120959341", line(fix(2))),
    "$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B",
]


def rejects(text: str) -> dict[Reason, int]:
    decoder = Decoder()
    assert decoder.decode("quay", text, NOW) is None
    return dict(decoder.rejects)


@pytest.mark.parametrize(
    "text",
    [
        "!AIVDM,2,1,,A,177KQ@,0*4E",
        "!AIVDM,,,,,,*00",
        "!AIVDM,1,1,,A,,0*26",
        "!AIVDM,1,1,,A,,0*",
        "!AIVDM,9,9,9,A,0,5*00",
        "!AIVDM,1,1,,A,0,9*00",
        "!AIVDM,-1,1,,A,0,0*00",
        "!AIVDM,1,1,,A,w,5*55",
        "!AIVDM,1,1,99999999999999999999,A,0,0*00",
        "!AIVDM,1,1,,A,\x00\x00,0*00",
        "!AIVDM,1,1,,A,ÿÿÿÿ,0*00",
        "!AIVDM,1,1,,A,٣٣,٣*٣٣",
        "\\\\",
        "\\g:1-2-3",
        "\\g:99999999999-2-3*4E\\!AIVDM",
        "\\c:99999999999999999999999*4E\\!AIVDM,1,1",
        "!\x00\xff",
        ",,,,,,",
        "*",
    ],
)
def test_crash_payloads_are_rejects_with_a_reason(text: str) -> None:
    assert sum(rejects(text).values()) == 1


def test_too_few_characters_of_any_kind_are_no_message() -> None:
    for size in range(1, 16):
        for sign in ARMOUR.decode():
            (reason,) = rejects(signed(f"AIVDM,1,1,,A,{sign * size},0"))
            assert reason in {Reason.BAD_LENGTH, Reason.UNSUPPORTED_TYPE, Reason.UNDEFINED_TYPE}


def test_a_bad_and_a_non_hexadecimal_checksum_are_refused() -> None:
    good = line(fix())
    assert rejects(good[:-2] + f"{int(good[-2:], 16) ^ 1:02X}") == {Reason.BAD_CHECKSUM: 1}
    assert rejects(good[:-2] + "ZZ") == {Reason.BAD_CHECKSUM: 1}
    assert rejects(good[:-2] + "0x") == {Reason.BAD_CHECKSUM: 1}


def test_a_truncated_line_is_refused_wherever_it_breaks() -> None:
    good = line(fix())
    for end in range(len(good)):
        (reason,) = rejects(good[:end])
        assert reason in {Reason.NOT_AIS, Reason.MALFORMED, Reason.BAD_CHECKSUM}


def test_glued_lines_are_refused_wherever_the_first_breaks() -> None:
    good = line(fix())
    for end in range(8, len(good) + 1):
        assert rejects(good[:end] + good) == {Reason.GLUED: 1}


def test_a_truncated_type_5_is_refused() -> None:
    first, second = encode(voyage())
    payload = first.split(",")[5] + second.split(",")[5]
    for characters in (28, 45, 60, 69, 70):
        text = signed(f"AIVDM,1,1,,A,{payload[:characters]},0")
        assert rejects(text) == {Reason.BAD_LENGTH: 1}


def test_a_right_checksum_does_not_make_a_message_of_too_many_bits() -> None:
    payload = line(fix()).split(",")[5]
    assert rejects(signed(f"AIVDM,1,1,,A,{payload}2D=,0")) == {Reason.BAD_LENGTH: 1}


def test_nul_ff_and_a_megabyte_without_an_end_are_refused() -> None:
    assert rejects("\x00" * 100) == {Reason.NOT_AIS: 1}
    assert rejects("\xff" * 100) == {Reason.NOT_AIS: 1}
    assert rejects("!AIVDM,1,1,,A," + "1" * 1_000_000) == {Reason.TOO_LONG: 1}


def test_positions_91_and_181_are_not_positions() -> None:
    message = Decoder().decode("quay", line(fix(lat=None, lon=None)), NOW)
    assert isinstance(message, PositionReport)
    assert (message.lat, message.lon, message.sog) == (None, None, 9.5)


def test_a_flood_of_strange_headings_is_not_remembered() -> None:
    decoder = Decoder()
    for number in range(10_000):
        talker = f"{number % 36 % 10}{chr(65 + number % 26)}"
        decoder.decode("quay", f"!{talker}VDM,1,1,{number},A,0,0*00", NOW)
    assert decoder.rejects == {Reason.BAD_FIELD: 9_990, Reason.BAD_CHECKSUM: 10}


MUTATIONS = st.sampled_from(["", "!", "$", "\\", "*", ",", "\r\n", "0", "A", "\x00", "\xff", "ộ", "!AIVDM,"])


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good line with something put in the place of a piece of it."""
    good = draw(st.sampled_from(GOOD))
    start, end = sorted((draw(st.integers(0, len(good))), draw(st.integers(0, len(good)))))
    return good[:start] + draw(MUTATIONS) + good[min(end, start + draw(st.integers(0, 3))) :]


ANYTHING = st.sampled_from(GOOD) | damaged() | st.text(max_size=120)


@settings(max_examples=400, deadline=None)
@given(st.lists(ANYTHING, max_size=12), st.integers(-NOW, NOW))
def test_no_text_raises_and_every_line_is_a_message_a_part_or_a_reject(lines: list[str], at: int) -> None:
    decoder = Decoder()
    for text in lines:
        before = decoder.pending
        message = decoder.decode("quay", text, at)
        assert message is not None or decoder.rejects or decoder.pending >= before
    assert decoder.pending <= 64


@settings(max_examples=200, deadline=None)
@given(st.lists(ANYTHING, max_size=30))
def test_a_batch_gives_what_its_lines_give_one_by_one(lines: list[str]) -> None:
    one_by_one, together = Decoder(), Decoder()
    expected = [one_by_one.decode("quay", text, NOW) for text in lines]
    assert together.decode_batch("quay", lines, [NOW] * len(lines)) == expected
    assert together.rejects == one_by_one.rejects
    assert together.pending == one_by_one.pending


def test_a_batch_with_a_bad_character_under_a_right_checksum_loses_only_that_line() -> None:
    bad = signed("AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb0 9D,0")
    lines = [line(fix(1)), bad, line(fix(2))]
    decoder = Decoder()
    assert decoder.decode_batch("quay", lines, [NOW] * 3) == [fix(1), None, fix(2)]
    assert decoder.rejects == {Reason.BAD_PAYLOAD: 1}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([line(fix()), line(class_b())]), st.integers(1, 46), st.integers(1, 127))
def test_one_wrong_byte_is_always_found(good: str, place: int, difference: int) -> None:
    changed = good[:place] + chr(ord(good[place]) ^ difference) + good[place + 1 :]
    decoder = Decoder()
    message = decoder.decode("quay", changed, NOW)
    case_of_a_hex_digit = re.sub(r"[a-f]", lambda found: found[0].upper(), changed) == good
    assert (message is not None) == case_of_a_hex_digit
