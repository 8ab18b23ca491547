"""The live table of `haidang up`: devices, last values, readings a second, ships, backlog."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from api.current import Afloat, Current, Heard
from api.live import LiveView
from broker.wire import DeviceStatus
from haidang.incidents import local
from telemetry import Value, parse_utc
from telemetry.times import NANOSECONDS

REFRESH = 1.0  # seconds
QUIET = 30.0  # seconds
SHIPS_SHOWN = 12
SHIPS_AT_LEAST = 5  # however many devices there are
FRAME = 10  # lines of the screen that are neither a device nor a ship
FRAME_OF_ONE = 6  # the same where there is no ship
VALUES_SHOWN = 6


class Rate:
    """Readings a second, from a counter that gateways report every few seconds."""

    def __init__(self) -> None:
        self._count, self._at, self._rate = 0, time.monotonic(), 0.0

    def of(self, count: int) -> float:
        """The rate between the last two reports; 0 once none has come for a while."""
        now = time.monotonic()
        elapsed = now - self._at
        if count != self._count:
            self._rate = max(count - self._count, 0) / max(elapsed, 0.001)
            self._count, self._at = count, now
        return self._rate if elapsed < QUIET else 0.0


async def show(live: LiveView, address: str) -> None:
    """Draws until cancelled."""
    rate = Rate()
    with Live(console=Console(), auto_refresh=False, screen=True) as screen:
        while True:
            accepted = sum(heard.status.accepted for heard in live.current.gateways.values())
            height = screen.console.height
            screen.update(picture(live.current, address, rate.of(accepted), height), refresh=True)
            await asyncio.sleep(REFRESH)


def picture(current: Current, address: str, rate: float, height: int = 50) -> RenderableType:
    """Everything on one screen of so many lines; what does not fit is counted."""
    backlog = sum(heard.status.backlog for heard in current.gateways.values())
    title = Text.assemble(
        ("Hải Đăng ", "bold cyan"),
        f" {local(time.time_ns())}   ",
        (f"{rate:,.0f} readings/s", "bold"),
        f"   {_count(len(current.ships), 'ship', 'ships')}   backlog {_count(backlog, 'batch', 'batches')}\n",
        ("API ", "dim"),
        f"{address}   ",
        ("Ctrl-C stops", "dim"),
        no_wrap=True,
    )
    rows = [
        (gateway, heard, device)
        for gateway, heard in sorted(current.gateways.items())
        for device in heard.status.devices
    ]
    ships = list(current.ships.values())
    if not ships:
        return Group(title, _devices(rows, current, max(1, height - FRAME_OF_ONE)))
    room = max(1, height - FRAME - min(SHIPS_AT_LEAST, len(ships)))
    devices = _devices(rows, current, room)
    return Group(title, devices, _ships(ships, max(1, height - FRAME - min(len(rows), room))))


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _table(*names: str, last: str) -> Table:
    """The last column gives way when the screen is narrow."""
    columns = [Column(name, no_wrap=True) for name in names]
    return Table(*columns, Column(last, ratio=1), box=SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0))


Row = tuple[str, Heard, DeviceStatus]


def _devices(rows: Sequence[Row], current: Current, room: int) -> Table:
    """Where not all fit, those that are not well come first."""
    table = _table("gateway", "device", "state", "readings", "last", last="values")
    shown = rows
    if len(rows) > room:
        shown = sorted(rows, key=lambda row: row[2].state == "ok")[:room]
        table.columns[-1].header = Text(f"values ({len(rows) - room} more devices)", no_wrap=True)
    for row in shown:
        table.add_row(*_device(*row, current))
    return table


def _device(gateway: str, heard: Heard, device: DeviceStatus, current: Current) -> Iterator[Text]:
    latest = current.latest(device.id)
    state = device.state if heard.status.online else "offline"
    yield Text(gateway)
    yield Text(device.id)
    yield Text(state, "green" if state == "ok" else "yellow" if state == "connecting" else "red")
    yield Text(f"{device.readings:,}", justify="right")
    heard_at = max(device.last_reading_at or 0, parse_utc(latest.observed_at) if latest else 0)
    yield Text(_age(heard_at) if heard_at else "–")
    told = device.detail or device.last_fault if device.state != "ok" or latest is None else ""
    if latest is not None and not told:
        told = _values(latest.values)
    yield Text(told, no_wrap=True, overflow="ellipsis")


def _age(at: int) -> str:
    return f"{max(0, (time.time_ns() - at) // NANOSECONDS):,} s"


def _values(values: Mapping[str, Value]) -> str:
    return "  ".join(f"{name} {_number(value)}" for name, value in islice(values.items(), VALUES_SHOWN))


def _number(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ships(ships: Sequence[Afloat], room: int) -> Table:
    table = _table("mmsi", "ship", "position", "kn", "course", "heard", last="to")
    newest = sorted(ships, key=lambda afloat: -afloat.vessel.last_seen)[: min(room, SHIPS_SHOWN)]
    for vessel in (afloat.vessel for afloat in newest):
        has_position = vessel.lat is not None and vessel.lon is not None
        table.add_row(
            str(vessel.mmsi),
            Text(vessel.name or "–"),
            f"{vessel.lat:.4f} {vessel.lon:.4f}" if has_position else "–",
            "–" if vessel.sog is None else f"{vessel.sog:.1f}",
            "–" if vessel.cog is None else f"{vessel.cog:03.0f}°",
            _age(vessel.last_seen),
            Text(vessel.destination or "–", no_wrap=True, overflow="ellipsis"),
        )
    return table
