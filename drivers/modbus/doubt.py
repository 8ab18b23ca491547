"""Whether a unit on a serial line may still owe an answer, and what to ask it to find out.

RTU and ASCII replies name no request, so one that comes late could be taken for the answer to the next.
A unit answers in order: once it has answered a question that could not be confused with those it left
open, nothing older can come any more.
"""

from collections.abc import Sequence

from drivers.modbus.ascii import wrap_ascii
from drivers.modbus.frames import DIAGNOSTICS, EXCEPTION, Request, crc16, wrap_rtu
from drivers.modbus.replies import Exchange, Framing, lay_out

_MUTE_AFTER = 3
"""Echoes in a row that were not heard, after which a unit that says nothing at all is asked as usual."""


class Doubt:
    """The requests of one unit that were sent and not answered.

    planned: the reads that the unit surely knows. settled: nothing is open.
    """

    __slots__ = ("_framing", "_number", "_open", "_planned", "_unheard", "_unit", "settled")

    def __init__(self, unit: int, framing: Framing, planned: Sequence[Exchange]) -> None:
        self._unit, self._planned = unit, planned
        self._framing: Framing = framing
        self._open: list[bytes] = []
        self._number = crc16(bytes((unit,)))
        self._unheard = 0
        self.settled = True

    def left_open(self, exchange: Exchange | None) -> None:
        """This request was not answered in time."""
        if exchange is None or self._framing == "tcp":
            return
        self.settled = False
        if exchange.request.function == DIAGNOSTICS:
            self._unheard += 1
            if self._unheard >= _MUTE_AFTER:
                self.settle()
        elif exchange.answer not in self._open:
            self._open.append(exchange.answer)

    def heard(self) -> None:
        """The unit said something, though not the answer: it is late rather than mute."""
        self._unheard = 0

    def settle(self) -> None:
        """A question was answered that could not be confused with any before it."""
        self._open.clear()
        self._unheard, self.settled = 0, True

    def question(self) -> Exchange:
        """What to ask next: a read with an answer of another form, else an echo with a number of its own."""
        for exchange in self._planned:
            if exchange.answer not in self._open:
                return exchange
        first = self._planned[0].request if self._planned else None
        if first is not None and first.count > 8:
            shorter = lay_out(
                Request(first.function, first.address, first.count - 8), self._unit, self._framing
            )
            if shorter.answer not in self._open:
                return shorter
        return self._echo()

    def _echo(self) -> Exchange:
        """Function 8, sub-function 0, Return Query Data (V1.1b3 §6.8.1); refusing it is an answer too."""
        self._number = self._number + 1 & 0xFFFF
        pdu = bytes((DIAGNOSTICS, 0, 0)) + self._number.to_bytes(2)
        refusal = bytes((DIAGNOSTICS | EXCEPTION, 0))
        request = Request(DIAGNOSTICS, 0, 1, pdu[3:])
        wrap, tail, code = (wrap_rtu, 2, 1) if self._framing == "rtu" else (wrap_ascii, 4, 2)
        frame, refused = wrap(self._unit, pdu), wrap(self._unit, refusal)
        start = refused[: len(refused) - tail - code]
        return Exchange(
            request, self._unit, self._framing, frame, frame[:-tail], len(frame), start, len(refused)
        )
