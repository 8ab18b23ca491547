"""Single questions to Modbus units, for scanning and exploring: one at a time, each with its own answer."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import cast
from urllib.parse import parse_qs, urlsplit

from drivers.modbus_frames import READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS, Request
from drivers.modbus_replies import Answer, Framing, ReplyFinder, lay_out
from gateways.links import Conversation, open_link, parse_link

QUIET = 0.02  # seconds without a byte after which the line is free
_GATEWAY_CODES = (10, 11)
"""Exceptions by which a converter says that nobody is behind it (V1.1b3 §7)."""


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """Where units are. patience: seconds each question waits for its answer."""

    link: str
    patience: float


class ModbusWire:
    """A link with units on it, asked one question at a time."""

    def __init__(self, link: Conversation, framing: Framing, patience: float) -> None:
        self._link, self._framing, self._patience = link, framing, patience
        self._finder = ReplyFinder()
        self._transactions = count(1)

    async def ask(self, unit: int, request: Request) -> Answer | None:
        """The answer, which may be an exception; None without one. Raises LinkError."""
        await self._fall_quiet()
        exchange = lay_out(request, unit, self._framing)
        number = next(self._transactions) & 0xFFFF
        transaction = number.to_bytes(2) if self._framing == "tcp" else b""
        self._finder.expect(exchange, transaction)
        self._link.write(transaction + exchange.frame)
        until = time.monotonic() + self._patience
        while (chunk := await self._link.read(until)) is not None:
            for found in self._finder.feed(chunk[0]):
                if isinstance(found, Answer):
                    return found
        return None

    async def answers(self, unit: int) -> bool:
        """Whether somebody answers at this address, with data or by refusing."""
        for function in (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS):
            answer = await self.ask(unit, Request(function, 0))
            if answer is not None:
                return answer.code not in _GATEWAY_CODES
        return False

    async def _fall_quiet(self) -> None:
        """Late answers to earlier questions are read and dropped."""
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            if await self._link.read(time.monotonic() + QUIET) is None:
                return


@asynccontextmanager
async def modbus_wire(address: ModbusAddress) -> AsyncGenerator[ModbusWire]:
    """The wire, open as long as the block runs. Raises ConfigurationError, LinkError."""
    framing = framing_of(address.link)
    async with open_link(parse_link(address.link)) as pipe:
        yield ModbusWire(pipe, framing, address.patience)


def framing_of(link: str) -> Framing:
    """As the driver takes the link."""
    parts = urlsplit(link)
    said = parse_qs(parts.query).get("framing", [""])[0]
    if said in ("rtu", "tcp", "ascii"):
        return cast("Framing", said)
    return "rtu" if parts.scheme in ("serial", "rfc2217") else "tcp"
