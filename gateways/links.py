"""Links by URL: reads the URL, and opens the byte pipe it names (docs/links.md)."""

import re
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from broker.session import BrokerAddress
from gateways.inbox import Link
from gateways.link_file import SENSIBLE_RATE, FileAddress, open_file
from gateways.link_mqtt import MqttAddress, open_mqtt
from gateways.link_serial import Line, Rfc2217Address, SerialAddress, open_serial
from gateways.link_sockets import (
    TcpAddress,
    TcpListenAddress,
    UdpListenAddress,
    open_tcp,
    open_tcp_listen,
    open_udp_listen,
)
from telemetry import ConfigurationError
from telemetry.topics import check_filter

__all__ = ["Link", "LinkAddress", "open_link", "parse_link", "shown"]

LinkAddress = (
    TcpAddress
    | TcpListenAddress
    | UdpListenAddress
    | SerialAddress
    | Rfc2217Address
    | MqttAddress
    | FileAddress
)
"""Equal addresses are one link, shared by all devices that name it."""

DRIVERS_KEYS = frozenset({"framing"})
"""Query keys that are the drivers' business; they do not make another link."""

_LINE_KEYS = frozenset({"baudrate", "parity", "bytesize", "stopbits"})
_PASSWORD = re.compile(r"(//[^/@:]*):(?:[^/]*|(?!\d+/).*)@", re.DOTALL)


def parse_link(url: str) -> LinkAddress:
    """The address in a link's URL. Raises ConfigurationError that says what is wrong and how to write it."""
    scheme, colon, rest = url.partition(":")
    if scheme in {"mqtt", "mqtts"} and colon:
        return _mqtt(url, scheme, rest)
    parse = _SCHEMES.get(scheme) if colon else None
    if parse is None:
        known = ", ".join(f"{name}:" for name in (*_SCHEMES, "mqtt"))
        raise ConfigurationError(f"{shown(url)!r} is no link: begin it with one of {known}")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"{shown(url)!r} is not a URL: {error}") from error
    return parse(url, parts)


def shown(url: str) -> str:
    """The URL as people and logs may see it: without its password."""
    return _PASSWORD.sub(r"\1:***@", url)


def _tcp(url: str, parts: SplitResult) -> TcpAddress:
    _settings(url, parts)
    return TcpAddress(_host(url, parts, "tcp://192.168.1.20:502"), _port(url, parts))


def _tcp_listen(url: str, parts: SplitResult) -> TcpListenAddress:
    _settings(url, parts)
    return TcpListenAddress(parts.hostname or "", _port(url, parts))


def _udp_listen(url: str, parts: SplitResult) -> UdpListenAddress:
    _settings(url, parts)
    return UdpListenAddress(parts.hostname or "", _port(url, parts))


def _serial(url: str, parts: SplitResult) -> SerialAddress:
    if parts.netloc or not parts.path.startswith("/") or len(parts.path) < 2:
        raise ConfigurationError(
            f"{shown(url)!r} names no serial port: write three slashes and its path, serial:///dev/ttyUSB0?baudrate=9600"
        )
    return SerialAddress(unquote(parts.path), _line(url, parts))


def _rfc2217(url: str, parts: SplitResult) -> Rfc2217Address:
    host = _host(url, parts, "rfc2217://192.168.1.20:4001?baudrate=9600")
    return Rfc2217Address(host, _port(url, parts), _line(url, parts))


def _file(url: str, parts: SplitResult) -> FileAddress:
    if parts.netloc or not parts.path.startswith("/") or len(parts.path) < 2:
        raise ConfigurationError(
            f"{shown(url)!r} names no file: write three slashes and its path, file:///var/log/quay.nmea?rate=50"
        )
    settings = _settings(url, parts, "rate")
    rate = _number(url, settings, "rate", SENSIBLE_RATE)
    if not 0 < rate <= 1_000_000:
        raise ConfigurationError(f"{shown(url)!r}: rate is lines a second, above 0 and at most 1000000")
    return FileAddress(Path(unquote(parts.path)), rate)


def _mqtt(url: str, scheme: str, rest: str) -> MqttAddress:
    if not rest.startswith("//"):
        if scheme == "mqtts":
            raise ConfigurationError(f"{shown(url)!r}: the platform's broker is mqtt:, with or without TLS")
        return MqttAddress(_topic_filter(url, rest))
    host, _, topic_filter = rest[2:].partition("/")
    broker = BrokerAddress.parse(f"{scheme}://{host}")
    return MqttAddress(_topic_filter(url, topic_filter), broker)


def _topic_filter(url: str, text: str) -> str:
    try:
        return check_filter(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{shown(url)!r}: {error}; write it like mqtt:sensors/+/state, or on another broker "
            "mqtt://user:password@host:1883/sensors/#"
        ) from error


def _host(url: str, parts: SplitResult, example: str) -> str:
    if not parts.hostname:
        raise ConfigurationError(f"{shown(url)!r} names no host: write it like {example}")
    return parts.hostname


def _port(url: str, parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{shown(url)!r}: the port is a number from 1 to 65535") from error
    if not port:
        raise ConfigurationError(
            f"{shown(url)!r} names no port: write it behind a colon, {parts.scheme}://host:10110"
        )
    if parts.path not in {"", "/"} or parts.username is not None or parts.fragment:
        raise ConfigurationError(f"{shown(url)!r}: nothing but a host and a port belongs there")
    return port


def _settings(url: str, parts: SplitResult, *known: str) -> Mapping[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    settings = {key: value for key, value in pairs if key not in DRIVERS_KEYS}
    if unknown := settings.keys() - set(known):
        usable = ", ".join(sorted({*known, *DRIVERS_KEYS}))
        raise ConfigurationError(
            f"{shown(url)!r}: {', '.join(sorted(unknown))} is not known here; there is {usable}"
        )
    if len(pairs) != len(dict(pairs)):
        raise ConfigurationError(f"{shown(url)!r} says a thing twice behind the question mark")
    return settings


def _line(url: str, parts: SplitResult) -> Line:
    settings = _settings(url, parts, *_LINE_KEYS)
    line = Line(
        baudrate=int(_number(url, settings, "baudrate", 9600)),
        parity=settings.get("parity", "N").upper(),
        bytesize=int(_number(url, settings, "bytesize", 8)),
        stopbits=_number(url, settings, "stopbits", 1),
    )
    for wrong, remedy in (
        (not 50 <= line.baudrate <= 4_000_000, "baudrate is bits a second, 50 to 4000000"),
        (line.parity not in {"N", "E", "O", "M", "S"}, "parity is N, E, O, M or S"),
        (line.bytesize not in {5, 6, 7, 8}, "bytesize is 5, 6, 7 or 8"),
        (line.stopbits not in {1.0, 1.5, 2.0}, "stopbits is 1, 1.5 or 2"),
    ):
        if wrong:
            raise ConfigurationError(f"{shown(url)!r}: {remedy}")
    return line


def _number(url: str, settings: Mapping[str, str], key: str, default: float) -> float:
    text = settings.get(key, "")
    if key not in settings:
        return default
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise ConfigurationError(f"{shown(url)!r}: {key} is a number, not {text!r}")
    return float(text)


_SCHEMES: Mapping[str, Callable[[str, SplitResult], LinkAddress]] = {
    "tcp": _tcp,
    "tcp-listen": _tcp_listen,
    "udp-listen": _udp_listen,
    "serial": _serial,
    "rfc2217": _rfc2217,
    "file": _file,
}


@asynccontextmanager
async def open_link(
    address: LinkAddress, platform: BrokerAddress | None = None, owner: str = "haidang"
) -> AsyncGenerator[Link]:
    """The pipe, open as long as the block runs. Raises LinkError when it cannot be opened.

    platform: the broker of `mqtt:` links. owner: the gateway's id, part of our client id there.
    """
    match address:
        case TcpAddress():
            opened = open_tcp(address)
        case TcpListenAddress():
            opened = open_tcp_listen(address)
        case UdpListenAddress():
            opened = open_udp_listen(address)
        case SerialAddress() | Rfc2217Address():
            opened = open_serial(address)
        case MqttAddress():
            client = f"{owner}-link-{zlib.crc32(address.topic_filter.encode()):08x}"
            opened = open_mqtt(address, platform, client)
        case FileAddress():
            opened = open_file(address)
    async with opened as link:
        yield link
