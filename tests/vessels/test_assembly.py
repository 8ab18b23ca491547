"""Parts of long messages come together, and only those that belong together."""

from collections import Counter
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vessels.lines import NOW, SECOND, fix, line, signed, tagged, voyage
from vessels.assembly import MAX_PENDING, MAX_STATIONS
from vessels.codec import encode
from vessels.decoding import Decoder
from vessels.messages import Message
from vessels.rejects import Reason

FIRST, SECOND_PART = encode(voyage(1), sequence=3)
OTHER_FIRST, OTHER_SECOND = encode(voyage(2, "ANOTHER SHIP"), sequence=3)


def heard(*parts: str, decoder: Decoder | None = None, gap: int = 0) -> list[Message]:
    decoder = decoder or Decoder()
    found = (decoder.decode("quay", part, NOW + place * gap) for place, part in enumerate(parts))
    return [message for message in found if message is not None]


def test_two_parts_make_one_message() -> None:
    assert heard(FIRST, SECOND_PART) == [voyage(1)]


def test_an_orphan_second_part_never_joins_another_ships_first_part() -> None:
    decoder = Decoder()
    assert heard(SECOND_PART, OTHER_FIRST, decoder=decoder) == []
    assert heard(OTHER_SECOND, decoder=decoder) == [voyage(2, "ANOTHER SHIP")]
    assert decoder.rejects == {Reason.ORPHAN: 1}


def test_a_first_part_that_begins_anew_replaces_the_unfinished_one() -> None:
    decoder = Decoder()
    assert heard(FIRST, OTHER_FIRST, OTHER_SECOND, decoder=decoder) == [voyage(2, "ANOTHER SHIP")]
    assert decoder.rejects == {Reason.INCOMPLETE: 1}


def test_parts_of_different_channels_sequences_and_stations_stay_apart() -> None:
    ships = list(product("AB", range(3), ("quay", "island")))
    voyages = {key: voyage(mmsi) for mmsi, key in enumerate(ships)}
    decoder = Decoder()
    for number in (0, 1):
        found = {
            (channel, sequence, station): decoder.decode(
                station, encode(message, channel=channel, sequence=sequence)[number], NOW
            )
            for (channel, sequence, station), message in voyages.items()
        }
        assert found == (voyages if number else dict.fromkeys(voyages))
    assert decoder.pending == 0


def test_parts_that_tag_blocks_give_to_different_stations_stay_apart() -> None:
    decoder = Decoder()
    assert heard(tagged("s:r1,c:1", FIRST), tagged("s:r2,c:1", SECOND_PART), decoder=decoder) == []
    assert heard(tagged("s:r1,c:2", SECOND_PART), decoder=decoder) == [voyage(1)]
    assert decoder.rejects == {Reason.ORPHAN: 1}


def test_lines_of_one_group_belong_together_though_only_the_first_names_its_station() -> None:
    one = tagged("g:1-2-77,s:r1,c:1", FIRST), tagged("g:2-2-77", SECOND_PART)
    two = tagged("g:1-2-78,s:r1,c:1", OTHER_FIRST), tagged("g:2-2-78", OTHER_SECOND)
    assert heard(one[0], two[0], one[1], two[1]) == [voyage(1), voyage(2, "ANOTHER SHIP")]


def test_an_empty_second_part_is_legal() -> None:
    payload = FIRST.split(",")[5] + SECOND_PART.split(",")[5]
    parts = signed(f"AIVDM,2,1,5,A,{payload},0"), signed("AIVDM,2,2,5,A,,2")
    assert heard(*parts) == [voyage(1)]


def test_a_part_that_comes_too_late_finds_nothing() -> None:
    decoder = Decoder()
    assert heard(FIRST, SECOND_PART, decoder=decoder, gap=3 * SECOND) == [voyage(1)]
    assert heard(FIRST, SECOND_PART, decoder=decoder, gap=3 * SECOND + 1) == []
    assert decoder.rejects == {Reason.EXPIRED: 1, Reason.ORPHAN: 1}


def test_a_clock_set_back_joins_nothing_across_it() -> None:
    decoder = Decoder()
    assert heard(FIRST, SECOND_PART, decoder=decoder, gap=-3600 * SECOND) == []
    assert decoder.pending == 0


def test_parts_in_the_wrong_order_or_number_are_dropped() -> None:
    thirds = [signed(f"AIVDM,3,{number},1,A,0000,0") for number in (1, 2, 3)]
    decoder = Decoder()
    assert heard(thirds[0], thirds[2], decoder=decoder) == []
    assert heard(thirds[1], decoder=decoder) == []
    assert heard(thirds[0], signed("AIVDM,2,2,1,A,0000,0"), decoder=decoder) == []
    assert decoder.rejects == {Reason.OUT_OF_ORDER: 2, Reason.ORPHAN: 1}


def test_a_part_heard_twice_counts_once() -> None:
    assert heard(FIRST, FIRST, SECOND_PART) == [voyage(1)]


def test_a_part_without_a_sequence_id_is_refused() -> None:
    decoder = Decoder()
    assert heard(signed("AIVDM,2,1,,A,177KQ@,0"), decoder=decoder) == []
    assert decoder.rejects == {Reason.NO_SEQUENCE: 1}


def test_single_sentences_pass_between_the_parts() -> None:
    assert heard(FIRST, line(fix(9)), SECOND_PART) == [fix(9), voyage(1)]


def test_a_flood_of_first_parts_keeps_memory_flat() -> None:
    decoder = Decoder()
    beginnings = [
        tagged(f"s:{station}", signed(f"AIVDM,9,1,{sequence},{channel},{'0' * 60},0"))
        for station, sequence, channel in product(range(100), range(10), "AB")
    ]
    heard(*beginnings, decoder=decoder)
    assert decoder.pending == MAX_PENDING
    assert decoder.rejects == {Reason.OVERFLOW: len(beginnings) - MAX_PENDING}


def test_a_flood_of_stations_keeps_memory_flat() -> None:
    decoder = Decoder()
    for station in range(3 * MAX_STATIONS):
        decoder.decode(str(station), FIRST, NOW)
    assert decoder.pending == MAX_STATIONS


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_order_parts_come_in_only_whole_messages_come_out(data: st.DataObject) -> None:
    ships = data.draw(st.lists(st.integers(1, 999_999_999), min_size=1, max_size=10, unique=True))
    voyages = [voyage(mmsi, f"SHIP {mmsi}") for mmsi in ships]
    parts = [part for place, each in enumerate(voyages) for part in encode(each, sequence=place)]
    order = data.draw(st.lists(st.sampled_from(parts), max_size=40) | st.permutations(parts))
    decoder = Decoder()
    out = Counter(heard(*order, decoder=decoder))
    assert out.keys() <= set(voyages)
    assert decoder.pending <= len(ships)
