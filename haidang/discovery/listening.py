"""`haidang listen`: what a wire says, decoded as it comes, or as bytes where no model is named."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence

from rich.console import Console

from broker.session import BrokerAddress
from broker.wire import DeviceStatus
from drivers.catalogue import Catalogue
from drivers.contract import RETAINED
from gateways.links import Conversation, open_link, parse_link
from haidang.discovery.conversing import conversation
from haidang.discovery.hearing import guess
from haidang.discovery.values import clock, harmless, line
from telemetry import Device, Reading

LOOK_EVERY = 1.0  # seconds between two looks at what went wrong
REMEMBERED = 4_096  # bytes a guess is made from
SHOWN = 64  # bytes of a chunk
QUIET = 0.05  # seconds without a byte after which a burst is shown
LONGEST_BURST = 1.0  # seconds
_TEXTUAL = 0.8  # of the bytes of a text are printable
_CONTROL = re.compile(rb"[^\t\x20-\x7e]")
_STREAMS = ("serial:", "rfc2217:", "tcp:")
"""Links that deliver a message in pieces, as they come; others keep messages whole."""


async def listen_decoded(
    device: Device, catalogue: Catalogue, broker: BrokerAddress | None, out: Console
) -> None:
    """Prints every reading and every new kind of fault until cancelled."""
    profile = catalogue.profile(device.profile)

    def sink(readings: Sequence[Reading]) -> None:
        for reading in readings:
            out.print(line(reading, profile), soft_wrap=True)

    async with conversation(device, catalogue, broker, sink) as status:
        await _tell_troubles(status, out)


async def _tell_troubles(status: Callable[[], DeviceStatus], out: Console) -> None:
    told: tuple[str, str] = ("", "")
    while True:
        now = status()
        trouble = (now.state, now.last_fault or now.detail)
        if trouble != told and trouble[1]:
            recovered = now.state == "ok" and trouble[1] == told[1]
            said = "ok again" if recovered else f"{now.state}: {trouble[1]}"
            out.print(f"{clock(time.time_ns())}  ! {said}", soft_wrap=True)
        told = trouble
        await asyncio.sleep(LOOK_EVERY)


async def listen_raw(link: str, broker: BrokerAddress | None, out: Console, err: Console) -> None:
    """Prints the bytes as they come, and what they seem to be, until cancelled. Raises LinkError."""
    heard, told = b"", ""
    async with open_link(parse_link(link), broker, "terminal") as pipe:
        err.print("listening; Ctrl-C ends")
        while True:
            content, origin = await _burst(pipe, whole=not link.startswith(_STREAMS))
            out.print(_shown(content, origin), soft_wrap=True)
            heard = (heard + content)[-REMEMBERED:]
            found = guess(heard)
            if found is not None and found.protocol != told:
                told = found.protocol
                models = f"; try --profile {' or '.join(found.profiles)}" if found.profiles else ""
                out.print(f"  → this looks like {found.protocol} ({found.evidence}){models}", soft_wrap=True)


async def _burst(pipe: Conversation, *, whole: bool) -> tuple[bytes, str]:
    """What comes together: a line of text, or bytes up to a silence. whole: each chunk is a message."""
    content, origin = b"", ""
    until: float | None = None
    ends = time.monotonic()
    while chunk := await pipe.read(until):
        now = time.monotonic()
        ends = ends if content else now + LONGEST_BURST
        content, origin = content + chunk[0], chunk[1]
        if whole or content.endswith(b"\n") or len(content) > SHOWN or now >= ends:
            break
        until = now + QUIET
    return content, origin


def _shown(content: bytes, origin: str) -> str:
    """A chunk as text where it is text, else in hexadecimal."""
    said_by = harmless(f"retained {origin[1:]}" if origin.startswith(RETAINED) else origin)
    head = f"{clock(time.time_ns())}  {said_by + '  ' if said_by else ''}"
    text = content.rstrip(b"\r\n")
    if sum(32 <= byte < 127 for byte in text) > _TEXTUAL * len(text):
        lines = [
            _CONTROL.sub(lambda found: f"\\x{found[0][0]:02x}".encode(), line) for line in text.splitlines()
        ]
        return head + ("\n" + " " * 12).join(line.decode("ascii") for line in lines)
    more = f" … {len(content)} bytes" if len(content) > SHOWN else ""
    return head + content[:SHOWN].hex(" ").upper() + more
