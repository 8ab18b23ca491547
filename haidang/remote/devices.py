"""The devices of a running platform, through its API: adds, lists, removes them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from drivers.catalogue import Catalogue
from haidang.discovery.values import age, harmless, sheet
from haidang.remote.calling import CallError, Calls
from telemetry import ConfigurationError, Value

LOOK_EVERY = 0.25  # seconds
PAGE = 1_000
WIDE = 110  # columns of a terminal that has room for links too


class Fares(msgspec.Struct):
    """A device as the API shows it, as far as the terminal does."""

    id: str
    gateway: str
    profile: str
    link: str
    unit_id: int
    state: str
    detail: str = ""
    last_fault: str = ""
    last_reading_at: str | None = None

    @property
    def trouble(self) -> str:
        """What is wrong now; empty for a device that is well, whatever once happened to it."""
        return harmless("" if self.state == "ok" else self.detail or self.last_fault)


class Latest(msgspec.Struct):
    """The newest values of a device."""

    values: Mapping[str, Value]


class _Gateway(msgspec.Struct):
    id: str


class _Gateways(msgspec.Struct):
    items: Sequence[_Gateway]


class _Devices(msgspec.Struct):
    items: Sequence[Fares]
    next: str | None


async def add(
    calls: Calls, device: Mapping[str, Any], catalogue: Catalogue, wait: float, out: Console
) -> Fares:
    """Adds the device, waits so many seconds for its first values and prints them. Raises CallError.

    catalogue: names the values; those of a model that only the centre knows stand there without.
    """
    gateway = device.get("gateway") or await _only_gateway(calls)
    added = await calls.post("/devices", {**device, "gateway": gateway}, Fares)
    out.print(f"{added.id} is added to gateway {added.gateway}; waiting for its first values …")
    fares = await _settled(calls, added.id, wait)
    if fares.state == "ok" and (values := await _latest(calls, added.id)):
        out.print(sheet(values, catalogue.profiles.get(fares.profile)))
    out.print(f"{fares.id}: {fares.state}{f': {fares.trouble}' if fares.trouble else ''}", soft_wrap=True)
    if fares.state not in ("ok", "refused"):
        out.print(f"it stays, and is tried again; haidang remove {fares.id} takes it away", soft_wrap=True)
    return fares


async def remove(calls: Calls, device: str) -> None:
    """Raises CallError, also for a device that stands in a file."""
    await calls.delete(f"/devices/{quote(device, safe='')}")


async def devices(calls: Calls) -> Sequence[Fares]:
    """All devices the platform knows. Raises CallError."""
    found: list[Fares] = []
    cursor = ""
    while True:
        page = await calls.get(f"/devices?limit={PAGE}{cursor}", _Devices)
        found += page.items
        if page.next is None:
            return found
        cursor = f"&cursor={quote(page.next, safe='')}"


def show(found: Sequence[Fares], out: Console) -> None:
    """On a terminal: a line for each device, then what is wrong with those that need someone."""
    names = ["device", "gateway", "model", "state", "last"]
    if wide := out.width >= WIDE:
        names += ["unit", "link"]
    shown = Table(*(Column(name, no_wrap=True) for name in names), box=None, padding=(0, 2, 0, 0))
    now = time.time_ns()
    for one in found:
        cells = [one.id, one.gateway, one.profile, one.state, age(one.last_reading_at, now)]
        cells += [str(one.unit_id), escape(one.link)] if wide else []
        shown.add_row(*cells, style="" if one.state == "ok" else "yellow")
    out.print(shown)
    for one in found:
        if one.trouble:
            out.print(f"{one.id}: {one.state}: {one.trouble}", soft_wrap=True)


async def _only_gateway(calls: Calls) -> str:
    gateways = (await calls.get("/gateways", _Gateways)).items
    if len(gateways) == 1:
        return gateways[0].id
    names = ", ".join(gateway.id for gateway in gateways[:20])
    raise ConfigurationError(
        f"which gateway is to read it? Say --gateway, one of: {names}"
        if names
        else "the platform has no gateway yet: put one into haidang.toml, or POST /api/v1/gateways"
    )


async def _settled(calls: Calls, device: str, wait: float) -> Fares:
    """The device once it says values, or once the time is up."""
    until = time.monotonic() + wait
    while True:
        fares = await calls.get(f"/devices/{device}", Fares)
        done = fares.state == "refused" or (fares.state == "ok" and await _latest(calls, device))
        if done or time.monotonic() > until:
            return fares
        await asyncio.sleep(LOOK_EVERY)


async def _latest(calls: Calls, device: str) -> Mapping[str, Value]:
    try:
        return (await calls.get(f"/devices/{device}/latest", Latest)).values
    except CallError as error:
        if error.status == 404:  # nothing heard yet
            return {}
        raise
