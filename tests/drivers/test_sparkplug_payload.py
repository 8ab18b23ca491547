"""The Sparkplug B payload on the wire: known bytes, both ways, and bytes meant to harm."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.sparkplug.payload import (
    BOOLEAN,
    BYTES,
    DATASET,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    LONGEST_PAYLOAD,
    STRING,
    TEMPLATE,
    SparkplugError,
    SparkplugMetric,
    SparkplugPayload,
    decode_payload,
    encode_payload,
)
from drivers.sparkplug.values import Datatype, is_single, metric_of, value_from_text, value_of
from telemetry import CommandError, Value

# written by hand from the field numbers of the message: timestamp 1, one metric, seq 3
BY_HAND = bytes.fromhex(
    "08 96 01"  # timestamp 150
    "12 14"  # a metric of 20 bytes
    "0a 03 61 2f 62"  # name a/b
    "10 05"  # alias 5
    "18 96 01"  # timestamp 150
    "20 03"  # Int32
    "50 fe ff ff ff 0f"  # int_value 4294967294, which is -2
    "28 01"  # is_historical
    "18 02"  # seq 2
)


def test_bytes_written_by_hand_are_read_and_written_back() -> None:
    payload = decode_payload(BY_HAND)
    metric = SparkplugMetric("a/b", 5, 150, 3, historical=True, field=INT, raw=4294967294)
    assert payload == SparkplugPayload([metric], 150, 2)
    assert value_of(metric, Datatype.INT32) == -2
    assert decode_payload(encode_payload(payload)) == payload


@pytest.mark.parametrize(
    ("datatype", "value", "field", "raw"),
    [
        (Datatype.INT8, -1, INT, 0xFFFFFFFF),
        (Datatype.INT8, -128, INT, 0xFFFFFF80),
        (Datatype.INT16, -500, INT, 0xFFFFFE0C),
        (Datatype.INT32, -(2**31), INT, 2**31),
        (Datatype.INT64, -1, LONG, 2**64 - 1),
        (Datatype.UINT8, 255, INT, 255),
        (Datatype.UINT32, 2**32 - 1, INT, 2**32 - 1),
        (Datatype.UINT64, 2**53, LONG, 2**53),
        (Datatype.FLOAT, 20.1, FLOAT, struct.unpack("<f", struct.pack("<f", 20.1))[0]),
        (Datatype.DOUBLE, 20.1, DOUBLE, 20.1),
        (Datatype.BOOLEAN, True, BOOLEAN, 1),
        (Datatype.STRING, "cảng", STRING, "cảng"),
        (Datatype.TEXT, "", STRING, ""),
        (Datatype.UUID, "6f1c", STRING, "6f1c"),
    ],
)
def test_each_type_is_carried_in_its_field(datatype: Datatype, value: Value, field: int, raw: object) -> None:
    metric = metric_of("m", datatype, value, 7)
    assert (metric.field, metric.raw) == (field, raw)
    (back,) = decode_payload(encode_payload(SparkplugPayload([metric]))).metrics
    assert value_of(back, datatype) == value
    assert type(value_of(back, datatype)) is type(value)


@pytest.mark.parametrize(
    ("datatype", "field", "raw", "value"),
    [
        (Datatype.INT8, INT, 0xFF, -1),  # some encoders do not widen the sign
        (Datatype.INT16, INT, 0xFFFF, -1),
        (Datatype.UINT32, LONG, 2**32 - 1, 2**32 - 1),  # and some take the wide field
        (Datatype.UINT64, LONG, 2**64 - 1, float(2**64 - 1)),
        (Datatype.DATETIME, LONG, 1795309320620, "2026-11-22T01:02:00.62Z"),
    ],
)
def test_what_other_encoders_write_is_understood(
    datatype: Datatype, field: int, raw: int, value: Value
) -> None:
    assert value_of(SparkplugMetric(field=field, raw=raw), datatype) == value


@pytest.mark.parametrize(
    ("datatype", "field", "raw"),
    [
        (Datatype.FLOAT, FLOAT, float("nan")),
        (Datatype.DOUBLE, DOUBLE, float("inf")),
        (Datatype.INT32, STRING, "7"),
        (Datatype.STRING, INT, 7),
        (Datatype.STRING, STRING, "x" * 1025),
        (Datatype.BOOLEAN, STRING, "true"),
        (Datatype.DATETIME, LONG, 2**63),
        (Datatype.INT32, INT, b"\x01"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(
    datatype: Datatype, field: int, raw: str | float | bytes
) -> None:
    with pytest.raises(ValueError, match=r"value is not one of type|not a finite number"):
        value_of(SparkplugMetric(field=field, raw=raw), datatype)


def test_null_is_no_value_both_ways() -> None:
    metric = metric_of("m", Datatype.INT32, None, 7)
    (back,) = decode_payload(encode_payload(SparkplugPayload([metric]))).metrics
    assert (back.null, back.field, value_of(back, Datatype.INT32)) == (True, 0, None)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        (Datatype.INT8, 128),
        (Datatype.UINT8, -1),
        (Datatype.UINT16, 2.5),
        (Datatype.INT64, 2**63),
        (Datatype.FLOAT, 1e39),
        (Datatype.BOOLEAN, 1),
        (Datatype.STRING, 7),
        (Datatype.INT32, True),
        (Datatype.DATETIME, -1),
    ],
)
def test_a_value_the_type_cannot_hold_is_never_sent(datatype: Datatype, value: Value) -> None:
    with pytest.raises(CommandError, match=r"m is of type|m: .* does not fit"):
        metric_of("m", datatype, value, 0)


def test_values_are_read_from_what_people_write() -> None:
    assert value_from_text("-7", Datatype.INT32, "m") == -7
    assert value_from_text("2.5", Datatype.FLOAT, "m") == 2.5
    assert value_from_text("TRUE", Datatype.BOOLEAN, "m") is True
    assert value_from_text("7", Datatype.STRING, "m") == "7"
    for text, datatype in (("2.5", Datatype.INT32), ("on", Datatype.BOOLEAN), ("x", Datatype.DOUBLE)):
        with pytest.raises(CommandError, match="m is of type"):
            value_from_text(text, datatype, "m")


def test_types_that_are_no_single_value_are_known_as_such() -> None:
    assert [number for number in range(40) if is_single(number)] == list(range(1, 16))
    assert not is_single(None)


def test_the_property_quality_is_read_and_others_are_passed_over() -> None:
    metric = SparkplugMetric("m", quality=500, field=BOOLEAN, raw=1)
    (back,) = decode_payload(encode_payload(SparkplugPayload([metric]))).metrics
    assert back.quality == 500
    unit = bytes.fromhex("12 12 0a 01 6d 4a 0d 0a 04 55 6e 69 74 12 05 08 0c 42 01 56")
    (other,) = decode_payload(unit).metrics
    assert (other.name, other.quality) == ("m", None)


@pytest.mark.parametrize(
    "body",
    [
        b"\x08",
        b"\x08" + b"\xff" * 10,
        b"\x12\x05\x0a",
        b"\x12\xff\xff\xff\xff\x0f",
        b"\x0b",  # a group
        b"\x12\x03\x0a\x01\xff",  # a name that is no UTF-8
        b"\x12\x02\x08\x01",  # a name that is a number
        b"\x12\x03\x7a\x01\xff",  # a text that is no UTF-8
        b"\xff" * 40,
        b"{}",
        b"\x00" * (LONGEST_PAYLOAD + 1),
    ],
)
def test_bytes_that_are_no_payload_are_refused(body: bytes) -> None:
    with pytest.raises(SparkplugError) as caught:
        decode_payload(body)
    assert caught.value.reason in {"not_sparkplug", "overlong"}


def test_metrics_without_end_are_refused() -> None:
    with pytest.raises(SparkplugError, match="more than 20000 metrics"):
        decode_payload(b"\x12\x00" * 20_001)


METRICS = st.builds(
    SparkplugMetric,
    name=st.text(max_size=6),
    alias=st.none() | st.integers(0, 2**64 - 1),
    timestamp=st.none() | st.integers(0, 2**64 - 1),
    datatype=st.none() | st.integers(0, 40),
    historical=st.booleans(),
    null=st.booleans(),
    quality=st.none() | st.integers(0, 500),
)
VALUES = st.one_of(
    st.tuples(st.sampled_from([INT, LONG]), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(DOUBLE), st.floats(allow_nan=False)),
    st.tuples(st.just(STRING), st.text(max_size=6)),
    st.tuples(st.sampled_from([BYTES, DATASET, TEMPLATE]), st.binary(max_size=6)),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(METRICS, max_size=4), VALUES, st.none() | st.integers(0, 2**63), st.none() | st.integers(0, 255)
)
def test_what_is_encoded_is_decoded(
    metrics: list[SparkplugMetric],
    value: tuple[int, str | float | bytes],
    timestamp: int | None,
    seq: int | None,
) -> None:
    last = SparkplugMetric("last", field=value[0], raw=value[1])
    payload = SparkplugPayload([*metrics, last], timestamp, seq)
    assert decode_payload(encode_payload(payload)) == payload


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_payload_or_refused(body: bytes) -> None:
    try:
        payload = decode_payload(body)
    except SparkplugError:
        return
    for metric in payload.metrics:
        for datatype in Datatype:
            try:
                value_of(metric, datatype)
            except ValueError:
                continue
