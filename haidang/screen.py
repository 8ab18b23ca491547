"""The live table of `haidang up`: devices, last values, readings a second, ships, backlog."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from api.current import Afloat, Current, Heard
from api.live import LiveView
from broker.wire import DeviceStatus
from haidang.incidents import local
from telemetry import Value
from telemetry.times import NANOSECONDS

REFRESH = 1.0  # seconds
QUIET = 30.0  # seconds
SHIPS_SHOWN = 12
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
            screen.update(picture(live.current, address, rate.of(accepted)), refresh=True)
            await asyncio.sleep(REFRESH)


def picture(current: Current, address: str, rate: float) -> RenderableType:
    """Everything on one screen."""
    backlog = sum(heard.status.backlog for heard in current.gateways.values())
    title = Text.assemble(
        ("Hải Đăng ", "bold cyan"),
        f" {local(time.time_ns())}   ",
        (f"{rate:,.0f} readings/s", "bold"),
        f"   {len(current.ships)} ships   backlog {backlog} batches\n",
        ("API ", "dim"),
        f"{address}   ",
        ("Ctrl-C stops", "dim"),
    )
    return Group(title, _devices(current), _ships(list(current.ships.values())))


def _devices(current: Current) -> Table:
    table = Table(
        "gateway", "device", "state", "readings", "last", "values", expand=True, title_justify="left"
    )
    for gateway, heard in sorted(current.gateways.items()):
        for device in heard.status.devices:
            table.add_row(*_device(gateway, heard, device, current))
    return table


def _device(gateway: str, heard: Heard, device: DeviceStatus, current: Current) -> Iterator[Text]:
    latest = current.latest(device.id)
    state = device.state if heard.status.online else "offline"
    yield Text(gateway)
    yield Text(device.id)
    yield Text(state, "green" if state == "ok" else "yellow" if state == "connecting" else "red")
    yield Text(f"{device.readings:,}", justify="right")
    yield Text(local(device.last_reading_at) if device.last_reading_at else "–")
    yield Text(_values(latest.values) if latest else device.detail or device.last_fault)


def _values(values: Mapping[str, Value]) -> str:
    return "  ".join(f"{name} {_number(value)}" for name, value in islice(values.items(), VALUES_SHOWN))


def _number(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ships(ships: Sequence[Afloat]) -> Table:
    table = Table("mmsi", "ship", "position", "kn", "course", "to", "heard", expand=True)
    newest = sorted(ships, key=lambda afloat: -afloat.vessel.last_seen)[:SHIPS_SHOWN]
    for vessel in (afloat.vessel for afloat in newest):
        has_position = vessel.lat is not None and vessel.lon is not None
        age = max(0, (time.time_ns() - vessel.last_seen) // NANOSECONDS)
        table.add_row(
            str(vessel.mmsi),
            Text(vessel.name or "–"),
            f"{vessel.lat:.4f} {vessel.lon:.4f}" if has_position else "–",
            "–" if vessel.sog is None else f"{vessel.sog:.1f}",
            "–" if vessel.cog is None else f"{vessel.cog:03.0f}°",
            Text(vessel.destination or "–"),
            f"{age} s",
        )
    return table
