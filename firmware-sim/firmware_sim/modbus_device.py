"""A simulated Modbus device of any profile: a request's PDU in, the reply's PDU out. No I/O here.

Register places, types and orders come from the device's profile, so whatever drivers/profiles/
describes can be simulated.
"""

from collections.abc import Callable, Mapping

from drivers.modbus_frames import (
    DEVICE_FAILURE,
    ILLEGAL_FUNCTION,
    READ_INPUT_REGISTERS,
    Frame,
    RefusalError,
    decode_request,
    encode_reply,
    exception_reply,
)
from drivers.modbus_plan import FUNCTIONS, Plan, Tables, body_of
from drivers.modbus_values import EncodingError, Table
from telemetry import Profile, Value

ValuesOf = Callable[[], Mapping[str, Value | None]]
"""The device's metrics now, by the names of its profile; None is "not available"."""


class ModbusDevice:
    """Answers reads with the values of the moment, refuses everything else as the standard says."""

    def __init__(self, profile: Profile, values_of: ValuesOf, unit_id: int = 1) -> None:
        """Raises ProfileError when the profile is not one of a Modbus device."""
        self.unit_id = unit_id
        self._plan = Plan(profile)
        self._values_of = values_of
        self._unused = self._unused_cells()

    def reply(self, frame: Frame) -> bytes | None:
        """The reply's PDU; None for a request of nothing and for another unit's, which that one answers."""
        if frame.unit != self.unit_id or not frame.pdu:
            return None
        try:
            return self._answer(frame.pdu)
        except RefusalError as refusal:
            return exception_reply(frame.pdu[0], refusal.code)
        except EncodingError:
            return exception_reply(frame.pdu[0], DEVICE_FAILURE)

    def _answer(self, pdu: bytes) -> bytes:
        request = decode_request(pdu)
        if request.function > READ_INPUT_REGISTERS:
            raise RefusalError(ILLEGAL_FUNCTION, "this device is read only")
        tables: Tables = {table: dict(cells) for table, cells in self._unused.items()}
        return encode_reply(request, body_of(request, self._plan.fill(self._values_of(), tables)))

    def _unused_cells(self) -> Tables:
        """Zeros in the gaps that the profile says may be read across."""
        tables: Tables = {}
        names: dict[int, Table] = {function: table for table, function in FUNCTIONS.items()}
        for planned in self._plan.reads:
            first, last = planned.request.address, planned.request.address + planned.request.count
            tables.setdefault(names[planned.request.function], {}).update(
                dict.fromkeys(range(first, last), 0)
            )
        return tables
