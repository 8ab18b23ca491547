"""The tables: bits into messages and back."""

import math
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vessels.lines import class_b, fix, mark, part_a, part_b, voyage
from tests.vessels.oracles import decoded
from vessels.codec import decode_bits, decode_payload, encode
from vessels.fields import Field, Flag, Number, Text
from vessels.layouts import LAYOUTS, Layout
from vessels.messages import (
    AidToNavigation,
    BaseStationReport,
    LongRangePosition,
    Message,
    PositionReport,
    SarAircraftPosition,
    StaticAndVoyage,
    StaticPartB,
    turn_indicator,
)
from vessels.rejects import MessageError, Reason, Reject
from vessels.sixbit import TEXT, pack_payload, unpack_payload

LETTERS = TEXT[1:].decode()


def values(kind: Field) -> st.SearchStrategy[object]:
    """All that a field can carry."""
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Text):
        length = kind.characters + kind.extension
        return st.text(LETTERS, max_size=length).map(lambda text: text.strip() or None)
    assert isinstance(kind, Number)
    steps = st.integers(kind.lowest, kind.highest).filter(lambda raw: raw != kind.absent)
    numbers = steps.map(lambda raw: raw if kind.per == 1 else raw / kind.per)
    return numbers if kind.absent is None else st.none() | numbers


def messages(layout: Layout) -> st.SearchStrategy[Message]:
    """All messages of a table."""
    fields = {column.name: values(column.kind) for column in layout.columns}
    fields["type"] = st.sampled_from(layout.types)
    return st.fixed_dictionaries(fields).map(lambda drawn: layout.message(**cast("Any", drawn)))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(LAYOUTS).flatmap(messages), st.integers(0, 9), st.sampled_from(["AI", "BS"]))
def test_what_is_encoded_decodes_to_itself(message: Message, sequence: int, talker: str) -> None:
    lines = encode(message, talker=talker, channel="B", sequence=sequence)
    assert decoded(lines)[0] == [message]
    assert all(len(each) <= 80 and each.startswith(f"!{talker}VDM,{len(lines)},") for each in lines)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.message.__name__)
def test_a_message_of_defaults_says_nothing_but_who_it_is(layout: Layout) -> None:
    message = layout.message(layout.types[0], 0, 574001230)
    (again,), _ = decoded(encode(message))
    assert again == message
    said = {name for name in again._fields if getattr(again, name) not in (None, False, 0, 15)}
    assert said <= {"type", "mmsi", "part", "carrier_sense", "state"}


def raw_bits(message: Message, **fields: int) -> Message:
    """The message with the raw bits of some fields put in place of its own."""
    layout = next(layout for layout in LAYOUTS if layout.message is type(message))
    bits, size = layout.write(message)
    for column in layout.columns:
        if column.name in fields:
            mask = (1 << column.kind.width) - 1
            bits = bits & ~(mask << column.shift) | (fields[column.name] & mask) << column.shift
    changed = decode_bits(bits, size)
    assert not isinstance(changed, Reject)
    return changed


@pytest.mark.parametrize(
    ("message", "field", "raw"),
    [
        (fix(), "lat", 91 * 600_000),
        (fix(), "lat", 90 * 600_000 + 1),
        (fix(), "lat", -91 * 600_000),
        (fix(), "lon", 181 * 600_000),
        (fix(), "lon", -180 * 600_000 - 1),
        (fix(), "sog", 1023),
        (fix(), "cog", 3600),
        (fix(), "cog", 4095),
        (fix(), "heading", 511),
        (fix(), "heading", 360),
        (fix(), "turn", -128),
        (fix(), "second", 60),
        (class_b(), "sog", 1023),
        (SarAircraftPosition(9, 0, 111232511), "sog", 1023),
        (SarAircraftPosition(9, 0, 111232511), "altitude", 4095),
        (LongRangePosition(27, 0, 1), "lon", 181 * 600),
        (LongRangePosition(27, 0, 1), "lat", 91 * 600),
        (LongRangePosition(27, 0, 1), "sog", 63),
        (LongRangePosition(27, 0, 1), "cog", 511),
        (LongRangePosition(27, 0, 1), "cog", 360),
        (voyage(), "imo", 0),
        (voyage(), "draught", 0),
        (voyage(), "ship_type", 0),
        (voyage(), "name", 0),
        (voyage(), "call_sign", 0),
        (voyage(), "destination", 0x820820820820820820820820820820),
        (voyage(), "eta_month", 0),
        (voyage(), "eta_month", 13),
        (voyage(), "eta_day", 0),
        (voyage(), "eta_hour", 24),
        (voyage(), "eta_minute", 60),
        (BaseStationReport(4, 0, 2), "year", 0),
        (BaseStationReport(4, 0, 2), "second", 60),
    ],
)
def test_what_is_not_available_never_becomes_a_number(message: Message, field: str, raw: int) -> None:
    assert getattr(raw_bits(message, **{field: raw}), field) is None


@pytest.mark.parametrize(
    ("message", "field", "raw", "value"),
    [
        (fix(), "lat", 90 * 600_000, 90.0),
        (fix(), "lat", -1, -1 / 600_000),
        (fix(), "lon", -180 * 600_000, -180.0),
        (fix(), "sog", 1022, 102.2),
        (fix(), "cog", 3599, 359.9),
        (fix(), "heading", 359, 359),
        (fix(), "turn", -127, -127),
        (fix(), "second", 63, 63),
        (LongRangePosition(27, 0, 1), "lon", -1, -1 / 600),
        (LongRangePosition(27, 0, 1), "sog", 62, 62),
        (voyage(), "draught", 255, 25.5),
        (voyage(), "eta_minute", 59, 59),
    ],
)
def test_the_outermost_values_are_values(message: Message, field: str, raw: int, value: float) -> None:
    assert getattr(raw_bits(message, **{field: raw}), field) == value


@pytest.mark.parametrize(
    ("turn", "rate", "turning"),
    [
        (0, 0.0, None),
        (47, 98.6, None),
        (-47, -98.6, None),
        (126, 708.7, None),
        (127, None, "starboard"),
        (-127, None, "port"),
        (None, None, None),
    ],
)
def test_the_rate_of_turn_follows_the_standard(
    turn: int | None, rate: float | None, turning: str | None
) -> None:
    report = PositionReport(1, 0, 1, turn=turn)
    assert report.rate_of_turn == (None if rate is None else pytest.approx(rate, abs=0.05))
    assert report.turning == turning


@pytest.mark.parametrize(
    ("rate", "turn"),
    [(None, None), (0.0, 0), (10.0, 15), (-10.0, -15), (708.0, 126), (5000.0, 126), (-5000.0, -126)],
)
def test_a_rate_of_turn_becomes_its_indicator(rate: float | None, turn: int | None) -> None:
    assert turn_indicator(rate) == turn


def test_an_eta_is_text_without_a_year_and_needs_all_its_parts() -> None:
    message = voyage()
    assert isinstance(message, StaticAndVoyage)
    assert message.eta == "05-06T07:08Z"
    assert message._replace(eta_hour=None).eta is None
    assert message._replace(eta_day=None).eta is None


@pytest.mark.parametrize("length", [*range(1, 35)])
def test_the_extension_of_a_marks_name_is_part_of_the_name(length: int) -> None:
    name = "HAI PHONG FAIRWAY BUOY NUMBER ZERO"[:length].strip()
    (heard,), _ = decoded(encode(mark(name)))
    assert isinstance(heard, AidToNavigation)
    assert heard.name == name


def test_the_bits_of_a_tenders_dimensions_name_her_mother_ship() -> None:
    mother = 574001230
    tender = StaticPartB(
        *(24, 0, 985740001, 1, 50, "ABC", 1, 7, "XV1"),
        *(mother >> 21, mother >> 12 & 511, mother >> 6 & 63, mother & 63),
    )
    assert tender.mother_ship == mother
    assert tender._replace(mmsi=574001231).mother_ship is None


SIZES = {
    "A position": (fix(), {163, 164, 166, 168}, {156, 162, 169, 174, 186, 204}),
    "A voyage": (voyage(), {422, 424, 426}, {168, 416, 420, 421, 427, 428, 432}),
    "B position": (class_b(), {168}, {162, 167, 174}),
    "B name": (part_a(), {160, 162, 168}, {156, 159, 169, 174}),
    "B rest": (part_b(), {162, 166, 168}, {156, 160, 161, 169}),
    "mark": (mark("HP0"), {272, 276, 360, 368}, {264, 271, 369, 372}),
    "long range": (LongRangePosition(27, 0, 1), {96, 168}, {84, 90, 95, 174}),
}


@pytest.mark.parametrize("name", SIZES)
def test_lengths_that_transponders_send_are_read_and_all_others_refused(name: str) -> None:
    message, right, wrong = SIZES[name]
    bits, size = next(layout for layout in LAYOUTS if layout.message is type(message)).write(message)
    for other in right | wrong:
        resized = bits << (other - size) if other > size else bits >> (size - other)
        payload, fill_bits = pack_payload(resized, other)
        found = decode_payload(payload.encode(), fill_bits)
        if other in wrong:
            assert found == Reject(Reason.BAD_LENGTH), other
        elif other >= size:
            assert found == message, other
        else:
            assert isinstance(found, type(message)), other


@pytest.mark.parametrize("number", range(64))
def test_every_type_is_read_or_refused_by_name(number: int) -> None:
    found = decode_bits(number << 162, 168)
    if number in {1, 2, 3, 4, 9, 11, 18, 24, 27}:
        assert not isinstance(found, Reject)
        assert found.type == number
    elif number in {5, 19, 21}:
        assert found == Reject(Reason.BAD_LENGTH)
    elif 1 <= number <= 27:
        assert found == Reject(Reason.UNSUPPORTED_TYPE)
    else:
        assert found == Reject(Reason.UNDEFINED_TYPE)


def test_a_third_part_of_type_24_is_undefined() -> None:
    assert decode_bits(24 << 162 | 2 << 128, 168) == Reject(Reason.UNDEFINED_TYPE)


@pytest.mark.parametrize(
    "payload", [b"", b"X", b"13u?etPv2;0n:dDPwUM1U1Cb06\xff0", b"13u?etPv2;0n:dDPwUM1U1Cb0 D"]
)
def test_a_payload_with_strange_characters_is_refused(payload: bytes) -> None:
    assert decode_payload(payload, 0) == Reject(Reason.BAD_PAYLOAD)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (PositionReport(1, 0, 1, lat=90.1), "lat"),
        (PositionReport(1, 0, 1, sog=102.3), "sog"),
        (PositionReport(1, 0, 1, cog=360.0), "cog"),
        (PositionReport(1, 0, 1, lon=math.nan), "lon"),
        (PositionReport(1, 0, 1, lon=math.inf), "lon"),
        (PositionReport(1, 0, -1), "mmsi"),
        (PositionReport(1, 0, 1, accurate=cast("bool", 3)), "accurate"),
        (PositionReport(1, 0, 1, nav_status=cast("int", None)), "nav_status"),
        (StaticAndVoyage(5, 0, 1, name="A NAME OF MORE THAN TWENTY"), "name"),
        (StaticAndVoyage(5, 0, 1, name="HẢI PHÒNG"), "name"),
        (StaticAndVoyage(5, 0, 1, name="A@B"), "name"),
        (StaticAndVoyage(5, 0, 1, name=cast("str", 7)), "name"),
        (AidToNavigation(21, 0, 1, name="X" * 35), "name"),
    ],
)
def test_what_a_field_cannot_carry_is_refused_by_name(message: Message, field: str) -> None:
    with pytest.raises(MessageError, match=rf"\.{field}: "):
        encode(message)


def test_a_message_cannot_be_sent_as_another_type() -> None:
    with pytest.raises(MessageError, match="cannot be of type 18"):
        encode(PositionReport(18, 0, 1))


def test_own_ship_and_channel_are_written_as_asked() -> None:
    (own,) = encode(fix(), own_ship=True, talker="AB", channel="B")
    assert own.startswith("!ABVDO,1,1,,B,")
    assert decoded([own])[0] == [fix()]


@given(st.integers(1, 400), st.data())
@settings(max_examples=60, deadline=None)
def test_payloads_carry_any_bits(size: int, data: st.DataObject) -> None:
    bits = data.draw(st.integers(0, (1 << size) - 1))
    payload, fill_bits = pack_payload(bits, size)
    assert unpack_payload(payload.encode(), fill_bits) == bits
