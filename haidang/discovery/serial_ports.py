"""`haidang scan serial`: listens on every port at every usual speed until something makes sense."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import serialx
from rich.console import Console

from gateways.links import open_link, parse_link
from haidang.discovery.hearing import Guess, describe, guess
from haidang.discovery.waiting import progress
from telemetry import LinkError

MOST_HEARD = 8_192  # bytes of one port at one speed


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port of this machine. name: what its adapter calls itself."""

    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Listened:
    """One port at one speed. guess: what it is, None where nothing was recognised; heard: in words."""

    port: Port
    baudrate: int
    guess: Guess | None
    heard: str

    @property
    def link(self) -> str:
        """The link for haidang.toml."""
        return f"serial://{self.port.path}?baudrate={self.baudrate}"


async def scan_ports(
    paths: Sequence[str], baudrates: Sequence[int], seconds: float, out: Console, err: Console
) -> bool:
    """Listens on these ports, or on all there are, and prints what speaks on each.

    A port is its path or a serial link. True when something was recognised. Raises LinkError.
    """
    wanted = [Port(_path(path)) for path in paths] or await ports()
    known = False
    if not wanted:
        raise LinkError("this machine has no serial port: is the adapter plugged in, and its driver loaded?")
    with progress(out, err) as bar:
        task = bar.add_task("", total=len(wanted) * len(baudrates))
        for number, port in enumerate(wanted):
            found: list[Listened] = []
            async for one in listen(port, baudrates, seconds):
                found.append(one)
                bar.update(task, advance=1, description=f"{port.path} at {one.baudrate}")
            bar.update(task, completed=(number + 1) * len(baudrates))
            _tell(port, found, out)
            known = known or any(one.guess for one in found)
    return known


def _path(text: str) -> str:
    """The port of `/dev/ttyUSB0` or `serial:///dev/ttyUSB0?baudrate=9600`."""
    return text.removeprefix("serial:").removeprefix("//").partition("?")[0]


def _tell(port: Port, found: Sequence[Listened], out: Console) -> None:
    known = [one for one in found if one.guess is not None]
    best = max(known, key=lambda one: one.guess.frames if one.guess else 0, default=None)
    name = f"{port.path} {port.name}".rstrip()
    if best is None or best.guess is None:
        out.print(f"{name}: {_unknown(found)}", soft_wrap=True)
        return
    doubt = "" if best.guess.certain else "perhaps "
    out.print(f"{name}: {doubt}{best.guess.protocol} at {best.baudrate} baud: {best.heard}", soft_wrap=True)
    for profile in best.guess.profiles[:1]:
        out.print(f"  haidang read '{best.link}' --profile {profile}", soft_wrap=True)


def _unknown(found: Sequence[Listened]) -> str:
    """What was heard where nothing was recognised: the longest, or why the port does not open."""
    heard = [one.heard for one in found if one.heard != "silence"]
    if heard:
        return max(heard, key=len)
    return (
        "silent at every speed; what answers only when asked is found by haidang scan modbus, "
        "a camera by haidang read with its --profile"
    )


async def ports() -> list[Port]:
    """The serial ports of this machine, adapters before ports that are soldered in."""
    found = await asyncio.to_thread(serialx.list_serial_ports)
    named = [Port(one.device, one.product or one.manufacturer or "") for one in found]
    return sorted(named, key=lambda port: (not port.name, port.path))


async def listen(port: Port, baudrates: Sequence[int], seconds: float) -> AsyncIterator[Listened]:
    """Each speed for so long; ends at the first that is certain, or where the port cannot be opened."""
    for baudrate in baudrates:
        try:
            heard = await _hear(f"serial://{port.path}?baudrate={baudrate}", seconds)
        except LinkError as error:
            yield Listened(port, baudrate, None, str(error))
            return
        found = guess(heard)
        yield Listened(port, baudrate, found, found.evidence if found else describe(heard))
        if found is not None and found.certain:
            return


async def _hear(link: str, seconds: float) -> bytes:
    """What comes within so many seconds, at most MOST_HEARD bytes; ends early on a certain guess."""
    heard = b""
    until = time.monotonic() + seconds
    async with open_link(parse_link(link)) as pipe:
        while len(heard) < MOST_HEARD:
            chunk = await pipe.read(until)
            if chunk is None:
                break
            heard += chunk[0]
            found = guess(heard)
            if found is not None and found.certain:
                break
    return heard
