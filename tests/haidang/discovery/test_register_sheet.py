"""The register explorer shows each register in every way it could be meant."""

import io
import struct

import pytest
from rich.console import Console

from haidang.discovery.registers import ORDERS, bits, csv, refusals, rows, sheet


def printed(table: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


@pytest.mark.parametrize(
    ("order", "wire"),
    [("ABCD", "47F12000"), ("CDAB", "200047F1"), ("BADC", "F1470020"), ("DCBA", "0020F147")],
)
def test_a_float_shows_in_the_column_of_its_own_order(order: str, wire: str) -> None:
    first, second = struct.unpack(">HH", bytes.fromhex(wire))
    (row, _) = rows({100: first, 101: second}, {})
    assert row.floats is not None
    assert row.floats[order] == 123456.0
    assert [other for other in ORDERS if row.floats[other] == 123456.0] == [order]
    assert "123456" in printed(sheet("holding", [row]))


def test_a_register_that_is_refused_stands_in_its_place_with_the_reason() -> None:
    found = rows({0: 1, 2: 3}, {1: "exception 2, illegal data address"})
    assert [row.address for row in found] == [0, 1, 2]
    assert "400002" in printed(sheet("holding", found))


def test_refusals_are_told_once_for_each_run_of_addresses() -> None:
    refused = {1: "exception 2", 2: "exception 2", 3: "exception 3", 7: "exception 2"}
    assert list(refusals(refused)) == ["1–2: exception 2", "3: exception 3", "7: exception 2"]


def test_numbers_no_instrument_measures_are_left_out_of_the_floats() -> None:
    (row, _) = rows({0: 0x0000, 1: 0x0001}, {})
    assert row.floats is not None
    assert row.floats["ABCD"] == pytest.approx(1.4e-45)
    assert "e-45" not in printed(sheet("holding", [row]))


def test_two_letters_of_a_register_show_as_text() -> None:
    assert "SD" in printed(sheet("holding", rows({0: 0x5344}, {})))


def test_a_spreadsheet_gets_every_number_in_full_and_one_column_each() -> None:
    lines = list(csv("input", rows({0: 0x4366, 1: 0x3334}, {2: "exception 2, illegal data address"})))
    assert {line.count(",") for line in lines} == {lines[0].count(",")}
    assert "230.20001220703125" in lines[1]


def test_coils_show_as_on_and_off() -> None:
    text = printed(bits("coil", {0: 1, 1: 0}))
    assert "ON" in text
    assert "off" in text


def test_a_terminal_of_80_columns_shows_every_number_whole() -> None:
    pairs = [(0xFFFE, -399_123_456.0), (0, 229.0125), (0x8000, -0.012345678), (7, 13_754.66)]
    words: dict[int, int] = {}
    for at, (odd, number) in enumerate(pairs):
        words |= dict(enumerate((*struct.unpack(">HH", struct.pack(">f", number)), odd), 65_000 + 3 * at))
    console = Console(file=io.StringIO(), width=80)
    console.print(sheet("input", rows(words, {}), wide=False))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "…" not in shown
    assert {"65011", "-399123456", "229.012", "-0.0123457", "13754.7"} <= set(shown.split())
