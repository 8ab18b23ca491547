"""`haidang registers`: reads a range of a unit, around what the unit refuses."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console

from drivers.modbus.frames import Request, unpack_bits
from drivers.modbus.plan import FUNCTIONS
from drivers.modbus.replies import Answer
from drivers.modbus.values import BIT_TABLES, Table
from haidang.discovery.modbus_wire import GATEWAY_CODES, ModbusAddress, ModbusWire, modbus_wire
from haidang.discovery.registers import bits, csv, legend, refusals, rows, sheet
from haidang.discovery.waiting import progress
from telemetry import LinkError

AT_ONCE = 60  # registers or bits of one request
TRIES = 2
WIDE = 110  # columns of a terminal that has room for everything


@dataclass(slots=True)
class Explored:
    """What stands in a range: 0-based wire address → register or bit, and where the unit refused."""

    found: dict[int, int] = field(default_factory=dict[int, int])
    refused: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def count(self) -> int:
        """How many addresses are settled."""
        return len(self.found) + len(self.refused)


@dataclass(frozen=True, slots=True)
class Range:
    """Which addresses of which unit; 0-based as on the wire."""

    unit: int
    table: Table
    addresses: range


async def read_range(
    address: ModbusAddress, wanted: Range, explored: Explored, out: Console, err: Console
) -> None:
    """Reads it into `explored` with a progress bar. Raises ConfigurationError, LinkError."""
    async with modbus_wire(address) as wire:
        with progress(out, err) as bar:
            task = bar.add_task(f"unit {wanted.unit}", total=len(wanted.addresses))
            await explore(wire, wanted, explored, lambda done: bar.update(task, completed=done))


def tell(wanted: Range, explored: Explored, out: Console, *, as_csv: bool = False) -> None:
    """Prints what was read, if anything was: as a table, or as lines for a spreadsheet."""
    if not explored.count:
        return
    if as_csv:
        for line in csv(wanted.table, rows(explored.found, explored.refused)):
            out.print(line, soft_wrap=True)
        return
    if not explored.found:
        out.print(f"unit {wanted.unit} has none of these {wanted.table} addresses")
    elif wanted.table in BIT_TABLES:
        out.print(bits(wanted.table, explored.found))
    else:
        out.print(sheet(wanted.table, rows(explored.found, {}), wide=out.width >= WIDE))
        out.print(legend(wanted.table), soft_wrap=True)
    for line in refusals(explored.refused):
        out.print(f"refused {line}")


async def explore(
    wire: ModbusWire, wanted: Range, explored: Explored, settled: Callable[[int], None]
) -> None:
    """Reads the range; halves what is refused until single addresses are left.

    explored: takes every answer at once, so that it holds what was read also when this ends early.
    settled: told how many addresses are done. Raises LinkError when the unit does not answer.
    """
    stop = wanted.addresses.stop
    spans = [(start, min(AT_ONCE, stop - start)) for start in wanted.addresses[::AT_ONCE]]
    spans.reverse()
    while spans:
        start, size = spans.pop()
        answer = await _insist(wire, wanted.unit, Request(FUNCTIONS[wanted.table], start, size))
        if not answer.code:
            explored.found |= dict(enumerate(_cells(wanted.table, answer.body, size), start))
        elif size == 1:
            explored.refused[start] = answer.refusal
        else:
            half = size // 2
            spans += [(start + half, size - half), (start, half)]
        settled(explored.count)


async def _insist(wire: ModbusWire, unit: int, request: Request) -> Answer:
    for _ in range(TRIES):
        answer = await wire.ask(unit, request)
        if answer is not None and answer.code not in GATEWAY_CODES:
            return answer
    raise LinkError(
        f"unit {unit} does not answer: check its address, the line's speed and parity, and A and B; "
        "`haidang scan modbus` tries every address"
    )


def _cells(table: Table, body: bytes, count: int) -> tuple[int, ...]:
    if table in BIT_TABLES:
        return tuple(map(int, unpack_bits(body, count)))
    return struct.unpack(f">{count}H", body)
