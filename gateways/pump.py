"""One task per link: keeps it open and carries bytes between it and the drivers that share it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from broker.backoff import Backoff
from broker.session import BrokerAddress
from drivers.contract import Event, Fault
from gateways import clock
from gateways.bus import ASIDE_TIME, Bus
from gateways.device_record import DeviceRecord
from gateways.inbox import Link
from gateways.links import LinkAddress, open_link
from telemetry import Instant, LinkError, Quality, Reading

log = structlog.get_logger()


class Pump:
    """The devices of one link.

    sink: takes readings at once and without waiting; the outbox's `append`.
    """

    def __init__(
        self,
        address: LinkAddress,
        bus: Bus,
        records: Mapping[str, DeviceRecord],
        sink: Callable[[Sequence[Reading]], None],
    ) -> None:
        self.address = address
        self._bus = bus
        self._records = records
        self._sink = sink

    async def run(self, platform: BrokerAddress | None = None, owner: str = "haidang") -> None:
        """Pumps until cancelled; a broken link is opened again."""
        backoff = Backoff()
        while True:
            opened_at = None
            try:
                async with open_link(self.address, platform, owner) as link:
                    opened_at = time.monotonic()
                    await self._converse(link)
            except LinkError as error:
                self._link_failed(str(error))
            held = 0.0 if opened_at is None else time.monotonic() - opened_at
            await asyncio.sleep(backoff.after(held))

    async def _converse(self, link: Link) -> None:
        """Until the link breaks (LinkError), or a driver has a bug and the link is to be opened anew."""
        now = clock.now()
        for record in self._records.values():
            record.link_opened(now)
        self._bus.connected(now)
        while True:
            self._bus.advance(now)
            if self._deliver(now):
                return
            for outgoing in self._bus.outgoing():
                link.write(outgoing.payload)
            if link.inbox.size:
                await asyncio.sleep(0)  # a wire that never pauses lets the others have their turn
            chunk = await link.read(self._bus.wake_at)
            now = clock.now()
            if chunk is not None:
                self._bus.receive(chunk[0], now, chunk[1])

    def _deliver(self, now: Instant) -> bool:
        """Passes on what the drivers found; whether one of them has a bug."""
        for device, events in self._bus.take_events():
            record = self._records[device]
            readings = [event for event in events if isinstance(event, Reading)]
            if readings:
                if now.utc < clock.EARLIEST:
                    readings = [_uncertain(reading) for reading in readings]
                record.read(len(readings), readings[-1].observed_at, now)
                self._sink(readings)
            if len(readings) < len(events):
                _note_faults(events, record, now)
        bugs = self._bus.take_bugs()
        for bug in bugs:
            log.error("device.driver_bug", device=bug.device, exc_info=bug.error)
            text = f"its driver has a bug and is left out for {ASIDE_TIME:g} s: {bug.error!r}"
            self._records[bug.device].failed(text, now)
        return bool(bugs)

    def _link_failed(self, reason: str) -> None:
        now = clock.now()
        self._deliver(now)
        for record in self._records.values():
            record.link_failed(reason, now)


def _note_faults(events: Sequence[Event], record: DeviceRecord, now: Instant) -> None:
    for event in events:
        if isinstance(event, Fault):
            record.fault(event, now)


def _uncertain(reading: Reading) -> Reading:
    quality = Quality.UNCERTAIN if reading.quality is Quality.GOOD else reading.quality
    return Reading(reading.device, reading.kind, reading.observed_at, reading.values, quality)
