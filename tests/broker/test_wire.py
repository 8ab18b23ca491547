"""The wire format: golden packs, any readings there and back, any bytes, poison alone."""

import json
import math
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.wire import (
    Batch,
    Configuration,
    DeviceStatus,
    GatewayStatus,
    LiveReading,
    PushedDevice,
    Receipt,
    decode,
    decode_batch,
    encode,
    encode_pack,
    seal,
)
from telemetry import Quality, Reading, Value, WireError
from telemetry.words import RESERVED_NAMES

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name not in RESERVED_NAMES)
IDS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53), 2**53),
    st.booleans(),
    st.text(st.characters(codec="utf-8"), max_size=50),
)
READINGS = st.builds(
    Reading,
    IDS,
    NAMES,
    st.integers(0, 2**63 - 1),
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=6),
    st.sampled_from(list(Quality)),
)

GOLDEN = [
    Reading("mast", "weather", 1_795_000_000_123_456_789, {"wind_speed": 7.5, "wind_direction": 120}),
    Reading("ais", "ais", 1_795_000_000_000_000_001, {"sentence": "!AIVDM,1,1,,A,x,0*00"}),
    Reading("pump", "power", 0, {"running": True, "name": ""}, Quality.UNCERTAIN),
]
GOLDEN_PACK = (
    b'[{"bn":"mast/","bt":1795000000.123456789,"k":"weather","n":"wind_speed","v":7.5},'
    b'{"n":"wind_direction","v":120},'
    b'{"bn":"ais/","bt":1795000000.000000001,"k":"ais","n":"sentence","vs":"!AIVDM,1,1,,A,x,0*00"},'
    b'{"bn":"pump/","bt":0E-9,"k":"power","q":"uncertain","n":"running","vb":true},{"n":"name","vs":""}]'
)


def batch_of(pack: bytes) -> Batch:
    return decode_batch(seal("e1", 7, 3, pack, "Dinh Vu"))


def test_packs_look_as_they_always_have() -> None:
    assert encode_pack(GOLDEN) == GOLDEN_PACK
    assert batch_of(GOLDEN_PACK) == Batch("e1", 7, 3, GOLDEN, site="Dinh Vu")


@settings(max_examples=100, deadline=None)
@given(st.lists(READINGS, max_size=20), st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_readings_come_back_as_they_were(readings: list[Reading], site: str) -> None:
    batch = decode_batch(seal("0a", 2, 1, encode_pack(readings), site))
    assert batch == Batch("0a", 2, 1, readings, site=site)
    for before, behind in zip(readings, batch.readings, strict=True):
        kinds = [type(value) for value in before.values.values()]
        assert [type(value) for value in behind.values.values()] == kinds


@settings(max_examples=60, deadline=None)
@given(st.lists(READINGS, min_size=1, max_size=10))
def test_a_pack_is_senml_as_others_read_it(readings: list[Reading]) -> None:
    """RFC 8428: base fields resolve to names and times; exactly one value to a record (4.5)."""
    base_name, base_time, resolved = "", Decimal(0), []
    for record in json.loads(encode_pack(readings), parse_float=Decimal):
        base_name, base_time = record.get("bn", base_name), Decimal(record.get("bt", base_time))
        assert len(record.keys() & {"v", "vs", "vb", "vd"}) == 1
        name = base_name + record["n"]
        assert all(char.isalnum() or char in "-:./_" for char in name)
        assert name[0].isalnum()
        resolved.append((name, int(base_time.scaleb(9))))
    assert resolved == [(f"{one.device}/{name}", one.observed_at) for one in readings for name in one.values]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(WireError, match="only finite numbers"):
        encode_pack([Reading("d", "k", 1, {"value": value})])


def test_a_reading_without_a_value_is_refused() -> None:
    with pytest.raises(WireError, match="has no value"):
        encode_pack([Reading("d", "k", 1, {})])


GOOD = b'{"bn":"d/","bt":1,"k":"k","n":"a","v":1}'


@pytest.mark.parametrize(
    ("poison", "kept"),
    [
        (b'{"bn":"d/","bt":1,"k":"k","n":"a"}', 0),
        (b'{"bn":"d/","bt":1,"k":"k","n":"Bad Name","v":1}', 0),
        (b'{"bn":"d/","bt":1,"k":"k","n":"time","v":1}', 0),
        (b'{"bn":"d,x=1/","bt":1,"k":"k","n":"a","v":1}', 0),
        (b'{"bn":"d","bt":1,"k":"k","n":"a","v":1}', 0),
        (b'{"bn":"d/","bt":-1,"k":"k","n":"a","v":1}', 0),
        (b'{"bn":"d/","bt":1e40,"k":"k","n":"a","v":1}', 0),
        (b'{"bn":"d/","bt":1,"k":"k","q":"perfect","n":"a","v":1}', 0),
        (b'{"bn":"d/","bt":"now","k":"k","n":"a","v":1}', 0),
        (b'{"bn":"d/","bt":1,"k":"k","n":"a","v":"one"}', 0),
        (b'{"bn":"d/","bt":1,"k":"k","n":"a","v":1},{"n":"b"}', 1),
        (b'{"bn":"d/","bt":1,"k":"k","n":"a","v":1},{"n":"B","v":1}', 1),
        (b'{"bn":"d/","bt":1,"k":"k","n":"a","v":1},7', 1),
        (b"null", 0),
    ],
)
def test_a_poison_record_is_set_aside_alone(poison: bytes, kept: int) -> None:
    batch = batch_of(b"[%b,%b,%b]" % (GOOD, poison, GOOD))
    assert len(batch.poison) == 1
    assert batch.poison[0].content in poison
    assert batch.poison[0].reason
    assert len(batch.readings) == 2 + kept
    assert {(one.device, tuple(one.values.items())) for one in batch.readings} == {("d", (("a", 1),))}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"epoch":"e","seq":1,"after":0}',
        b'{"epoch":"e","seq":1,"after":1,"pack":[]}',
        b'{"epoch":"e","seq":0,"after":0,"pack":[]}',
        b'{"epoch":"e","seq":1,"after":-1,"pack":[]}',
        b'{"epoch":"","seq":1,"after":0,"pack":[]}',
        b'{"epoch":"E/#","seq":1,"after":0,"pack":[]}',
        b'{"epoch":"e","seq":1e99,"after":0,"pack":[]}',
        b'{"epoch":"e","seq":%d,"after":0,"pack":[]}' % 2**63,
        b"[" * 100_000,
        seal("e", 2, 1, b"[" * 5_000 + b"]" * 5_000),
        b'{"epoch":"e","seq":1,"after":0,"pack":[]',
    ],
)
def test_what_has_no_envelope_is_a_wire_error(payload: bytes) -> None:
    with pytest.raises(WireError, match="not a batch"):
        decode_batch(payload)


@pytest.mark.parametrize("pack", [b"{}", b"7", b"null"])
def test_a_pack_that_is_none_is_poison_and_the_envelope_still_counts(pack: bytes) -> None:
    batch = batch_of(pack)
    assert (batch.epoch, batch.seq, batch.after, list(batch.readings)) == ("e1", 7, 3, [])
    assert len(batch.poison) == 1


def taken(payload: bytes) -> bool:
    """Whether it is a batch; whatever else than a WireError is raised fails the test."""
    try:
        batch = decode_batch(payload)
    except WireError:
        return False
    return batch.seq > batch.after


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["bn", "bt", "k", "q", "n", "v", "vs", "vb", "x"]), inner, max_size=6
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_a_wire_error(payload: bytes) -> None:
    assert taken(payload) in {True, False}


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_in_a_sound_envelope_is_a_batch(pack: object) -> None:
    content = json.dumps(pack, allow_nan=False, default=str) if _finite(pack) else "[]"
    assert taken(seal("e", 2, 1, content.encode()))


def _finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_sealed_batch_with_any_byte_changed_is_a_batch_or_a_wire_error(data: st.DataObject) -> None:
    payload = bytearray(seal("e1", 7, 3, GOLDEN_PACK))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    assert taken(bytes(payload)) in {True, False}


@pytest.mark.parametrize(
    "message",
    [
        Receipt("e", 3),
        GatewayStatus(True, refused={"disk-full": 3}, alerts={"clock": "never set"}),
        GatewayStatus(True, devices=[DeviceStatus("d", "p", "tcp://h:1", "file", faults={"timeout": 1})]),
        Configuration(3, [PushedDevice("d", "p", "tcp://h:1", every=1.5, unit_id=7)]),
    ],
)
def test_other_messages_come_back_as_they_were(message: msgspec.Struct) -> None:
    assert decode(encode(message), type(message)) == message


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100), st.sampled_from([Receipt, GatewayStatus, Configuration]))
def test_other_messages_from_any_bytes_raise_nothing_but_wire_errors(
    payload: bytes, kind: type[msgspec.Struct]
) -> None:
    try:
        message = decode(payload, kind)
    except WireError:
        return
    assert isinstance(message, kind)


def test_a_message_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    assert decode(b'{"epoch":"e","seq":3,"new":true}', Receipt) == Receipt("e", 3)


HUGE = "9" * 400


@pytest.mark.parametrize("size", [f"-{HUGE}", HUGE, str(2**63), str(-(2**63) - 1)])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Receipt, '{"epoch":"e","seq":%s}'),
        (Configuration, '{"version":%s,"devices":[]}'),
        (GatewayStatus, '{"online":true,"backlog":%s}'),
        (GatewayStatus, '{"online":true,"clock":%s}'),
        (GatewayStatus, '{"online":true,"refused":{"x":%s}}'),
        (
            GatewayStatus,
            '{"online":true,"devices":[{"id":"a","profile":"p","link":"l","declared":"file","last_reading_at":%s}]}',
        ),
        (
            LiveReading,
            '{"gateway":"g","device":"d","kind":"k","observed_at":%s,"received_at":1,"values":{}}',
        ),
    ],
)
def test_a_count_or_time_beyond_64_bits_makes_a_message_unreadable(
    kind: type[msgspec.Struct], message: str, size: str
) -> None:
    with pytest.raises(WireError):
        decode((message % size).encode(), kind)


@pytest.mark.parametrize("value", [HUGE, f"-{HUGE}"])
def test_an_integer_no_float_can_hold_is_poison_alone(value: str) -> None:
    rest = f'{{"n":"b","v":{value}}},{{"n":"c","v":{10**25}}}'
    batch = batch_of(f'[{{"bn":"d/","bt":1,"k":"w","n":"a","v":1}},{rest}]'.encode())
    assert [reading.values for reading in batch.readings] == [{"a": 1, "c": 10**25}]
    assert ["too large" in one.reason for one in batch.poison] == [True]


def test_a_pack_of_nothing_but_poison_makes_a_bounded_number_of_dead_letters_that_hold_it_all() -> None:
    batch = batch_of(b"[" + b",".join(b"%d" % number for number in range(5_000)) + b"]")
    assert len(batch.poison) == 1_001
    assert b",".join(one.content for one in batch.poison).split(b",") == [b"%d" % n for n in range(5_000)]
    assert batch.poison[-1].reason == "4000 more of this pack cannot be read"
