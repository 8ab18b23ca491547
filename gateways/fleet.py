"""The devices a gateway reads now: starts and stops their pumps as the configuration changes."""

import asyncio
import gc
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from broker.statuses import Condition, Key, key_of
from broker.wire import DeviceStatus, PushedDevice
from drivers.catalogue import Catalogue
from gateways import clock
from gateways.bus import Seat
from gateways.commands.under_way import Answer, reply_to
from gateways.device_record import DeviceRecord
from gateways.links import LinkAddress
from gateways.links.contract import Home
from gateways.open_files import allow_open_files
from gateways.pace import Pace
from gateways.placement import Placed, Placement, place
from gateways.pump import Pump, Sink
from gateways.settings import GatewaySettings
from telemetry import Command

SETTLING = 15.0
"""Seconds after a change until links are open and drivers in their rhythm. What stands by then stays, so
the garbage collector leaves it out of its rounds: with 5,000 devices one holds all up for half a second."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Running:
    devices: tuple[Placed, ...]
    pump: Pump
    task: asyncio.Task[None]


class Fleet:
    """Pumps in a task group, one per link. What does not change is left alone: links and devices on them."""

    def __init__(
        self,
        settings: GatewaySettings,
        catalogue: Catalogue,
        sink: Sink,
        pumps: asyncio.TaskGroup,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._sink = sink
        self._pumps = pumps
        self._pace = Pace()
        self._running: dict[LinkAddress, _Running] = {}
        self._placement = Placement()
        self._records: dict[str, DeviceRecord] = {}
        self._settled: asyncio.TimerHandle | None = None
        self._closed = False

    async def apply(self, pushed: Sequence[PushedDevice]) -> None:
        """Reads the file's devices and these from now on."""
        if self._closed:
            return
        placement = place(self._settings.devices, pushed, self._catalogue, self._placement)
        wanted = placement.by_link()
        await self._stop([address for address in self._running if address not in wanted])
        self._remember(placement)
        allow_open_files(len(wanted))
        for address, devices in wanted.items():
            self._read(address, devices)
        self._settle()
        for refusal in placement.refused:
            log.error("device.refused", device=refusal.id, reason=refusal.detail)

    def command(self, command: Command, reply: Answer) -> None:
        """Has a device carry it out. Calls `reply` exactly once, at once or by the command's expiry."""
        placed = self._placement.devices.get(command.device)
        running = None if placed is None else self._running.get(placed.address)
        if running is None:
            reply(reply_to(command, "refused", f"this gateway reads no device {command.device!r}"))
        elif running.task.done():
            reply(reply_to(command, "unsent", "the gateway is stopping"))
        else:
            running.pump.command(command, reply)

    def conditions(self) -> dict[Key, Condition]:
        """How every device fares, refused ones too: a tenth of the work of `status`."""
        now = clock.now()
        known = {(name, one.declared, False): one.condition(now) for name, one in self._records.items()}
        return known | {key_of(one): (one.state, one.detail) for one in self._placement.refused}

    def status(self, only: Container[Key] | None = None) -> list[DeviceStatus]:
        """Every device, refused ones too, or only these."""
        now = clock.now()
        records, refused = self._records.values(), self._placement.refused
        if only is None:
            return [record.status(now) for record in records] + refused
        wanted = [one for one in records if (one.device.id, one.declared, False) in only]
        return [one.status(now) for one in wanted] + [one for one in refused if key_of(one) in only]

    def close(self) -> None:
        """From now on no configuration is applied, and the garbage collector sees everything again.

        What is frozen when the interpreter ends is never freed, which extensions complain of on the terminal.
        """
        self._closed = True
        if self._settled is not None:
            self._settled.cancel()
        gc.unfreeze()

    async def _stop(self, addresses: Sequence[LinkAddress]) -> None:
        tasks = [self._running.pop(address).task for address in addresses]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _settle(self) -> None:
        if self._settled is not None:
            self._settled.cancel()
        self._settled = asyncio.get_running_loop().call_later(SETTLING, gc.freeze)

    def _remember(self, placement: Placement) -> None:
        """A device that stays as it was keeps its counts."""
        records: dict[str, DeviceRecord] = {}
        for placed in placement.placed:
            record = self._records.get(placed.device.id)
            if record is None or record.device != placed.device or record.declared != placed.declared:
                record = DeviceRecord(placed.device, placed.declared, placed.silence)
            records[placed.device.id] = record
        self._records = records  # at once: another thread may be asking for the status
        self._placement = placement

    def _read(self, address: LinkAddress, devices: tuple[Placed, ...]) -> None:
        """Starts a link, or changes which devices share it."""
        running = self._running.get(address)
        before = () if running is None else running.devices
        pump = Pump(address, self._sink) if running is None else running.pump
        for placed in before:
            if placed not in devices:
                pump.remove(placed.device.id)
        for placed in devices:
            if placed not in before:
                pump.add(self._seat(placed), self._records[placed.device.id])
        home = Home(self._settings.broker, self._settings.id)
        task = self._pumps.create_task(pump.run(home, self._pace)) if running is None else running.task
        self._running[address] = _Running(devices, pump, task)

    def _seat(self, placed: Placed) -> Seat:
        open_driver = partial(self._catalogue.open_driver, placed.device)
        return Seat(placed.device.id, open_driver, placed.driver)
