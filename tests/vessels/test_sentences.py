"""One line in, one sentence or one reason out."""

import pytest

from tests.vessels.lines import fix, line, signed, tagged
from vessels.rejects import Reason, Reject
from vessels.sentences import Group, Sentence, TagBlock, checksum, checksums, parse, sift

PAYLOAD = "13u?etPv2;0n:dDPwUM1U1Cb069D"
PLAIN = signed(f"AIVDM,1,1,,A,{PAYLOAD},0")


def sentence(text: str) -> Sentence:
    parsed = parse(text)
    assert isinstance(parsed, Sentence), parsed
    return parsed


def reason(text: str) -> Reason:
    parsed = parse(text)
    assert isinstance(parsed, Reject), parsed
    return parsed.reason


def test_a_sentence_is_read_in_all_its_fields() -> None:
    parsed = sentence(signed("AIVDO,2,1,7,B,53nPnh800000ha@J2218,0"))
    heading = parsed.heading
    assert (heading.total, heading.number, heading.sequence, heading.channel) == (2, 1, 7, "B")
    assert (heading.talker, heading.own_ship) == ("AI", True)
    assert (parsed.payload, parsed.fill_bits, parsed.tag_block) == (b"53nPnh800000ha@J2218", 0, None)


@pytest.mark.parametrize(
    "talker", ["AI", "AB", "AN", "AR", "AS", "AT", "AX", "BS", "SA", "BA", "AD", "BY", "--"]
)
def test_any_talker_is_taken(talker: str) -> None:
    assert sentence(signed(f"{talker}VDM,1,1,,A,{PAYLOAD},0")).heading.talker == talker


@pytest.mark.parametrize("channel", ["A", "B", "1", "2", "C", ""])
def test_channels_as_receivers_write_them(channel: str) -> None:
    assert sentence(signed(f"AIVDM,1,1,,{channel},{PAYLOAD},0")).heading.channel == channel


@pytest.mark.parametrize("length", [1, 27, 28, 31, 32, 33, 60, 64, 65, 168])
def test_the_checksum_is_the_xor_of_all_bytes_whatever_the_length(length: int) -> None:
    raw = bytes(48 + 7 * place % 40 for place in range(length))
    expected = 0
    for byte in raw:
        expected ^= byte
    assert checksum(raw) == expected
    assert checksums(raw + raw[::-1], length) == bytes([expected, expected])
    assert sentence(signed(f"AIVDM,1,1,,A,{raw.decode()},0")).payload == raw


def test_the_checksum_may_be_written_in_small_letters() -> None:
    assert sentence(PLAIN[:-2] + PLAIN[-2:].lower()) == sentence(PLAIN)


def test_notes_of_the_receiver_behind_the_checksum_are_ignored() -> None:
    assert sentence(f"{PLAIN},d-109,S2105,t050056.00,r003669946,1325394060") == sentence(PLAIN)
    assert sentence(f"{PLAIN}\\x0d\\x0a") == sentence(PLAIN)


def test_white_space_around_a_line_is_ignored() -> None:
    assert sentence(f"  {PLAIN}\r\n") == sentence(PLAIN)


def test_a_transponder_that_writes_the_fill_bits_twice_is_understood() -> None:
    assert sentence(signed(f"AIVDM,1,1,1,,{PAYLOAD},0,2")).fill_bits == 2
    assert reason(f"!AIVDM,1,1,1,,{PAYLOAD},0,2*00") is Reason.BAD_CHECKSUM


def test_a_tag_block_tells_station_time_and_group() -> None:
    parsed = sentence(tagged("g:1-2-1234,s:r003669945,c:1120959341", PLAIN))
    assert parsed.tag_block == TagBlock("r003669945", 1_120_959_341_000_000_000, Group(1, 2, 1234))
    assert parsed.payload == PAYLOAD.encode()


def test_a_tag_blocks_time_in_milliseconds_is_known_by_its_digits() -> None:
    block = sentence(tagged("c:1120959341250", PLAIN)).tag_block
    assert block is not None
    assert block.time == 1_120_959_341_250_000_000


@pytest.mark.parametrize(
    ("block", "station"),
    [("s:x,c:1*00", None), ("s:x", None), ("s:x*1", None), ("s:x*GG", None), ("", None), ("s:ü*00", None)],
)
def test_a_damaged_tag_block_is_told_and_its_sentence_kept(block: str, station: str | None) -> None:
    parsed = sentence(f"\\{block}\\{PLAIN}")
    assert parsed.payload == PAYLOAD.encode()
    assert parsed.tag_block == TagBlock(station=station, intact=False)


def test_a_tag_block_with_a_broken_group_keeps_its_station() -> None:
    block = sentence(tagged("g:1-2--001,s:r1,c:12x", PLAIN)).tag_block
    assert block == TagBlock("r1", None, None, intact=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "# a comment",
        f"# {PLAIN}",
        "$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B",
        "$GPGGA,195719,5310.8115,N,00525.7025,E,1,00,1.10,-2,M,,M,,*57",
        "!AITXT,01,01,91,FREE*00",
        "\x00\x00\xff",
        "!",
        "13u?etPv2;0n:dDPwUM1U1Cb069D",
    ],
)
def test_what_is_no_ais_sentence_is_told_apart_from_errors(text: str) -> None:
    assert reason(text) is Reason.NOT_AIS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{PLAIN[:-2]}00", Reason.BAD_CHECKSUM),
        (f"{PLAIN[:-2]}G4", Reason.BAD_CHECKSUM),
        (f"{PLAIN[:-1]}", Reason.BAD_CHECKSUM),
        (f"{PLAIN[:-2]}", Reason.BAD_CHECKSUM),
        (f"{PLAIN[:-2]}+4", Reason.BAD_CHECKSUM),
        (f"{PLAIN[:-3]}", Reason.MALFORMED),
        (PLAIN[:30], Reason.MALFORMED),
        ("!AIVDM", Reason.MALFORMED),
        ("!AIVDM,1,1", Reason.MALFORMED),
        (f"{PLAIN}00", Reason.MALFORMED),
        (f"\\s:x*hh{PLAIN}", Reason.MALFORMED),
        (f"\\s:x*hh\\\\s:y*hh\\{PLAIN}", Reason.MALFORMED),
        (PLAIN + PLAIN, Reason.GLUED),
        (PLAIN[:25] + PLAIN, Reason.GLUED),
        (f"$GPGLL,5310.8115,N,00525.70{PLAIN}", Reason.GLUED),
        (f"{PLAIN}$GPGLL,5310.8115,N", Reason.GLUED),
        (f"{PLAIN}\\s:x*00\\{PLAIN}", Reason.GLUED),
        (signed(f"AIVDM,1,2,,A,{PAYLOAD},0"), Reason.BAD_FIELD),
        (signed(f"AIVDM,0,1,,A,{PAYLOAD},0"), Reason.BAD_FIELD),
        (signed(f"AIVDM,1,1,,A,{PAYLOAD},6"), Reason.BAD_FIELD),
        (signed(f"AIVDM,1,1,,A,{PAYLOAD},"), Reason.BAD_FIELD),
        (signed(f"AIVDM,1,1,12,A,{PAYLOAD},0"), Reason.BAD_FIELD),
        (signed(f"AIVDM,1,1,,AB,{PAYLOAD},0"), Reason.BAD_FIELD),
        (signed(f"AIVDM,A,1,,A,{PAYLOAD},0"), Reason.BAD_FIELD),
        ("!" + "x" * 600, Reason.TOO_LONG),
        (signed(f"AIVDM,1,1,,A,{PAYLOAD},0") + "," * 500, Reason.TOO_LONG),
    ],
)
def test_what_is_wrong_with_a_line_is_named(text: str, expected: Reason) -> None:
    assert reason(text) is expected


def test_a_line_of_a_megabyte_is_refused_unread() -> None:
    assert reason(f"!AIVDM,1,1,,A,{'0' * 1_000_000},0*00") is Reason.TOO_LONG
    assert reason("\\" * 1_000_000) is Reason.TOO_LONG


def test_characters_beyond_ascii_never_pass_a_checksum() -> None:
    assert reason("!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069é,0*24") is Reason.BAD_CHECKSUM
    assert reason("!AIVDM,1,1,,A,\ud800,0*24") is Reason.BAD_CHECKSUM


def test_sifting_finds_the_plain_lines_among_others() -> None:
    wrong = PLAIN[:-1] + ("0" if PLAIN[-1] != "0" else "1")
    odd = [PLAIN, "$GPGGA", wrong, line(fix(2)), f"{PLAIN}\r", signed("AIVDM,1,1,,A,15,0"), PLAIN]
    for text in odd:
        parse(text)  # headings are known from the second time on
    found = sift(odd)
    assert found.places == [0, 3, 6]
    assert found.payloads.decode() == PAYLOAD + line(fix(2))[14:42] + PAYLOAD
    assert sift([]).places == []
