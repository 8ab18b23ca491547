"""The register explorer: what stands in a Modbus unit, in every way it could be meant. No I/O.

One row for each register, and beside it what a value that starts there would be in each word and byte
order. Whoever knows what a display shows finds its register and its order at a glance.
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Column, Table

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
"""Four bytes of two registers as the wire gives them, and the orders makers mean by them."""
_PICKS = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0)}
_REFERENCE = {"holding": 400001, "input": 300001, "discrete": 100001, "coil": 1}
_WHOLES = tuple(f"int32 {order}" for order in ORDERS[:2])
_SANE = (1e-3, 1e9)
"""Magnitudes that a measured value has; floats beyond them are most likely none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One register. refused: what the device said instead of a value.

    floats, wholes: of this register and the next as float32 and int32, by order of bytes.
    """

    address: int
    word: int | None
    refused: str = ""
    floats: Mapping[str, float] | None = None
    wholes: Mapping[str, int] | None = None


def rows(words: Mapping[int, int], refused: Mapping[int, str]) -> list[Row]:
    """By address: what was read, and where the device refused."""
    return [_row(address, words, refused) for address in sorted({*words, *refused})]


def _row(address: int, words: Mapping[int, int], refused: Mapping[int, str]) -> Row:
    if address not in words:
        return Row(address, None, refused[address])
    word, following = words[address], words.get(address + 1)
    if following is None:
        return Row(address, word)
    raw = struct.pack(">HH", word, following)
    ordered = {order: bytes(raw[pick] for pick in _PICKS[order]) for order in ORDERS}
    floats = {order: struct.unpack(">f", four)[0] for order, four in ordered.items()}
    wholes = {order: struct.unpack(">i", four)[0] for order, four in ordered.items()}
    return Row(address, word, floats=floats, wholes=wholes)


def sheet(table: str, found: Sequence[Row], *, wide: bool = True) -> Table:
    """For a terminal; floats that cannot be a measured value are left out.

    wide: with reference numbers and 32-bit integers too; without them it has room in 80 columns.
    """
    names = ["addr", "ref", "hex", "uint16", "int16", "text", *ORDERS, *_WHOLES]
    kept = [number for number, name in enumerate(names) if wide or name not in ("ref", *_WHOLES)]
    columns = [Column(names[number], justify="right", no_wrap=True) for number in kept]
    shown = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for row in found:
        cells = dict(enumerate(_cells(table, row)))
        shown.add_row(*(cells.get(number, "") for number in kept))
    return shown


def legend(table: str) -> str:
    """What the columns mean."""
    return (
        f"addr counts from 0, as on the wire; {_REFERENCE[table]} in a manual is addr 0\n"
        "ABCD … DCBA: this register and the next as float32, in these orders of bytes"
    )


def refusals(refused: Mapping[int, str]) -> Iterator[str]:
    """`76–81: exception 2, illegal data address`, a line for each run of addresses with one reason."""
    start: int | None = None
    for address in sorted(refused):
        start = address if start is None else start
        if refused.get(address + 1) != refused[address]:
            span = f"{start}" if start == address else f"{start}–{address}"
            yield f"{span}: {refused[address]}"
            start = None


def bits(table: str, found: Mapping[int, int]) -> Table:
    """Coils or discrete inputs, for a terminal."""
    shown = Table(
        Column("address", justify="right"), Column("ref", justify="right"), "state", box=SIMPLE_HEAD
    )
    for address in sorted(found):
        shown.add_row(str(address), str(_REFERENCE[table] + address), "ON" if found[address] else "off")
    return shown


def csv(table: str, found: Sequence[Row]) -> Iterator[str]:
    """The same as lines for a spreadsheet, every number in full."""
    orders = [f"{kind} {order}" for kind in ("float32", "int32") for order in ORDERS]
    yield ",".join(["table", "address", "uint16", "refused", *orders])
    for row in found:
        floats = [repr(row.floats[order]) if row.floats else "" for order in ORDERS]
        wholes = [str(row.wholes[order]) if row.wholes else "" for order in ORDERS]
        word = "" if row.word is None else str(row.word)
        yield ",".join([table, str(row.address), word, row.refused.replace(",", ""), *floats, *wholes])


def _cells(table: str, row: Row) -> list[str]:
    head = [str(row.address), str(_REFERENCE[table] + row.address)]
    if row.word is None:
        return [*head, "—"]
    signed = row.word - 0x10000 if row.word >= 0x8000 else row.word
    text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row.word.to_bytes(2))
    floats = [_plausible(row.floats[order]) if row.floats else "" for order in ORDERS]
    wholes = [str(row.wholes[order]) if row.wholes else "" for order in ORDERS[:2]]
    return [*head, f"{row.word:04X}", str(row.word), str(signed), escape(text), *floats, *wholes]


def _plausible(number: float) -> str:
    if number == 0:
        return "0"
    if not (math.isfinite(number) and _SANE[0] <= abs(number) <= _SANE[1]):
        return ""
    if abs(number) >= 1e6:
        return f"{number:.0f}"
    return f"{number:.6g}" if abs(number) >= 0.01 else f"{number:.3g}"
