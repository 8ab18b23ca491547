"""The Modbus client: polls one unit on a fixed grid, over RTU or MBAP, and believes no reply but its own.

One poll is every request of the profile's plan, and one Reading at its end. A link that starts with
`tcp` speaks MBAP, a serial one RTU; `?framing=rtu` or `?framing=tcp` in the link says otherwise.
"""

import math
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

from drivers.contract import Event, Fault, Outgoing
from drivers.modbus_frames import encode_request, exception_name
from drivers.modbus_plan import Plan
from drivers.modbus_replies import Answer, Exchange, ReplyFinder, lay_out
from drivers.stamps import Stamps
from telemetry import Action, Command, Device, Instant, Profile, ProfileError, Quality, Reading, Reply, Value

_RTU_LINKS = {"tcp": False, "tcp-listen": False, "serial": True, "rfc2217": True}
_SPREAD = 10.0
"""Seconds over which first polls are spread, where the period is longer."""
_SILENT_LIMIT = 3
"""Requests in a row without an answer after which a unit is polled less often."""
_BACK_OFF = 30.0
"""Seconds between two polls of a silent unit, at most."""
_DRAIN = 0.05
"""Seconds without a byte after which a line counts as quiet; converters pause inside a frame."""
_UNIT_BEHIND_GATEWAY_SILENT = (10, 11)

_IDLE, _WAITING, _QUIET = "idle", "waiting", "quiet"


def open_driver(device: Device, profile: Profile) -> "ModbusDriver":
    """A driver for this device. Raises ProfileError for a profile, link or unit that cannot be used."""
    every = device.every or profile.every
    if every is None:
        raise ProfileError(f"profile {profile.id}: says no poll period: write every, such as every: 1s")
    plan = Plan(profile)
    link = _Line(device)
    exchanges = [lay_out(read, device.unit_id, encode_request(read.request), link.rtu) for read in plan.reads]
    return ModbusDriver(device.id, profile.kind, plan, exchanges, every=every, gap=link.gap)


class _Line:
    """What a link's URL says about framing. gap: seconds of silence between RTU frames, 0 in MBAP."""

    def __init__(self, device: Device) -> None:
        try:
            parts = urlsplit(device.link)
        except ValueError as error:
            raise ProfileError(f"device {device.id}: its link is not a URL: {error}") from error
        query = parse_qs(parts.query)
        framing = query.get("framing", [""])[0]
        if parts.scheme not in _RTU_LINKS or framing not in ("", "rtu", "tcp"):
            link = f"{parts.scheme} with framing={framing}" if framing else parts.scheme
            raise ProfileError(
                f"device {device.id}: Modbus does not run over {link}: use tcp://host:502, "
                "serial:///dev/ttyUSB0?baudrate=9600 or, for RTU through a converter, tcp://host:port?framing=rtu"
            )
        self.rtu = framing == "rtu" or (not framing and _RTU_LINKS[parts.scheme])
        if self.rtu and not 1 <= device.unit_id <= 247:
            raise ProfileError(f"device {device.id}: RTU unit ids are 1 to 247, not {device.unit_id}")
        self.gap = _frame_gap(query.get("baudrate", ["9600"])[0]) if self.rtu else 0.0


def _frame_gap(baudrate: str) -> float:
    """3.5 characters of 11 bits, and 1.75 ms from 19200 baud on (Serial Line V1.02 §2.5.1.1)."""
    bauds = int(baudrate) if baudrate.isdecimal() and int(baudrate) else 9600
    return max(3.5 * 11 / bauds, 0.00175)


class ModbusDriver:
    """One unit's conversation. It is idle, waiting for a reply, or letting the line fall quiet.

    After each exchange it gives the line away and goes on in its next turn, so a dead unit costs its
    neighbours one time-out at a time; when it stays silent it is asked ever less often, up to every
    30 s, until it answers.

    A late reply never becomes the answer to another request: MBAP has transaction identifiers. RTU
    has none, so after a time-out the unit is left alone for as long as the time-out was.

    missed: polls left out because the one before was not done, or the link was down.
    """

    def __init__(
        self, device: str, kind: str, plan: Plan, exchanges: Sequence[Exchange], *, every: float, gap: float
    ) -> None:
        self.actions: Sequence[Action] = ()
        self.urgent = False
        self.busy = False
        self.wake_at: float | None = None
        self.missed = 0
        self._device, self._kind, self._settings = device, kind, plan.settings
        self._exchanges, self._every, self._gap = exchanges, every, gap
        self._rtu = exchanges[0].rtu
        seed = crc32(device.encode())
        self._spread = min(every, _SPREAD) * seed / 2**32
        self._transaction = seed & 0xFFFF
        self._finder = ReplyFinder(exchanges[0])
        self._outgoing = b""
        self._state = _IDLE
        self._due = self._resume_at = self._quiet_until = -math.inf
        self._silent = 0
        self._stamps = Stamps()
        self._start_poll()

    def connected(self, now: Instant) -> Sequence[Event]:
        """The link is open anew: what was under way is forgotten, the grid starts again."""
        if self._due > -math.inf:
            self.missed += max(0, math.ceil((now.monotonic - self._due) / self._every))
        self._due = now.monotonic + self._spread
        self._outgoing = b""
        self._start_poll()
        self._rest_until(self._due)
        return ()

    def command(self, command: Command, now: Instant) -> Sequence[Event]:
        """Refuses: writing comes next."""
        return (Reply(command.id, command.device, "refused", "this device takes no commands"),)

    def outgoing(self) -> Sequence[Outgoing]:
        """The request to send, once."""
        request, self._outgoing = self._outgoing, b""
        return (Outgoing(request),) if request else ()

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Looks for the reply; bytes that come while none is expected are dropped."""
        if self._state != _WAITING:
            if self._state == _QUIET:
                self.wake_at = min(now.monotonic + _DRAIN, self._quiet_until)
            return ()
        events: list[Event] = []
        for found in self._finder.feed(chunk):
            if isinstance(found, Answer):
                self._answered(found, now, events)
            else:
                events.append(Fault(self._device, found.reason, found.detail, found.frame))
        if self._state == _WAITING and self._finder.damage and self.wake_at is not None:
            self.wake_at = min(self.wake_at, now.monotonic + _DRAIN)
        return events

    def wake(self, now: Instant) -> Sequence[Event]:
        """Sends what is due, gives up what is overdue."""
        if self.wake_at is None or now.monotonic < self.wake_at:
            return ()
        if self._state == _WAITING:
            events: list[Event] = []
            self._unanswered(now, events)
            return events
        if self._state == _QUIET:
            self._rest_until(max(self._resume_at, now.monotonic))
        else:
            self._send(now)
        return ()

    def _start_poll(self) -> None:
        self._index = self._attempt = self._failures = 0
        self._values: dict[str, Value] = {}

    def _send(self, now: Instant) -> None:
        if self._index == self._attempt == 0:
            late = max(0, math.floor((now.monotonic - self._due) / self._every))
            self.missed += late
            self._due += (late + 1) * self._every
        exchange = self._exchanges[self._index]
        self._transaction = (self._transaction + 1) & 0xFFFF
        transaction = b"" if self._rtu else self._transaction.to_bytes(2)
        self._finder.expect(exchange, transaction)
        self._outgoing = transaction + exchange.frame
        self._state, self.busy = _WAITING, True
        self.wake_at = now.monotonic + self._settings.timeout

    def _answered(self, answer: Answer, now: Instant, events: list[Event]) -> None:
        self._silent = self._silent + 1 if answer.code in _UNIT_BEHIND_GATEWAY_SILENT else 0
        if answer.code:
            self._fault("exception", f"answered {exception_name(answer.code)}", answer.frame, events)
        else:
            self._values.update(self._exchanges[self._index].read.decode(answer.body))
        done = self._next(now, events)
        self._resume_at = self._due if done else now.monotonic + self._settings.delay
        if self._rtu:
            self._fall_quiet(now, self._gap)
        else:
            self._rest_until(self._resume_at)

    def _unanswered(self, now: Instant, events: list[Event]) -> None:
        damage, timeout = self._finder.damage, self._settings.timeout
        self._silent += 0 if damage else 1
        done = False
        if self._attempt < self._settings.retries and self._silent < _SILENT_LIMIT:
            self._attempt += 1
        else:
            if damage:
                self._fault(damage.reason, f"had a damaged answer: {damage.detail}", damage.frame, events)
            else:
                self._fault("timeout", f"had no answer in {timeout:g} s", self._finder.evidence, events)
            done = self._next(now, events)
        settled = now.monotonic + (timeout if self._rtu and not damage else 0.0)
        self._resume_at = max(self._due, settled) if done else settled
        if self._rtu:
            self._fall_quiet(now, _DRAIN)
        else:
            self._rest_until(self._resume_at)

    def _next(self, now: Instant, events: list[Event]) -> bool:
        """Steps to the next request; True when this poll is done, and its Reading among the events."""
        self._index, self._attempt = self._index + 1, 0
        if self._index < len(self._exchanges) and self._silent < _SILENT_LIMIT:
            return False
        if self._values:
            events.append(self._reading(now))
        if self._silent >= _SILENT_LIMIT:
            self._back_off(now)
        self._start_poll()
        return True

    def _reading(self, now: Instant) -> Reading:
        quality = Quality.UNCERTAIN if self._failures else Quality.GOOD
        return Reading(self._device, self._kind, self._stamps.next(now.utc), self._values, quality)

    def _back_off(self, now: Instant) -> None:
        """Moves the next poll on by 2, 4, 8 … periods, up to 30 s, staying on the grid."""
        doublings = min(self._silent - _SILENT_LIMIT + 1, 16)
        earliest = now.monotonic + min(_BACK_OFF, self._every * 2**doublings)
        self._due += max(0, math.floor((earliest - self._due) / self._every)) * self._every

    def _fault(self, reason: str, what: str, frame: bytes, events: list[Event]) -> None:
        self._failures += 1
        exchange = self._exchanges[self._index]
        asked = exchange.read.request
        place = f"unit {exchange.unit}, function {asked.function} at {asked.address}, count {asked.count}"
        events.append(Fault(self._device, reason, f"{place}: {what}", frame))

    def _fall_quiet(self, now: Instant, seconds: float) -> None:
        """Holds the line until it was silent for so long, but no longer than a time-out."""
        self._state, self.busy = _QUIET, True
        self.wake_at = now.monotonic + seconds
        self._quiet_until = now.monotonic + max(self._settings.timeout, seconds)

    def _rest_until(self, moment: float) -> None:
        self._state, self.busy, self.wake_at = _IDLE, False, moment
