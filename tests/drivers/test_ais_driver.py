"""An AIS receiver's line: what is forwarded, what is refused, and at what cost in memory."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.nmea.sentences import checksum
from telemetry import Instant
from tests.drivers.listening import (
    CUTS,
    NOW,
    faults,
    feed,
    listener,
    listener_of,
    one_by_one,
    pieces,
    readings,
    reasons,
)
from tests.reference import reference


def sentence(body: str, tag: str = "") -> bytes:
    block = f"\\{tag}*{checksum(tag.encode()):02X}\\" if tag else ""
    return f"{block}!{body}*{checksum(body.encode()):02X}".encode()


FIRST = sentence("AIVDM,1,1,,B,15MwkT1P05G?Uj@E`@2wwwwv0<0u,0")
SECOND = sentence("BSVDO,1,1,,A,402=481uaUcf;OQ55JS9ITi025Jp,0")


def texts(data: bytes) -> list[str]:
    return [str(reading.values["sentence"]) for reading in readings(feed(listener("ais-receiver"), [data]))]


def test_a_sentence_with_a_right_checksum_is_forwarded_as_it_was_heard() -> None:
    (reading,) = readings(feed(listener("ais-receiver"), [FIRST + b"\r\n"]))
    assert reading.values == {"sentence": FIRST.decode()}
    assert (reading.device, reading.kind, reading.observed_at) == ("dut", "ais", NOW.utc)


@pytest.mark.parametrize(
    "talker", ["AI", "AB", "AD", "AN", "AR", "AS", "AT", "AX", "BS", "BY", "SA", "SS", "--"]
)
@pytest.mark.parametrize("formatter", ["VDM", "VDO"])
def test_every_talker_that_stations_use_is_heard(talker: str, formatter: str) -> None:
    line = sentence(f"{talker}{formatter},1,1,,A,13tfH:022;PhpibQUS:FkUKj06kd,0")
    assert texts(line + b"\n") == [line.decode()]


def test_a_tag_block_stays_with_its_sentence() -> None:
    line = sentence("AIVDM,1,1,,A,33m@`i5000Pgt@6Qqfh6wj7b0BwJ,0", tag="s:quay,c:1565218798")
    assert texts(line + b"\n") == [line.decode()]


def test_a_tag_block_with_a_wrong_checksum_is_a_fault_and_stays_for_the_centre_to_judge() -> None:
    line = b"\\s:quay,c:1565218798*00\\" + FIRST
    events = feed(listener("ais-receiver"), [line + b"\n"])
    assert [reading.values["sentence"] for reading in readings(events)] == [line.decode()]
    assert [(fault.reason, fault.frame) for fault in faults(events)] == [("tag_block", line)]


def test_a_tag_block_that_is_no_text_is_left_off() -> None:
    line = b"\\s:\xff\0*00\\" + FIRST
    events = feed(listener("ais-receiver"), [line + b"\n"])
    assert [reading.values["sentence"] for reading in readings(events)] == [FIRST.decode()]
    assert [(fault.reason, fault.frame) for fault in faults(events)] == [("tag_block", line)]


def test_what_an_old_receiver_adds_after_the_checksum_is_kept() -> None:
    line = FIRST + b",d-109,S2105,r003669946,1325394060"
    assert texts(line + b"\r\n") == [line.decode()]


def test_blanks_around_a_sentence_are_not_part_of_it() -> None:
    assert texts(b"  " + FIRST + b" \t\r\n") == [FIRST.decode()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (FIRST[:-2] + b"00", "checksum"),
        (FIRST[:-2] + b"ZZ", "checksum"),
        (FIRST[:-1], "checksum"),
        (FIRST[:20], "framing"),
        (FIRST[1:], "framing"),
        (b"!AIVDM,1,1,,B,15Mw\xffT1P05,0*5C", "framing"),
        (b"!AIVDM,1,1,,B,15Mw\0T1P05,0*5C", "framing"),
        (b"hello", "framing"),
        (b"\0\0\0", "framing"),
        (b"\\\\\\\\", "framing"),
        (b"$GPGGA,094736,5251.0094,N*00", "checksum"),
    ],
)
def test_a_broken_line_is_a_fault_with_its_reason_and_bytes(line: bytes, reason: str) -> None:
    events = feed(listener("ais-receiver"), [line + b"\n" + SECOND + b"\n"])
    assert [(fault.reason, fault.frame, fault.device) for fault in faults(events)] == [(reason, line, "dut")]
    assert [reading.values["sentence"] for reading in readings(events)] == [SECOND.decode()]


def test_two_sentences_glued_on_one_line_are_both_recovered() -> None:
    tagged = sentence("AIVDM,1,1,,A,33m@`i5000Pgt@6Qqfh6wj7b0BwJ,0", tag="c:1")
    assert texts(FIRST + SECOND + tagged + FIRST + b"\n") == [
        line.decode() for line in (FIRST, SECOND, tagged, FIRST)
    ]


def test_a_truncated_sentence_does_not_take_the_one_glued_to_it_along() -> None:
    events = feed(listener("ais-receiver"), [FIRST[:25] + SECOND + b"\n"])
    assert [reading.values["sentence"] for reading in readings(events)] == [SECOND.decode()]
    assert [(fault.reason, fault.frame) for fault in faults(events)] == [("framing", FIRST[:25])]


def test_garbage_around_a_sentence_is_a_fault_of_its_own() -> None:
    events = feed(listener("ais-receiver"), [b"\xfe\x01" + FIRST + b"xyz\n"])
    assert [reading.values["sentence"] for reading in readings(events)] == [FIRST.decode()]
    assert [fault.frame for fault in faults(events)] == [b"\xfe\x01", b"xyz"]


def test_other_sentences_of_the_receiver_and_comments_of_a_recording_pass_silently() -> None:
    proprietary = b"$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B\n"
    position = b"$GPGGA,094736,5251.0094,N,00518.8172,E,1,12,0.60,-4,M,46.8,M,,*4B\n"
    comment = b"# " + FIRST + b"\n"
    assert feed(listener("ais-receiver"), [proprietary + position + comment + b"\n \n"]) == []


def test_a_line_without_an_end_is_dropped_and_the_next_is_heard() -> None:
    driver = listener("ais-receiver")
    events = feed(driver, [b"A" * 65_536] * 16 + [b"\n" + FIRST + b"\n"])
    assert reasons(events) == {"overlong": 1}
    assert [reading.values["sentence"] for reading in readings(events)] == [FIRST.decode()]


def test_a_datagram_ends_its_last_line_itself() -> None:
    driver = listener("ais-receiver")
    events = driver.receive(FIRST + b"\r\n" + SECOND, NOW, "192.0.2.7:4001")
    assert len(readings(events)) == 2


def test_the_half_line_from_before_a_reconnection_is_forgotten() -> None:
    driver = listener("ais-receiver")
    driver.receive(FIRST[:20], NOW)
    driver.connected(NOW)
    assert len(readings(driver.receive(FIRST + b"\n", NOW))) == 1


def test_readings_of_one_instant_have_time_stamps_of_their_own() -> None:
    events = feed(listener("ais-receiver"), [(FIRST + b"\n") * 500])
    assert len({reading.observed_at for reading in readings(events)}) == 500


def test_a_receiver_asks_for_nothing_and_sends_nothing() -> None:
    driver = listener("ais-receiver")
    assert (driver.busy, driver.wake_at, driver.outgoing(), list(driver.wake(NOW))) == (False, None, (), [])


@pytest.mark.parametrize(
    ("name", "sentences", "refused"),
    [
        ("ais/denmark-stream.txt", 4500, {}),
        ("ais/norway-tagblocks.nm4", 1000, {"tag_block": 246}),
        ("ais/merrimac-ais-and-weather.log", 1507, {}),
        ("ais/merrimac-nais300.log", 549, {}),
        ("ais/merrimac-nais400.log", 703, {}),
        ("ais/gpsd-sample.aivdm", 118, {"framing": 3}),
        ("ais/libais-types.nmea", 26, {}),
        ("ais/libais-tagblock.nmea", 5, {}),
        ("ais/gfw-multi-part.nmea", 93, {}),
        ("ais/gfw-errors.nmea", 3, {"checksum": 2}),
        ("ais/gfw-bad-type5.nmea", 6, {"framing": 3}),
    ],
)
def test_a_recording_gives_the_same_sentences_in_every_chunking(
    name: str, sentences: int, refused: dict[str, int]
) -> None:
    data = reference(name).read_bytes() + b"\n"
    whole = feed(listener("ais-receiver"), [data])
    assert len(readings(whole)) == sentences
    assert reasons(whole) == Counter(refused)
    for size in (1, 7, 61, 1460, 65_536):
        chunks = [data[start : start + size] for start in range(0, len(data), size)]
        assert feed(listener("ais-receiver"), chunks) == whole


def test_every_forwarded_sentence_of_a_recording_stands_in_it() -> None:
    data = reference("ais/norway-tagblocks.nm4").read_bytes()
    for reading in readings(feed(listener("ais-receiver"), [data + b"\n"])):
        assert str(reading.values["sentence"]).encode() in data


WRECKAGE = [
    b"!",
    b"$",
    b"\\",
    b"*",
    b"*5C",
    b"\0",
    b"\xff",
    b",",
    b"#",
    b"\n",
    b"\r\n",
    b"!AIVDM,",
    b"x" * 700,
]
LINES = st.lists(
    st.sampled_from([FIRST, SECOND, FIRST[:30], b"\\g:1-2-3*00\\", b"$PGHP,1*3F", *WRECKAGE]), max_size=25
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(LINES | st.binary(max_size=300), CUTS)
def test_any_bytes_in_any_chunking_raise_nothing_and_give_the_same(data: bytes, cuts: list[int]) -> None:
    whole = feed(listener("ais-receiver"), [data])
    for chunks in (pieces(data, cuts), one_by_one(data)):
        events = feed(listener("ais-receiver"), chunks)
        assert readings(events) == readings(whole)
        assert Counter(faults(events)) == Counter(faults(whole))
    assert sum(len(str(reading.values["sentence"])) for reading in readings(whole)) <= len(data)


@given(st.binary(min_size=1, max_size=3), st.integers(0, len(FIRST) - 1))
def test_a_changed_sentence_is_never_forwarded_as_a_whole_with_a_wrong_checksum(
    noise: bytes, place: int
) -> None:
    line = FIRST[:place] + noise + FIRST[place + len(noise) :]
    for text in texts(line + b"\n"):
        body, _, told = text.lstrip("!").partition("*")
        assert checksum(body.encode()) == int(told[:2], 16)


def test_the_clock_set_back_goes_on_with_the_new_time() -> None:
    driver = listener("ais-receiver")
    driver.receive(FIRST + b"\n", NOW)
    earlier = Instant(NOW.utc - 3_600_000_000_000, NOW.monotonic + 1)
    (reading,) = readings(driver.receive(SECOND + b"\n", earlier))
    assert reading.observed_at == earlier.utc


def test_a_profile_with_other_metrics_than_the_sentence_is_refused() -> None:
    with pytest.raises(Exception, match="has the one metric 'sentence'"):
        listener_of("driver: ais\nkind: ais\nmetrics: [{name: mmsi_count, title: {en: a, vi: a}}]")


@pytest.mark.parametrize("profile", ["ais-receiver", "nmea-weather"])
def test_joining_a_line_in_its_middle_is_nobodys_fault_and_the_next_garbage_is(profile: str) -> None:
    driver = listener(profile)
    driver.connected(NOW)
    assert feed(driver, [b"4.7,M*5A\r\n"]) == []
    assert reasons(feed(driver, [b"4.7,M*5A\r\n"])) == {"framing": 1}
    driver.connected(NOW)
    kept = feed(driver, [b"\x00\x00" + sentence("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0") + b"\r\n"])
    assert len(kept) == (profile == "ais-receiver")
