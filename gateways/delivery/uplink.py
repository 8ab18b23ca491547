"""Sends what waits in the outbox, in order, until the centre has said that it is stored."""

import asyncio
import time

import structlog

from broker import topics
from broker.session import Session
from broker.wire import Receipt, decode, seal
from gateways.delivery.outbox import Outbox
from gateways.delivery.outbox_file import Row
from gateways.delivery.window import FIRST_PATIENCE, Verdict, Window
from gateways.errors import OutboxUnwritableError
from telemetry import LinkError, WireError

PAGE = 8  # batches read from disk at once
MOST_PUBLISHING = 64  # messages that wait for the broker's acknowledgement at once
RENEW_EVERY = 60.0  # seconds between two new epochs, at least

log = structlog.get_logger()


class Uplink:
    """One gateway's sender. `send` runs on each session; `receive` takes the receipts that come in.

    connected: whether there is a session now.
    """

    def __init__(self, gateway: str, site: str, outbox: Outbox) -> None:
        self.connected = False
        self._topic = topics.batches(gateway)
        self._site = site
        self._outbox = outbox
        self._window = self._fresh_window(outbox.last_seq)
        self._resent_before = 0
        self._denied = False
        self._renewed_at = -RENEW_EVERY
        self._progress = asyncio.Event()

    @property
    def resent(self) -> int:
        """Batches that went out more than once."""
        return self._resent_before + self._window.resent

    def receive(self, payload: bytes) -> None:
        """A receipt, whatever it says: for another epoch, twice, late, or of nonsense it changes nothing."""
        try:
            receipt = decode(payload, Receipt)
        except WireError as error:
            log.warning("uplink.unreadable_receipt", reason=str(error))
            return
        if receipt.epoch != self._window.epoch:
            return
        verdict = self._window.receive(receipt.seq, time.monotonic())
        if verdict is Verdict.NEWS:
            self._outbox.acknowledge(receipt.epoch, receipt.seq)
            self._progress.set()
        self._denied = self._denied or verdict is Verdict.IMPOSSIBLE
        self._outbox.changed.set()

    async def caught_up(self) -> None:
        """Returns when the centre has everything that was committed."""
        while self._window.floor < self._outbox.last_seq:
            self._progress.clear()
            await self._progress.wait()

    async def send(self, session: Session) -> None:
        """Sends until the session breaks. Raises LinkError then."""
        self._window.restart()
        self.connected = True
        slots = asyncio.Semaphore(MOST_PUBLISHING)
        try:
            async with asyncio.TaskGroup() as publishing:
                while True:
                    await self._send_what_fits(session, publishing, slots)
        except* LinkError as errors:
            failure = errors
        finally:
            self.connected = False
        raise LinkError(str(failure.exceptions[0])) from failure

    async def _send_what_fits(
        self, session: Session, publishing: asyncio.TaskGroup, slots: asyncio.Semaphore
    ) -> None:
        self._outbox.changed.clear()
        await self._keep_epoch()
        window = self._window
        if window.is_overdue(time.monotonic()):
            log.info("uplink.resending", after=window.floor, through=window.sent)
            window.go_back()
        rows = await self._rows()
        for row in rows:
            await slots.acquire()
            if row.seq != window.sent + 1 or window.epoch != self._outbox.epoch:
                slots.release()  # a receipt came in meanwhile, or the file was damaged
                return
            payload = seal(window.epoch, row.seq, window.floor, row.pack, self._site)
            publishing.create_task(self._publish(session, payload, slots))
            window.send(row.seq, time.monotonic())
        if not rows:
            await self._rest()

    async def _rows(self) -> list[Row]:
        window = self._window
        if window.room <= 0 or window.sent >= self._outbox.last_seq:
            return []
        try:
            return await self._outbox.pending(window.sent, min(window.room, PAGE))
        except OutboxUnwritableError as error:
            log.error("uplink.outbox_unreadable", reason=str(error))
            await asyncio.sleep(FIRST_PATIENCE)
            return []

    async def _publish(self, session: Session, payload: bytes, slots: asyncio.Semaphore) -> None:
        try:
            await session.publish(self._topic, payload)
        finally:
            slots.release()

    async def _rest(self) -> None:
        """Until something changes or a receipt is overdue."""
        resend_at = self._window.resend_at
        wait = None if resend_at is None else max(0.0, resend_at - time.monotonic())
        try:
            async with asyncio.timeout(wait):
                await self._outbox.changed.wait()
        except TimeoutError:
            return

    async def _keep_epoch(self) -> None:
        """Begins a new window where the outbox began a new epoch, and has it begin one where it must."""
        denied, self._denied = self._denied, False
        if denied and time.monotonic() - self._renewed_at >= RENEW_EVERY:
            log.error("uplink.numbers_known", epoch=self._outbox.epoch, last=self._outbox.last_seq)
            self._renewed_at = time.monotonic()
            await self._renew()
        if self._outbox.epoch != self._window.epoch:
            self._resent_before += self._window.resent
            self._window = self._fresh_window(0)

    async def _renew(self) -> None:
        try:
            await self._outbox.renew()
        except OutboxUnwritableError as error:
            log.error("uplink.epoch_not_renewed", reason=str(error), retry_in=RENEW_EVERY)

    def _fresh_window(self, reached: int) -> Window:
        floor = self._outbox.floor
        return Window(self._outbox.epoch, floor, max(floor, reached), floor)
