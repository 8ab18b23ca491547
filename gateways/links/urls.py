"""What the URLs of links have in common: hosts, ports, settings behind the question mark."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, urlsplit

from telemetry import ConfigurationError

DRIVERS_KEYS = frozenset({"framing"})
"""Query keys that are the drivers' business; they do not make another link."""

_PASSWORD = re.compile(r"(//[^/@:]*):(?:[^/]*|(?!\d+/).*)@", re.DOTALL)


def shown(url: str) -> str:
    """The URL as people and logs may see it: without its password."""
    return _PASSWORD.sub(r"\1:***@", url)


def split(url: str) -> SplitResult:
    """The parts of a URL. Raises ConfigurationError."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"{shown(url)!r} is not a URL: {error}") from error


def host_of(url: str, parts: SplitResult, example: str) -> str:
    """The host. Raises ConfigurationError with the example when there is none."""
    if not parts.hostname:
        raise ConfigurationError(f"{shown(url)!r} names no host: write it like {example}")
    return parts.hostname


def port_of(url: str, parts: SplitResult) -> int:
    """The port, with nothing but a host before it. Raises ConfigurationError."""
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


def settings_in(url: str, parts: SplitResult, *known: str) -> Mapping[str, str]:
    """What stands behind the question mark, without the drivers' keys. Raises ConfigurationError."""
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


def number_in(url: str, settings: Mapping[str, str], key: str, default: float) -> float:
    """A setting that is a number, none below 0. Raises ConfigurationError."""
    text = settings.get(key, "")
    if key not in settings:
        return default
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise ConfigurationError(f"{shown(url)!r}: {key} is a number, not {text!r}")
    return float(text)
