"""The outbox: readings are accepted once their batch is on disk, and leave only on the centre's receipt.

Memory and disk are bounded: what finds no room is refused, the newest first, and counted. What was
accepted is never thrown away.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import structlog

from gateways.delivery.dead_letters import bury
from gateways.delivery.outbox_file import EMPTY_PACK, OutboxFile, Row
from gateways.delivery.salvage import Salvage, open_outbox_file
from gateways.delivery.sealing import Pack, Unsendable, seal_readings
from gateways.errors import OutboxBrokenError, OutboxUnwritableError
from gateways.settings import OUTBOX_LIMIT
from telemetry import Reading

WAITING_LIMIT = 100_000
"""Readings in memory that wait for a commit."""
COMMIT_EVERY = 0.1  # seconds
GATHER_TIME = 0.02  # seconds a first reading waits for company
RETRY_TIME = 1.0  # seconds until a disk that refused is tried again
_AT_ONCE = 5_000  # readings in one transaction

log = structlog.get_logger()
Result = TypeVar("Result")


class Outbox:
    """One gateway's outbox. `append` and `acknowledge` return at once; a thread does the writing.

    accepted: readings on disk since the start. refused: readings not accepted, by reason.
    alerts: what is wrong with it now, a sentence by a fixed word.
    changed: set whenever more batches wait, for the one who sends them.
    """

    def __init__(self, path: Path, limit: int = OUTBOX_LIMIT, waiting_limit: int = WAITING_LIMIT) -> None:
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self.alerts: dict[str, str] = {}
        self.changed = asyncio.Event()
        self._path = path
        self._limit = limit
        self._waiting_limit = waiting_limit
        self._waiting: list[Reading] = []
        self._work = asyncio.Event()
        self._receipted = 0
        self._thread = ThreadPoolExecutor(1, "outbox")
        self._file: OutboxFile

    @property
    def epoch(self) -> str:
        """The life of the outbox that its numbers belong to."""
        return self._file.epoch

    @property
    def floor(self) -> int:
        """Everything up to this number is receipted."""
        return max(self._receipted, self._file.floor)

    @property
    def last_seq(self) -> int:
        """The number of the newest batch."""
        return self._file.last_seq

    @property
    def backlog(self) -> tuple[int, int]:
        """Batches that wait for a receipt, and their bytes."""
        return self._file.rows, self._file.size

    def append(self, readings: Sequence[Reading]) -> bool:
        """Takes readings to be committed within 100 ms, or refuses them and counts why.

        False where it helps to hold the wire back for a moment: the disk does not keep up.
        """
        if self._file.size >= self._limit:
            self._refuse("outbox-full", len(readings))
            self.alerts["outbox-full"] = (
                "the outbox is at its limit; readings are refused until the centre answers"
            )
        elif len(self._waiting) + len(readings) > self._waiting_limit:
            self._refuse(
                next(iter(self.alerts.keys() & {"disk-full", "disk-error"}), "overload"), len(readings)
            )
        else:
            self._waiting.extend(readings)
            self._work.set()
        return len(self._waiting) < self._waiting_limit // 2

    def acknowledge(self, epoch: str, seq: int) -> None:
        """Everything up to `seq` is stored at the centre. Of another epoch, or known already: nothing."""
        if epoch == self.epoch and self.floor < seq <= self.last_seq:
            self._receipted = seq
            self._work.set()

    async def pending(self, after: int, limit: int) -> list[Row]:
        """The next batches behind this number, in order; what of them is damaged comes empty."""
        return await self._in_thread(lambda: self._read(after, limit))

    async def renew(self) -> None:
        """Begins a new epoch with everything that waits: the centre knows our numbers from another life."""
        await self._in_thread(lambda: self._guarded(OutboxFile.renew))

    async def keep(self, name: str, value: bytes) -> None:
        """Keeps a fact, such as the configuration, in the same file."""

        def work(file: OutboxFile) -> None:
            file.keep(name, value)

        await self._in_thread(lambda: self._guarded(work))

    async def kept(self, name: str) -> bytes | None:
        """A fact kept earlier."""

        def work(file: OutboxFile) -> bytes | None:
            return file.kept(name)

        return await self._in_thread(lambda: self._guarded(work))

    async def flush(self) -> bool:
        """Commits what waits, receipts too; whether all of it is on disk now."""
        while self._waiting or self._receipted > self._file.floor:
            if not await self._commit():
                return False
        return True

    async def commit_regularly(self) -> None:
        """Commits whenever something waits, at most every 100 ms, until cancelled."""
        committed_at = 0.0
        while True:
            await self._work.wait()
            await asyncio.sleep(max(GATHER_TIME, committed_at + COMMIT_EVERY - time.monotonic()))
            self._work.clear()
            done = await self._commit()
            committed_at = time.monotonic()
            if self._waiting or not done:
                self._work.set()
            if not done:
                await asyncio.sleep(RETRY_TIME)

    async def open(self) -> None:
        """Opens the file, salvaged where it was damaged. Raises as `open_outbox` does."""
        await self._in_thread(self._open)

    async def close(self) -> None:
        """Commits what waits and closes the file; what the disk does not take is counted as refused."""
        if not await self.flush():
            self._refuse("stopped", len(self._waiting))
            log.error("outbox.lost_at_stop", readings=len(self._waiting))
        await self._in_thread(self._close)
        self._thread.shutdown(wait=False)

    def _refuse(self, reason: str, number: int) -> None:
        if not self.refused[reason]:
            log.error("outbox.refuses", reason=reason)
        self.refused[reason] += number

    async def _commit(self) -> bool:
        readings = self._waiting[:_AT_ONCE]
        del self._waiting[: len(readings)]
        through = self._receipted
        done = await self._in_thread(lambda: self._write(readings, through))
        if readings and done:
            self.changed.set()
        return done

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        """Runs it in the file's thread. Cancelled, it still waits for the end, so that none is cut short."""
        job = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            await asyncio.wait({job})
            raise

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file, salvage = open_outbox_file(self._path)
        if salvage is not None:
            self._report(salvage)

    def _close(self) -> None:
        with suppress(OutboxUnwritableError, OutboxBrokenError):
            self._file.commit([], self._receipted)
        self._file.close()

    def _report(self, salvage: Salvage) -> None:
        self.alerts["outbox-damaged"] = (
            f"the outbox was damaged: {salvage.rescued} batches were rescued, {salvage.lost} are lost; "
            f"the damaged file is kept as {salvage.set_aside.name}"
        )

    def _guarded(self, work: Callable[[OutboxFile], Result]) -> Result:
        """In the thread: does it, on a salvaged file if this one turns out to be damaged."""
        try:
            return work(self._file)
        except OutboxBrokenError as error:
            log.error("outbox.broke", reason=str(error))
            self._file.close()
            self._open()
            return work(self._file)

    def _write(self, readings: list[Reading], through: int) -> bool:
        """In the thread: one transaction. Readings go back in line when the disk refuses."""
        sealed = list(seal_readings(readings))
        packs = [one for one in sealed if isinstance(one, Pack)]
        unsendable = [one for one in sealed if isinstance(one, Unsendable)]
        for one in unsendable:
            self._refuse("unsendable", 1)
            bury(self._path.parent, one.reason, repr(one.reading).encode())
        try:
            self._guarded(lambda file: file.commit(packs, through))
        except OutboxUnwritableError as error:
            poison = {id(one.reading) for one in unsendable}
            self._waiting[:0] = [reading for reading in readings if id(reading) not in poison]
            self.alerts[error.reason] = str(error)
            self._make_room(through)
            return False
        self.accepted += sum(pack.readings for pack in packs)
        for alert in ("disk-full", "disk-error"):
            self.alerts.pop(alert, None)
        if self._file.size < self._limit:
            self.alerts.pop("outbox-full", None)
        return True

    def _make_room(self, through: int) -> None:
        """In the thread: what is receipted leaves even a full disk."""
        with suppress(OutboxUnwritableError, OutboxBrokenError):
            self._file.make_room()
            self._file.commit([], through)

    def _read(self, after: int, limit: int) -> list[Row]:
        rows = self._guarded(lambda file: file.page(after, limit))
        return [row if row.sound else self._blank(row) for row in rows]

    def _blank(self, row: Row) -> Row:
        bury(self._path.parent, f"checksum of batch {row.seq}", row.pack)
        self.alerts["outbox-damaged"] = (
            f"batch {row.seq} was damaged on disk; what is left is in the dead letters"
        )
        self._guarded(lambda file: file.blank(row.seq))
        return Row(row.seq, EMPTY_PACK, 0)


@asynccontextmanager
async def open_outbox(
    path: Path, limit: int = OUTBOX_LIMIT, waiting_limit: int = WAITING_LIMIT
) -> AsyncGenerator[Outbox]:
    """An open outbox; everything appended is on disk when the block ends.

    Its owner runs `commit_regularly` beside. Raises OutboxUnwritableError when the disk refuses from
    the start, ConfigurationError while another process uses the same file.
    """
    outbox = Outbox(path, limit, waiting_limit)
    await outbox.open()
    try:
        yield outbox
    finally:
        await outbox.close()
