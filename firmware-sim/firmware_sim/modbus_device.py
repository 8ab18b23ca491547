"""A simulated Modbus device of any profile: a request's PDU in, the reply's PDU out. No I/O here.

Register places, types and orders come from the device's profile, so whatever drivers/profiles/
describes can be simulated. Sources: Modbus Application Protocol V1.1b3 §6.
"""

from collections.abc import Callable, Mapping

from drivers.modbus.frames import (
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    MASK_WRITE,
    READ_INPUT_REGISTERS,
    READ_WRITE_REGISTERS,
    WRITE_COIL,
    WRITE_COILS,
    Frame,
    RefusalError,
    Request,
    decode_request,
    encode_reply,
    exception_reply,
    unpack_bits,
)
from drivers.modbus.identity import FUNCTION as IDENTIFY
from drivers.modbus.identity import decode_identity_request, encode_identity
from drivers.modbus.plan import FUNCTIONS, Plan, Tables, body_of, locate
from drivers.modbus.values import BIT_TABLES, EncodingError, Table
from drivers.modbus.writes import ModbusWrite
from drivers.words import write_of
from telemetry import Profile, Value

ValuesOf = Callable[[], Mapping[str, Value | None]]
"""The device's metrics now, by the names of its profile; None is "not available"."""

_TABLES: Mapping[int, Table] = {function: table for table, function in FUNCTIONS.items()}
_KEPT_REPLIES = 256
_BROADCAST = 0


class ModbusDevice:
    """Answers reads with the values of the moment, keeps what is written, refuses as the standard says.

    Coils may be written, and the registers that the profile's actions write or `memory` names; what
    was written stays, whatever `values_of` says. Replies are kept until a value changes.

    memory: further registers and coils the device has, by table and 0-based address. identity: objects
    of function 43/14, which is refused without any. turnaround: seconds until it answers.
    """

    def __init__(
        self,
        profile: Profile,
        values_of: ValuesOf,
        unit_id: int = 1,
        *,
        memory: Tables | None = None,
        identity: Mapping[int, str] | None = None,
        turnaround: float = 0.0,
    ) -> None:
        """Raises ProfileError when the profile is not one of a Modbus device."""
        self.unit_id = unit_id
        self.profile = profile
        self.turnaround = turnaround
        self._plan = Plan(profile)
        self._values_of = values_of
        self._identity = identity
        self._unused = self._unused_cells()
        self._kept: Tables = {table: dict(cells) for table, cells in (memory or {}).items()}
        self._writable = {(table, address) for table, cells in self._kept.items() for address in cells}
        self._take_in_actions()
        self._values: Mapping[str, Value | None] | None = None
        self._tables: Tables = {}
        self._failure = False
        self._version = 0
        self._replies: dict[bytes, bytes] = {}

    def version(self) -> int:
        """Looks at the values; another number than before means that replies may have changed."""
        values = self._values_of()
        if values is not self._values and values != self._values:
            self._values = dict(values)
            self._refill()
        return self._version

    def reply(self, frame: Frame) -> bytes | None:
        """The reply's PDU; None for a request of nothing, a broadcast, and another unit's."""
        if frame.unit not in (self.unit_id, _BROADCAST) or not frame.pdu:
            return None
        self.version()
        answer = self._replies.get(frame.pdu)
        if answer is None:
            answer = self._refused_or_answered(frame.pdu)
            if frame.pdu[0] <= READ_INPUT_REGISTERS and len(self._replies) < _KEPT_REPLIES:
                self._replies[frame.pdu] = answer
        return None if frame.unit == _BROADCAST else answer

    def cell(self, table: Table, address: int) -> int | None:
        """What a register or coil holds now; None where there is none."""
        self.version()
        return self._tables.get(table, {}).get(address)

    def _refill(self) -> None:
        self._changed()
        self._tables = {table: dict(cells) for table, cells in self._unused.items()}
        try:
            self._plan.fill(self._values or {}, self._tables)
        except EncodingError:
            self._failure = True
        else:
            self._failure = False
        for table, cells in self._kept.items():
            self._tables.setdefault(table, {}).update(cells)

    def _changed(self) -> None:
        self._version += 1
        self._replies.clear()

    def _refused_or_answered(self, pdu: bytes) -> bytes:
        try:
            if pdu[0] == IDENTIFY and self._identity:
                return encode_identity(decode_identity_request(pdu), self._identity)
            return self._answer(decode_request(pdu))
        except RefusalError as refusal:
            return exception_reply(pdu[0], refusal.code)

    def _answer(self, request: Request) -> bytes:
        if self._failure:
            raise RefusalError(DEVICE_FAILURE, "a value does not fit its register")
        if request.function in _TABLES:
            return encode_reply(request, body_of(request, self._tables))
        if request.function == READ_WRITE_REGISTERS:
            reading = Request(FUNCTIONS["holding"], request.address, request.count)
            body_of(reading, self._tables)
            self._store("holding", request.write_address, _words(request.payload))
            return encode_reply(request, body_of(reading, self._tables))
        self._write(request)
        return encode_reply(request)

    def _write(self, request: Request) -> None:
        if request.function == WRITE_COIL:
            self._store("coil", request.address, [int(request.payload == b"\xff\0")])
        elif request.function == WRITE_COILS:
            bits = unpack_bits(request.payload, request.count)
            self._store("coil", request.address, list(map(int, bits)))
        elif request.function == MASK_WRITE:
            keep, add = _words(request.payload)
            before = self._tables.get("holding", {}).get(request.address, 0)
            self._store("holding", request.address, [before & keep | add & ~keep])
        else:
            self._store("holding", request.address, _words(request.payload))

    def _store(self, table: Table, first: int, contents: list[int]) -> None:
        """All or nothing. Raises RefusalError for a table or a cell that cannot be written."""
        there = self._tables.get(table, {})
        if not there:
            raise RefusalError(ILLEGAL_FUNCTION, f"this device has no {table} to write")
        for address in range(first, first + len(contents)):
            writable = table in BIT_TABLES or (table, address) in self._writable
            if address not in there or not writable:
                raise RefusalError(ILLEGAL_ADDRESS, f"{table} {address} cannot be written")
        written = dict(zip(range(first, first + len(contents)), contents, strict=True))
        self._kept.setdefault(table, {}).update(written)
        there.update(written)
        self._changed()

    def _take_in_actions(self) -> None:
        """What the profile's actions write is there and may be written."""
        for action in self.profile.actions:
            write = write_of(self.profile, action, ModbusWrite)
            where = f"profile {self.profile.id}: action {action.name}"
            spot = locate(where, action.name, write.as_read(), self._plan.settings)
            for address in range(spot.start, spot.start + max(write.count, spot.end - spot.start)):
                self._unused.setdefault(spot.table, {}).setdefault(address, 0)
                self._writable.add((spot.table, address))

    def _unused_cells(self) -> Tables:
        """Zeros in the gaps that the profile says may be read across."""
        tables: Tables = {}
        for planned in self._plan.reads:
            first, last = planned.request.address, planned.request.address + planned.request.count
            cells = dict.fromkeys(range(first, last), 0)
            tables.setdefault(_TABLES[planned.request.function], {}).update(cells)
        return tables


def _words(payload: bytes) -> list[int]:
    return [int.from_bytes(payload[at : at + 2]) for at in range(0, len(payload), 2)]
