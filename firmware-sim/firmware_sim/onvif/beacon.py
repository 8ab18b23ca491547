"""Answers WS-Discovery probes for simulated ONVIF cameras, as the cameras of a network do."""

import asyncio
import socket
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from drivers.onvif.discovery import GROUP, encode_match, read_probe
from drivers.onvif.xml import XmlError
from firmware_sim.onvif.camera import OnvifCamera


class _Beacon(asyncio.DatagramProtocol):
    def __init__(self, cameras: Sequence[OnvifCamera]) -> None:
        self._cameras = cameras
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            probe = read_probe(data)
        except XmlError:
            return
        if probe is None or self._transport is None:
            return
        wanted = {kind.rpartition(":")[2] for kind in probe.types}
        for match in [camera.match for camera in self._cameras]:
            if wanted <= {kind.rpartition(":")[2] for kind in match.types}:
                self._transport.sendto(encode_match(match, f"urn:uuid:{uuid.uuid4()}", probe.message), addr)


@asynccontextmanager
async def answer_probes(
    cameras: Sequence[OnvifCamera], port: int = 0, interface: str = "127.0.0.1"
) -> AsyncGenerator[int]:
    """The port on which probes to the multicast group, by this interface's address, are answered."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((GROUP, port))
    member = socket.inet_aton(GROUP) + socket.inet_aton(interface)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Beacon(cameras), sock=sock)
    try:
        yield int(sock.getsockname()[1])
    finally:
        transport.abort()
