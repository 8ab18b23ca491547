"""What every simulated wire is: devices on one medium, fed with what comes, woken when they want, spoiled."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from drivers.contract import Outgoing
from firmware_sim.simulated import SimulatedDevice
from firmware_sim.wires.connections import alongside
from firmware_sim.wires.faults import FaultRule, Piece, Spoiler
from telemetry import Instant

MOST_KEPT = 1_000
"""Chunks and frames that wait out a stall; what comes beyond is lost, as in a real buffer."""

Put = Callable[[bytes, str], None]
"""Writes bytes at once; to whom, as in Outgoing."""


def instant() -> Instant:
    """Now."""
    return Instant(time.time_ns(), time.monotonic())


class Wire:
    """Devices that share one medium. All of them hear what comes; they do not hear each other.

    url: the link by which a gateway reads this wire. counts: chunks heard and frames said; what a
    wire cannot do for want of a partner is counted as `unheard`.
    """

    def __init__(self, url: str, spoiler: Spoiler | None = None) -> None:
        self.url = url
        self.counts: Counter[str] = Counter()
        self.spoiler = spoiler
        self._faults: Counter[str] = spoiler.counts if spoiler else Counter()
        self._began = time.monotonic()
        self._deaf = 0
        self._stalled = 0
        self._unplugged = 0
        self._kept: list[Callable[[], None]] = []
        self._later: set[asyncio.TimerHandle] = set()

    @property
    def faults(self) -> Counter[str]:
        """How often each fault happened."""
        return self._faults

    @property
    def deaf(self) -> bool:
        """Whether it is half-open now: it takes clients and bytes, and answers nothing."""
        return self._deaf > 0

    def suffer(self, kind: str, seconds: float) -> None:
        """A line fault (faults.LINE_FAULTS) now, for so many seconds; `disconnect` takes no time."""
        self.faults[kind] += 1
        if kind == "disconnect":
            self._drop_clients()
        elif kind == "half_open":
            self._deaf += 1
            self._after(seconds, self._hear_again)
        elif kind == "stall":
            self._stalled += 1
            self._after(seconds, self._go_on)
        else:
            self._unplugged += 1
            if self._unplugged == 1:
                self._unplug()
            self._after(seconds, self._plug_again)

    def heard(self, conversation: "Conversation", chunk: bytes, origin: str = "") -> None:
        """Bytes came: to the devices, unless the wire is deaf or stalled."""
        self.counts["heard"] += 1
        if self._deaf:
            return
        if self._stalled:
            self._keep(lambda: conversation.hear(chunk, origin))
        else:
            conversation.hear(chunk, origin)

    def say(self, device: SimulatedDevice, frames: Sequence[Outgoing], origin: str, put: Put) -> None:
        """A device's frames, spoiled where a rule says so, handed to `put`."""
        for frame in frames:
            to = frame.to or origin
            self.counts["said"] += 1
            if self.spoiler is None:
                self._write(put, frame.payload, to)
            else:
                self._spoil(self.spoiler, device, Outgoing(frame.payload, to), put)

    def close(self) -> None:
        """Forgets whatever was to come."""
        for handle in self._later:
            handle.cancel()
        self._later.clear()
        self._kept.clear()

    def _spoil(self, spoiler: Spoiler, device: SimulatedDevice, frame: Outgoing, put: Put) -> None:
        spoiled = spoiler.spoil(device, frame.payload, time.monotonic() - self._began)
        for piece in spoiled.pieces:
            self._put_piece(piece, frame.to, put)
        for rule in spoiled.line:
            self.suffer(rule.kind, rule.seconds)

    def _put_piece(self, piece: Piece, to: str, put: Put) -> None:
        if piece.after:
            self._after(piece.after, lambda: self._write(put, piece.payload, to))
        else:
            self._write(put, piece.payload, to)

    def _write(self, put: Put, payload: bytes, to: str) -> None:
        if self._stalled:
            self._keep(lambda: self._write(put, payload, to))
        elif payload and not self._deaf and not self._unplugged:
            put(payload, to)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        def fire() -> None:
            self._later.discard(handle)
            act()

        handle = asyncio.get_running_loop().call_later(seconds, fire)
        self._later.add(handle)

    def _keep(self, act: Callable[[], None]) -> None:
        if len(self._kept) < MOST_KEPT:
            self._kept.append(act)

    def _hear_again(self) -> None:
        self._deaf -= 1

    def _go_on(self) -> None:
        self._stalled -= 1
        if not self._stalled:
            kept, self._kept = self._kept, []
            for act in kept:
                act()

    def _plug_again(self) -> None:
        self._unplugged -= 1
        if not self._unplugged:
            self._plug()

    def _drop_clients(self) -> None:
        """Ends every connection at once; a wire without connections has nothing to end."""

    def _unplug(self) -> None:
        """Takes the port away."""

    def _plug(self) -> None:
        """Gives the port back."""


class Conversation:
    """Devices and the way their frames go: one per wire, or one per client that has devices of its own."""

    def __init__(self, wire: Wire, devices: Sequence[SimulatedDevice], put: Put) -> None:
        self._wire, self._devices, self._put = wire, tuple(devices), put
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self.arm()

    def hear(self, chunk: bytes, origin: str = "") -> None:
        """Bytes for every device, and each one's answers."""
        now = instant()
        for device in self._devices:
            if frames := device.receive(chunk, now, origin):
                self._wire.say(device, frames, origin, self._put)
        self.arm()

    def arm(self) -> None:
        """Sets the timer to the first of the devices' wishes."""
        wishes = [device.wake_at for device in self._devices]
        first = min((wish for wish in wishes if wish is not None), default=None)
        if first == self._armed_for:
            return
        self.close()
        self._armed_for = first
        if first is not None:
            delay = max(0.0, first - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def close(self) -> None:
        """Wakes nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._armed_for = None

    def _wake(self) -> None:
        self._timer = self._armed_for = None
        now = instant()
        for device in self._devices:
            if device.wake_at is not None and device.wake_at <= now.monotonic:
                self._wire.say(device, device.wake(now), "", self._put)
        self.arm()


async def misfortunes(wire: Wire) -> None:
    """Lets the line faults happen whose time alone decides, for ever."""
    rules = [rule for rule in wire.spoiler.rules if rule.timed] if wire.spoiler else []
    async with asyncio.TaskGroup() as group:
        for rule in rules:
            group.create_task(_repeat(wire, rule))


async def _repeat(wire: Wire, rule: FaultRule) -> None:
    await asyncio.sleep(rule.start)
    while True:
        wire.suffer(rule.kind, rule.seconds)
        if math.isinf(rule.again):
            return
        await asyncio.sleep(rule.again)


@asynccontextmanager
async def living(wire: Wire) -> AsyncGenerator[None]:
    """While the block runs, the wire's timed faults happen; then whatever was to come is forgotten."""
    rules = wire.spoiler.rules if wire.spoiler else ()
    async with AsyncExitStack() as stack:
        stack.callback(wire.close)
        if any(rule.timed for rule in rules):
            await stack.enter_async_context(alongside(misfortunes(wire)))
        yield
