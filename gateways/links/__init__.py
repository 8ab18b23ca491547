"""Links by URL: reads the URL, and opens the byte pipe it names (docs/links.md).

A gateway's pump is told what happens on a link (`LinkAddress.open` with a Receiver). Whoever wants to ask
something once, without a pump, converses with it:

    async with open_link(parse_link("tcp://192.168.1.20:502")) as link:
        link.write(request)
        chunk = await link.read(time.monotonic() + 1)

A new scheme is an address with `open` and a function that reads its URL, in a file of its own, and one
entry in SCHEMES.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

from broker.session import BrokerAddress
from gateways.links.contract import Home, LinkAddress
from gateways.links.conversation import Conversation
from gateways.links.file import parse_file
from gateways.links.mqtt import parse_mqtt
from gateways.links.serial import parse_rfc2217, parse_serial
from gateways.links.tcp import parse_tcp, parse_tcp_listen
from gateways.links.udp import parse_udp, parse_udp_listen
from gateways.links.urls import shown
from gateways.onvif.link import parse_onvif
from telemetry import ConfigurationError

__all__ = ["Conversation", "LinkAddress", "open_link", "parse_link", "shown"]

SCHEMES: Mapping[str, Callable[[str], LinkAddress]] = {
    "tcp": parse_tcp,
    "tcp-listen": parse_tcp_listen,
    "udp": parse_udp,
    "udp-listen": parse_udp_listen,
    "serial": parse_serial,
    "rfc2217": parse_rfc2217,
    "file": parse_file,
    "mqtt": parse_mqtt,
    "mqtts": parse_mqtt,
    "onvif": parse_onvif,
    "onvifs": parse_onvif,
}
"""What a link's URL may begin with, and who reads it."""


def parse_link(url: str) -> LinkAddress:
    """The address in a link's URL. Raises ConfigurationError that says what is wrong and how to write it."""
    scheme, colon, _ = url.partition(":")
    parse = SCHEMES.get(scheme) if colon else None
    if parse is None:
        known = ", ".join(f"{name}:" for name in SCHEMES)
        raise ConfigurationError(f"{shown(url)!r} is no link: begin it with one of {known}")
    return parse(url)


@asynccontextmanager
async def open_link(
    address: LinkAddress, platform: BrokerAddress | None = None, owner: str = "haidang"
) -> AsyncGenerator[Conversation]:
    """A link to converse with directly, open as long as the block runs.

    platform: the broker of `mqtt:` links. owner: part of our client id there. Raises LinkError when the
    link cannot be opened.
    """
    conversation = Conversation()
    async with address.open(conversation, Home(platform, owner)):
        yield conversation
