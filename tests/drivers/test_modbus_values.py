"""Register bytes ↔ values: published vectors in every order, both directions, and the edges of each type."""

import json
import math
import re
import struct
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.modbus.values import EncodingError, MetricRead, Order, ValueCodec, compile_codec
from telemetry import Value
from tests.reference import reference

ORDERS: list[tuple[Order, Order]] = [
    ("big", "big"),
    ("little", "big"),
    ("big", "little"),
    ("little", "little"),
]
TYPES = {
    "UINT8L": "uint8_low",
    "UINT8H": "uint8_high",
    "INT8L": "int8_low",
    "INT8H": "int8_high",
    "FLOAT16": "float16",
    "FLOAT32": "float32",
    "FLOAT64": "float64",
    "STRING": "string",
}


def codec(word_order: Order = "big", byte_order: Order = "big", **words: Any) -> ValueCodec:
    return compile_codec(MetricRead.model_validate({"address": 0} | words), word_order, byte_order)


def shuffle(registers: bytes, word_order: Order, byte_order: Order) -> bytes:
    """ABCD bytes as a device with these orders sends them."""
    words = [registers[i : i + 2] for i in range(0, len(registers), 2)]
    if word_order == "little":
        words.reverse()
    return b"".join(word[::-1] if byte_order == "little" else word for word in words)


@cache
def vectors() -> list[dict[str, str]]:
    return json.loads(reference("modbus/codec-vectors.json").read_text())  # type: ignore[no-any-return]


def orders_of(vector: dict[str, str]) -> tuple[Order, Order]:
    """The vector's letters: B before A swaps bytes, the later letters first swaps words."""
    letters = vector.get("byteOrder", "AB")
    swapped = letters[0] > letters[1]
    first = min(letters[:2])
    if not vector.get("byteOrder") and vector["bytes"].startswith("6f4d"):
        swapped = True
    return ("big" if first == "A" else "little"), ("little" if swapped else "big")


def words_of(vector: dict[str, str]) -> dict[str, Any]:
    kind = vector.get("dataType") or vector.get("dataTypeIn") or "UINT16"
    kind = kind.removesuffix("-IEEE")
    length = len(vector["bytes"]) // 4
    words: dict[str, Any] = {"type": TYPES.get(kind, kind.lower()), "scale": float(vector.get("scale", 1))}
    if kind in ("FIXED", "UFIXED"):
        words["type"] = f"{'u' * (kind == 'UFIXED')}int{16 * length}"
    if kind == "BIT":
        words |= {"type": "uint16", "bit": int(vector["bit"])}
    if kind == "STRING":
        words = {"type": "string", "length": length}
    return words


def expected_of(vector: dict[str, str]) -> tuple[str, float | int | str]:
    kind, text = re.fullmatch(r"(?:(\w+)\()?(.*?)\)?", vector["expect"]).groups()  # type: ignore[union-attr]
    if kind is None:
        return "string", json.loads(text)
    return kind, float(text) if kind.startswith("float") else int(text)


def as_declared(kind: str, value: Value | None) -> Any:
    """Our value in the type the vector's author asked for: whole numbers truncated, and wrapped."""
    assert value is not None
    if kind.startswith("float") or kind == "string":
        return value
    bits = int(re.sub(r"\D", "", kind))
    whole = math.trunc(float(value)) if isinstance(value, float) else int(value)
    return whole % (1 << bits) if kind.startswith("u") else whole


def test_every_published_vector_of_registers_decodes_and_encodes_back() -> None:
    tried = 0
    for vector in vectors():
        registers = bytes.fromhex(vector["bytes"])
        if len(registers) % 2:
            continue
        one = codec(*orders_of(vector), **words_of(vector))
        kind, expected = expected_of(vector)
        value = as_declared(kind, one.decode(registers))
        if isinstance(expected, str):
            assert value == expected, vector
        else:
            tolerance = 1e-6 if kind == "float32" else 1e-15
            assert value == pytest.approx(expected, rel=tolerance, abs=0), vector
        tried += 1
        if not loses_digits(one, registers):
            assert one.encode(one.decode(registers), registers) == registers, vector
    assert tried == len(vectors()) - 12, "all but the coils"


def loses_digits(one: ValueCodec, registers: bytes) -> bool:
    """A scaled integer above 2^53 and a scaled float64 are rounded: they do not come back to the bit."""
    value, read = one.decode(registers), one.read
    if not isinstance(value, float) or read.scale == 1:
        return False
    return read.type == "float64" or ("int" in read.type and abs(value / read.scale) > 2**53)


def test_every_published_vector_of_a_coil_is_its_lowest_bit() -> None:
    coils = [v for v in vectors() if len(v["bytes"]) == 2]
    assert len(coils) == 12
    for vector in coils:
        expected = vector["expect"] in ("true", "uint16(1)")
        assert bool(bytes.fromhex(vector["bytes"])[0] & 1) is expected


@pytest.mark.parametrize("orders", ORDERS)
def test_every_numeric_vector_reads_the_same_in_all_four_orders(orders: tuple[Order, Order]) -> None:
    for vector in vectors():
        registers = bytes.fromhex(vector["bytes"])
        if len(registers) % 2 or vector.get("byteOrder") or vector.get("dataTypeIn") == "STRING":
            continue
        words = words_of(vector)
        there = codec(*orders, **words).decode(shuffle(registers, *orders))
        assert there == codec(**words).decode(registers), vector


@pytest.mark.parametrize(
    ("orders", "registers"), list(zip(ORDERS, ["47F12000", "200047F1", "F1470020", "0020F147"], strict=True))
)
def test_123456_is_the_same_float_as_libmodbus_orders_it(orders: tuple[Order, Order], registers: str) -> None:
    one = codec(*orders, type="float32")
    assert one.decode(bytes.fromhex(registers)) == 123456.0
    assert one.encode(123456.0) == bytes.fromhex(registers)


@pytest.mark.parametrize(
    ("raw", "scale", "offset", "value"),
    [
        (2301, 0.1, 0, 230.1),
        (2262, 0.1, 0, 226.2),
        (0x8001, 0.01, 0, 327.69),
        (7, 1e-9, 0, 7e-9),
        (250, 0.1, -40, -15.0),
        (3, 0.1, 0.2, 0.5),
    ],
)
def test_a_scaled_integer_is_the_float_nearest_its_decimal(
    raw: int, scale: float, offset: float, value: float
) -> None:
    one = codec(scale=scale, offset=offset)
    assert one.decode(raw.to_bytes(2)) == value
    assert one.encode(value) == raw.to_bytes(2)


def test_integers_stay_integers_unless_scaled_by_a_fraction() -> None:
    assert type(codec().decode(b"\0\7")) is int
    assert type(codec(scale=10, offset=3).decode(b"\0\7")) is int
    assert codec(scale=10, offset=3).decode(b"\0\7") == 73
    assert type(codec(scale=0.5).decode(b"\0\6")) is float


def test_48_bit_integers_keep_their_sign() -> None:
    assert codec(type="uint48").decode(b"\xff" * 6) == 2**48 - 1
    assert codec(type="int48").decode(b"\xff" * 6) == -1
    assert codec("little", type="int48").encode(-2) == b"\xff\xfe\xff\xff\xff\xff"


def test_bits_and_fields_share_a_register_both_ways() -> None:
    register = bytes.fromhex("A5C3")
    assert codec(bit=15).decode(register) is True
    assert codec(bit=14).decode(register) is False
    assert codec(mask=0x0F00).decode(register) == 5
    assert codec(mask=0x0F00, shift=4).decode(register) == 0x50
    assert codec(mask=0x0F00, scale=0.1).decode(register) == 0.5
    assert codec(bit=14).encode(True, register) == bytes.fromhex("E5C3")
    assert codec(mask=0x0F00).encode(9, register) == bytes.fromhex("A9C3")
    assert codec(type="uint8_low").encode(1, register) == bytes.fromhex("A501")


def test_bcd_is_decimal_digits_and_anything_else_is_no_value() -> None:
    one = codec(type="bcd", length=2)
    assert one.decode(bytes.fromhex("00123456")) == 123456
    assert one.encode(123456) == bytes.fromhex("00123456")
    assert one.decode(bytes.fromhex("0012345A")) is None
    assert codec("little", type="bcd", length=2, scale=0.01).decode(bytes.fromhex("34560012")) == 1234.56


def test_text_is_trimmed_and_keeps_only_what_prints() -> None:
    one = codec(type="string", length=4)
    assert one.decode(b"SDM630\0\0") == "SDM630"
    assert one.decode(b"  A\x07B\xff \0") == "AB\ufffd"
    assert one.decode(bytes(8)) is None
    assert one.encode("SDM630") == b"SDM630\0\0"
    assert codec("little", "little", type="string", length=2).decode(b"DSMR") == "SDRM"


@pytest.mark.parametrize(
    ("words", "registers"),
    [
        ({"nulls": [0xFFFF]}, "FFFF"),
        ({"type": "int16", "nulls": [0x8000]}, "8000"),
        ({"type": "int16", "nulls": [-1]}, "FFFF"),
        ({"type": "int32", "nulls": [0x7FFFFFFF], "scale": 0.01}, "7FFFFFFF"),
        ({"type": "uint64", "nulls": [0xFFFFFFFFFFFFFFFF]}, "FFFFFFFFFFFFFFFF"),
        ({"type": "int64", "nulls": [0x8000000000000000], "scale": 0.001}, "8000000000000000"),
        ({"type": "float32"}, "7FC00000"),
        ({"type": "float32"}, "FF800000"),
        ({"type": "float32", "scale": 10}, "7F800000"),
        ({"type": "float32", "nulls": [99.9]}, "42C7CCCD"),
        ({"type": "float64", "scale": 1e12}, "7FEFFFFFFFFFFFFF"),
        ({"nulls": [0xFFFF], "enum": {1: "mains"}}, "FFFF"),
        ({"nulls": [0xFFFF], "bit": 3}, "FFFF"),
    ],
)
def test_what_a_device_does_not_know_is_absent(words: dict[str, Any], registers: str) -> None:
    assert codec(**words).decode(bytes.fromhex(registers)) is None


def test_absence_encodes_as_the_sentinel_or_nan() -> None:
    assert codec(nulls=[0x7FFF]).encode(None) == b"\x7f\xff"
    assert codec(type="int16", nulls=[0x8000]).encode(None) == b"\x80\x00"
    assert codec(type="float32").decode(codec(type="float32").encode(None)) is None
    with pytest.raises(EncodingError, match="means not available"):
        codec().encode(None)


def test_an_enumeration_is_text_and_an_unknown_value_its_number() -> None:
    one = codec(enum={2: "mains", 3: "battery"})
    assert one.decode(b"\0\3") == "battery"
    assert one.decode(b"\0\7") == "7"
    assert one.encode("mains") == b"\0\2"
    assert codec(mask=0xF0, enum={3: "battery"}).decode(b"\0\x31") == "battery"


@pytest.mark.parametrize(
    ("words", "value"),
    [({}, 65536), ({}, -1), ({"type": "bcd", "length": 1}, 10000), ({"mask": 0xF0}, 16), ({}, "high")],
)
def test_a_value_its_registers_cannot_hold_is_refused(words: dict[str, Any], value: Value) -> None:
    with pytest.raises(EncodingError, match="does not fit"):
        codec(**words).encode(value)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ({"type": "string"}, "length"),
        ({"type": "uint32", "length": 2}, "length"),
        ({"type": "bcd", "length": 9}, "at most 8 registers"),
        ({"scale": 0}, "scale"),
        ({"type": "float32", "bit": 3}, "integer type"),
        ({"bit": 16}, "16 bits"),
        ({"type": "uint8_low", "mask": 0x100}, "8 bits"),
        ({"table": "coil", "type": "uint16"}, "table and address only"),
        ({"bit": 1, "scale": 0.1}, "leave scale"),
        ({"adress": 3}, "Extra inputs"),
        ({"type": "uint24"}, "uint32"),
    ],
)
def test_words_that_make_no_sense_are_refused_with_the_remedy(words: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        codec(**words)


KINDS = ["uint16", "int16", "uint32", "int32", "uint48", "int48", "uint64", "int64", "float64"]


@given(st.sampled_from(KINDS), st.sampled_from(ORDERS), st.binary(min_size=8, max_size=8))
@settings(max_examples=150)
def test_any_registers_decode_and_encode_back(kind: str, orders: tuple[Order, Order], data: bytes) -> None:
    one = codec(*orders, type=kind)
    registers = data[: 2 * one.read.registers]
    value = one.decode(registers)
    if value is not None and value != 0:
        assert one.encode(value) == registers


@given(st.binary(min_size=8, max_size=8), st.sampled_from(["float16", "float32", "float64", "bcd", "string"]))
@settings(max_examples=150)
def test_any_registers_are_a_finite_value_or_none(data: bytes, kind: str) -> None:
    one = codec(type=kind, length=4 if kind in ("bcd", "string") else None)
    value = one.decode(data[: 2 * one.read.registers])
    assert value is None or isinstance(value, str) or math.isfinite(value)


@given(st.integers(0, 0xFFFFFFFF), st.sampled_from([0.1, 0.01, 0.001, 1e-6, 0.5, 10.0, 0.125]))
@settings(max_examples=150)
def test_scaling_and_back_is_the_same_raw_value(raw: int, scale: float) -> None:
    one = codec(type="uint32", scale=scale)
    registers = struct.pack(">I", raw)
    assert one.encode(one.decode(registers)) == registers
