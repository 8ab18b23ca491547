"""One link's bytes carried between its wire and the drivers that share it, in the wire's own callbacks.

A chunk that comes in is handled at once: the drivers hear it, whoever is due speaks, what was found is passed
on, and one timer stands for the next moment something is due. The pump's task only opens the link, waits
for its end and opens it again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from broker.backoff import Backoff
from drivers.contract import Event, Fault, LastWord
from gateways import clock
from gateways.bus import ASIDE_TIME, Bus, DriverBug, Seat
from gateways.commands.under_way import MOST_UNDER_WAY, Answer, UnderWay, checked, reply_to
from gateways.device_record import DeviceRecord
from gateways.links.contract import Home, Link, LinkAddress
from gateways.pace import Pace
from telemetry import Action, Command, CommandError, Instant, LinkError, Quality, Reading, Reply

HELD_BACK = 0.1  # seconds a wire rests when its readings cannot be taken as fast as they come
EARLY = 0.001  # seconds; the precision of uvloop's timers, which may come a little too soon

Sink = Callable[[Sequence[Reading]], bool | None]

log = structlog.get_logger()


class Pump:
    """The devices of one link.

    sink: takes readings at once and without waiting, and says False when the wire should be held back; the
    outbox's `append`.
    """

    def __init__(self, address: LinkAddress, sink: Sink) -> None:
        self.address = address
        self._sink = sink
        self._bus = Bus()
        self._records: dict[str, DeviceRecord] = {}
        self._under_way = UnderWay()
        self._link: Link | None = None
        self._down = "it is not open yet"
        self._end: asyncio.Future[Exception | None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._rest: asyncio.TimerHandle | None = None

    def add(self, seat: Seat, record: DeviceRecord) -> None:
        """Another device is read over this link; an open link stays open."""
        self._records[seat.device] = record
        if self._link is None:
            self._bus.add(seat)
            return
        now = clock.now()
        record.link_opened(now)
        self._bus.add(seat, now)
        self._go(now)

    def remove(self, device: str) -> None:
        """A device is not read any more; its commands end."""
        self._under_way.break_off(self._sent, "the device was removed", device)
        self._part(device)
        self._bus.remove(device)
        del self._records[device]

    def command(self, command: Command, answer: Answer) -> None:
        """Has one of the devices carry it out, and answers once: now or later."""
        now = clock.now()
        seat = self._bus.seat(command.device)
        try:
            command = checked(command, _actions(seat))
        except CommandError as error:
            answer(reply_to(command, "refused", str(error)))
            return
        if command.expires_at <= now.utc:
            answer(reply_to(command, "expired", "it came too late, by this gateway's clock"))
        elif self._link is None or seat is None:
            answer(reply_to(command, "unsent", f"the link is down: {self._down}"))
        elif not self._under_way.add(command, answer, now, seat.sent):
            answer(reply_to(command, "refused", f"busy: {MOST_UNDER_WAY} commands wait on this link"))
        else:
            self._bus.command(seat, command, now)
            self._go(now)

    async def run(self, home: Home | None = None, pace: Pace | None = None) -> None:
        """Pumps until cancelled; a broken link is opened again."""
        backoff, pace, home = Backoff(), pace or Pace(), home or Home()
        try:
            while True:
                await pace.turn()
                held = await self._converse(home)
                await asyncio.sleep(backoff.after(held))
        finally:
            self._finish(None, "the gateway reads this link no more")

    def opened(self, link: Link) -> None:
        """The link is open: conversations begin anew."""
        self._link = link
        now = clock.now()
        for record in self._records.values():
            record.link_opened(now)
        self._bus.connected(now)
        self._go(now)

    def receive(self, chunk: bytes, origin: str = "") -> None:
        """Bytes came in."""
        if self._link is not None:
            now = clock.now()
            self._bus.receive(chunk, now, origin)
            self._go(now)

    def broke(self, error: LinkError) -> None:
        """The wire broke."""
        self._finish(error, str(error))

    async def _converse(self, home: Home) -> float:
        """Until the link breaks, or a driver has a bug and it is to be opened anew; the seconds it held."""
        self._end = end = asyncio.get_running_loop().create_future()
        opened_at: float | None = None
        try:
            async with self.address.open(self, home):
                opened_at = time.monotonic()
                try:
                    failure = await end
                except asyncio.CancelledError:
                    self._part(*self._records)
                    raise
                if failure is not None:
                    raise failure
        except LinkError as error:
            self._finish(error, str(error))
            self._link_failed(str(error))
        return 0.0 if opened_at is None else time.monotonic() - opened_at

    def _part(self, *devices: str) -> None:
        """Sends the last words of drivers that have some."""
        now = clock.now()
        for seat in [self._bus.seat(device) for device in devices]:
            if self._link is None or seat is None or not isinstance(seat.driver, LastWord):
                continue
            try:
                for frame in seat.driver.last_word(now):
                    self._link.write(frame.payload, frame.to)
            except LinkError as error:
                log.warning("device.last_word_unsent", device=seat.device, detail=str(error))

    def _finish(self, failure: Exception | None, why: str) -> None:
        """Ends the conversation; the pump's task does the rest."""
        self._link, self._down = None, why
        for timer in (self._timer, self._rest):
            if timer is not None:
                timer.cancel()
        self._timer = self._rest = None
        self._under_way.break_off(self._sent, why)
        if self._end is not None and not self._end.done():
            self._end.set_result(failure)

    def _go(self, now: Instant) -> None:
        """Lets the drivers go on, passes on what they found and sends what they want sent."""
        bus = self._bus
        try:
            bus.advance(now)
            if bus.events:
                self._deliver(now)
            if bus.bugs:
                self._set_aside(bus.take_bugs(), now)
            elif self._link is not None:
                for frame in bus.take_outgoing() if bus.outgoing else ():
                    self._link.write(frame.payload, frame.to)
                self._set_timer()
        except LinkError as error:
            self._finish(error, str(error))
        except Exception as error:  # noqa: BLE001 - a callback has no caller: the pump's task raises it
            self._finish(error, "the gateway has a bug")

    def _set_timer(self) -> None:
        """One timer, moved only when it would come too late; one that comes too early is set again."""
        due, deadline = self._bus.wake_at, self._under_way.deadline
        if due is None or (deadline is not None and deadline < due):
            due = deadline
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = asyncio.get_running_loop().call_at(due, self._wake), due

    def _wake(self) -> None:
        now = clock.now()
        if now.monotonic < self._timer_at:
            self._timer = asyncio.get_running_loop().call_later(EARLY, self._wake)
            return
        self._timer = None
        self._under_way.expire(now)
        self._go(now)

    def _deliver(self, now: Instant) -> None:
        """Passes on what the drivers found."""
        for device, events in self._bus.take_events():
            record = self._records[device]
            readings = [event for event in events if type(event) is Reading]
            if len(readings) < len(events):
                self._note(events, record, now)
            if not readings:
                continue
            if now.utc < clock.EARLIEST:
                readings = [_uncertain(reading) for reading in readings]
            record.read(len(readings), readings[-1].observed_at, now)
            if self._sink(readings) is False:
                self._hold_back()

    def _hold_back(self) -> None:
        """Lets the wire rest for a moment."""
        if self._link is not None and self._rest is None:
            self._link.pause()
            self._rest = asyncio.get_running_loop().call_later(HELD_BACK, self._let_go)

    def _let_go(self) -> None:
        self._rest = None
        if self._link is not None:
            self._link.resume()

    def _note(self, events: Sequence[Event], record: DeviceRecord, now: Instant) -> None:
        for event in events:
            if isinstance(event, Fault):
                record.fault(event, now)
            elif isinstance(event, Reply):
                self._under_way.finish(event)

    def _set_aside(self, bugs: Sequence[DriverBug], now: Instant) -> None:
        """Tells of drivers with a bug; the link is opened anew for the others."""
        for bug in bugs:
            log.error("device.driver_bug", device=bug.device, exc_info=bug.error)
            text = f"its driver has a bug and is left out for {ASIDE_TIME:g} s: {bug.error!r}"
            if bug.device in self._records:
                self._records[bug.device].failed(text, now)
            self._under_way.refuse(bug.device, text)
        self._finish(None, "the link is opened anew, for a driver on it has a bug")

    def _link_failed(self, reason: str) -> None:
        now = clock.now()
        for record in self._records.values():
            record.link_failed(reason, now)

    def _sent(self, device: str) -> int:
        seat = self._bus.seat(device)
        return -1 if seat is None else seat.sent


def _actions(seat: Seat | None) -> Sequence[Action]:
    if seat is None:
        raise CommandError("this gateway does not read the device any more")
    if seat.aside_until is not None:
        raise CommandError(f"the device's driver has a bug and is left out for {ASIDE_TIME:g} s")
    return seat.driver.actions


def _uncertain(reading: Reading) -> Reading:
    quality = Quality.UNCERTAIN if reading.quality is Quality.GOOD else reading.quality
    return Reading(reading.device, reading.kind, reading.observed_at, reading.values, quality)
