"""Finds ONVIF cameras on the local network by WS-Discovery: a question to a group, and who answers."""

import asyncio
import socket
import struct
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from drivers.onvif.discovery import GROUP, PORT, TYPES, Match, encode_probe, read_matches
from drivers.onvif.xml import XmlError
from telemetry import LinkError

ASKED_AGAIN = (0.0, 0.5, 1.5)
"""Seconds after which the question is put (again): UDP loses some, cameras answer after a random while."""
MOST_CAMERAS = 1000
_MOST_WAITING = 256


@dataclass(frozen=True, slots=True)
class Found:
    """A camera that answered.

    address: the IP address that answered. name, hardware: as the camera calls itself. scopes: all it says
    of itself. link: to write into the configuration once `user:password@` was put in.
    """

    address: str
    name: str
    hardware: str
    scopes: tuple[str, ...]
    link: str


async def find_cameras(
    seconds: float = 4.0, interface: str = "", group: tuple[str, int] = (GROUP, PORT)
) -> list[Found]:
    """All cameras that answer within these seconds, by address. Arguments and errors as watch_cameras."""
    return sorted(
        [found async for found in watch_cameras(seconds, interface, group)], key=lambda one: one.address
    )


async def watch_cameras(
    seconds: float = 4.0, interface: str = "", group: tuple[str, int] = (GROUP, PORT)
) -> AsyncGenerator[Found]:
    """Each camera once, as it answers.

    interface: the IPv4 address or the name of the network card to ask on; empty leaves it to the system.
    group: where the question goes. Raises LinkError when there is no such interface or it cannot be used.
    """
    deadline = time.monotonic() + seconds
    seen: set[str] = set()
    async with _socket(interface) as answers:
        for again, until in zip(ASKED_AGAIN, (*ASKED_AGAIN[1:], seconds), strict=True):
            if again < seconds:
                answers.ask(group)
            async for sender, match in answers.until(min(deadline, deadline - seconds + until)):
                found = _found(sender, match)
                if found.link not in seen and len(seen) < MOST_CAMERAS:
                    seen.add(found.link)
                    yield found


class _Answers(asyncio.DatagramProtocol):
    """What came in and was not looked at yet; more than _MOST_WAITING are dropped."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_MOST_WAITING)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the socket is ours."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """asyncio: somebody answered, or pretends to."""
        if not self._waiting.full():
            self._waiting.put_nowait((addr[0], data))

    def ask(self, group: tuple[str, int]) -> None:
        """One Probe for each type an ONVIF device may call itself."""
        for kind in TYPES:
            if self._transport is not None:
                self._transport.sendto(encode_probe(f"urn:uuid:{uuid.uuid4()}", kind), group)

    async def until(self, deadline: float) -> AsyncGenerator[tuple[str, Match]]:
        """The answers that come before this monotonic second; what is none is passed over."""
        while (left := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    sender, datagram = await self._waiting.get()
            except TimeoutError:
                return
            try:
                matches = read_matches(datagram)
            except XmlError:
                continue
            for match in matches:
                yield sender, match


@asynccontextmanager
async def _socket(interface: str) -> AsyncGenerator[_Answers]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        if interface:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _request(interface))
        sock.bind(("", 0))
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, answers = await loop.create_datagram_endpoint(_Answers, sock=sock)
    except OSError as error:
        sock.close()
        where = f"the interface {interface}" if interface else "this machine's network"
        raise LinkError(
            f"cannot look for cameras on {where}: {error}; name an interface or its address"
        ) from error
    try:
        yield answers
    finally:
        transport.abort()


def _request(interface: str) -> bytes:
    """An ip_mreqn: group, address, index of the interface. Raises OSError for one that is not there."""
    nowhere = socket.inet_aton("0.0.0.0")  # noqa: S104 - no address, not a listening one
    try:
        address = ip_address(interface).packed
    except ValueError:
        return struct.pack("@4s4si", nowhere, nowhere, socket.if_nametoindex(interface))
    if len(address) != 4:
        raise OSError("WS-Discovery is asked over IPv4 here")
    return struct.pack("@4s4si", nowhere, address, 0)


def _found(sender: str, match: Match) -> Found:
    return Found(sender, match.scope("name"), match.scope("hardware"), match.scopes, _link(sender, match))


def _link(sender: str, match: Match) -> str:
    """The link to the host that answered: nobody is sent elsewhere by what a datagram says."""
    for address in match.addresses:
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            continue
        if parts.hostname == sender:
            tls = parts.scheme == "https"
            return f"onvif{'s' if tls else ''}://{sender}:{port or (443 if tls else 80)}"
    return f"onvif://{sender}:80"
