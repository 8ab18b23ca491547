"""Links to ONVIF cameras: whole messages instead of bytes (drivers/onvif/messages.py)."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from gateways.links.contract import Home, Receiver
from gateways.links.urls import host_of, settings_in, shown, split
from telemetry import ConfigurationError, LinkError

REFUSED_PAUSE = 300.0
"""Seconds for which a camera that refused our user is left alone: many lock an account after some tries."""
_EXAMPLE = "onvif://user:password@192.168.1.64:80"
_PORTS = {"onvif": 80, "onvifs": 443}
_MOST_REFUSALS = 1000

_refused: "dict[OnvifAddress, tuple[float, str]]" = {}
"""When each camera that refused us may be asked again (monotonic seconds), and what it said."""


@dataclass(frozen=True, slots=True)
class OnvifAddress:
    """`onvif://user:password@host:port/path?profile=token`; `onvifs:` is the same over TLS.

    path: of the device service; empty for the usual one. verify: whether a certificate must be one that
    this machine trusts.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    path: str = ""
    profile: str = ""
    tls: bool = False
    verify: bool = True
    exclusive = ""

    @asynccontextmanager
    async def open(self, receiver: Receiver, home: Home) -> AsyncGenerator[None]:
        """The camera has said what it has when the block begins. Raises LinkError."""
        self._check_pause()
        soap: Any = import_module("gateways.onvif.soap")  # late: it is heavy, and few gateways need it
        conversation: Any = import_module("gateways.onvif.conversation")
        account = soap.Account(self.root, self.user, self.password)
        path = self.path or import_module("gateways.onvif.camera").DEVICE_SERVICE
        try:
            async with conversation.converse(
                account, receiver, profile=self.profile, path=path, verify=self.verify
            ):
                _refused.pop(self, None)
                yield
        except soap.SoapError as error:
            if error.reason == "unauthorized":
                self._pause(str(error))
            raise

    @property
    def root(self) -> str:
        """Scheme, host and port of the camera's HTTP server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def _pause(self, told: str) -> None:
        while len(_refused) >= _MOST_REFUSALS:
            _refused.pop(next(iter(_refused)))
        _refused[self] = time.monotonic() + REFUSED_PAUSE, told

    def _check_pause(self) -> None:
        until, told = _refused.get(self, (0.0, ""))
        if (left := until - time.monotonic()) > 0:
            raise LinkError(f"{told}; asked again in {left:.0f} s, lest the camera lock the account")


def parse_onvif(url: str) -> OnvifAddress:
    """Raises ConfigurationError, in whose text no password stands."""
    parts = split(url)
    host = host_of(url, parts, _EXAMPLE)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise ConfigurationError(f"{shown(url)!r}: the port is a number from 1 to 65535") from error
    if parts.fragment:
        raise ConfigurationError(f"{shown(url)!r}: write a # in a password as %23, like in {_EXAMPLE}")
    settings = settings_in(url, parts, "profile", "verify")
    if (verify := settings.get("verify", "yes")) not in {"yes", "no"}:
        raise ConfigurationError(f"{shown(url)!r}: verify is yes or no")
    return OnvifAddress(
        host,
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        "" if parts.path == "/" else parts.path,
        settings.get("profile", ""),
        tls=parts.scheme == "onvifs",
        verify=verify == "yes",
    )
