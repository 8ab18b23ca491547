"""Single questions to Modbus units, for scanning and exploring: one at a time, each with its own answer."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

from drivers.modbus.ascii import LONGEST, unwrap_ascii, wrap_ascii
from drivers.modbus.frames import (
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    RefusalError,
    Request,
    crc_holds,
    wrap_mbap,
    wrap_rtu,
)
from drivers.modbus.identity import IdentityRequest, decode_identity, encode_identity_request
from drivers.modbus.line import Line, line_of
from drivers.modbus.replies import Answer, Framing, ReplyFinder, lay_out
from gateways.links import Conversation, open_link, parse_link
from telemetry import Device

QUIET = 0.02  # seconds without a byte after which the line is free
GATEWAY_CODES = (10, 11)
"""Exceptions by which a converter says that nobody is behind it (V1.1b3 §7)."""


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """Where units are. patience: seconds each question waits for its answer."""

    link: str
    patience: float


class ModbusWire:
    """A link with units on it, asked one question at a time."""

    def __init__(self, link: Conversation, line: Line, patience: float) -> None:
        self._link, self._line, self._patience = link, line, patience
        self._framing: Framing = line.framing
        self._settled = False
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
                    self._settled = True
                    return found
        return None

    async def answers(self, unit: int) -> bool:
        """Whether somebody answers at this address, with data or by refusing."""
        for function in (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS):
            answer = await self.ask(unit, Request(function, 0))
            if answer is not None:
                return answer.code not in GATEWAY_CODES
        return False

    async def identify(self, unit: int) -> Mapping[int, str]:
        """What the unit says of itself (function 43/14), empty where it does not. Raises LinkError."""
        await self._fall_quiet()
        pdu = encode_identity_request(IdentityRequest())
        self._link.write(_WRAPS[self._framing](unit, pdu))
        until = time.monotonic() + self._patience
        heard = b""
        while (chunk := await self._link.read(until)) is not None and len(heard) < LONGEST:
            heard += chunk[0]
            body = _UNWRAPS[self._framing](heard)
            if body is not None and body[:1] == bytes((unit,)):
                return _objects(body[1:])
        return {}

    async def _fall_quiet(self) -> None:
        """The silence between two frames; after an unanswered question, until late answers have passed."""
        if self._settled:
            await asyncio.sleep(self._line.gap)
            self._settled = False
            return
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            if await self._link.read(time.monotonic() + QUIET) is None:
                return


def _objects(pdu: bytes) -> Mapping[int, str]:
    try:
        return decode_identity(pdu).objects
    except RefusalError:  # most devices know no function 43
        return {}


def _rtu_body(heard: bytes) -> bytes | None:
    return heard[:-2] if len(heard) >= 5 and crc_holds(heard) else None


_WRAPS: Mapping[Framing, Callable[[int, bytes], bytes]] = {
    "rtu": wrap_rtu,
    "tcp": lambda unit, pdu: wrap_mbap(0, unit, pdu),
    "ascii": wrap_ascii,
}
_UNWRAPS: Mapping[Framing, Callable[[bytes], bytes | None]] = {
    "rtu": _rtu_body,
    "tcp": lambda heard: heard[6:] if len(heard) > 7 and len(heard) == 6 + heard[5] else None,
    "ascii": unwrap_ascii,
}
"""A frame's unit and PDU, None while it is not whole."""


@asynccontextmanager
async def modbus_wire(address: ModbusAddress) -> AsyncGenerator[ModbusWire]:
    """The wire, open as long as the block runs. Raises ConfigurationError, LinkError."""
    parsed = parse_link(address.link)
    line = line_of(Device(id="terminal", profile="modbus", link=address.link))
    async with open_link(parsed) as pipe:
        yield ModbusWire(pipe, line, address.patience)
