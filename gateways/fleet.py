"""The devices a gateway reads now: starts and stops their pumps as the configuration changes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from broker.wire import DeviceStatus, PushedDevice
from drivers.catalogue import Catalogue
from gateways import clock
from gateways.bus import Bus, Seat
from gateways.device_record import DeviceRecord
from gateways.links import LinkAddress
from gateways.placement import Placed, Placement, place
from gateways.pump import Pump
from gateways.settings import GatewaySettings
from telemetry import Reading

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Running:
    devices: tuple[Placed, ...]
    task: asyncio.Task[None]


class Fleet:
    """Pumps in a task group, one per link. A link none of whose devices changed is left alone."""

    def __init__(
        self,
        settings: GatewaySettings,
        catalogue: Catalogue,
        sink: Callable[[Sequence[Reading]], None],
        pumps: asyncio.TaskGroup,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._sink = sink
        self._pumps = pumps
        self._running: dict[LinkAddress, _Running] = {}
        self._records: dict[str, DeviceRecord] = {}
        self._refused: list[DeviceStatus] = []
        self._closed = False

    async def apply(self, pushed: Sequence[PushedDevice]) -> None:
        """Reads the file's devices and these from now on."""
        if self._closed:
            return
        placement = place(self._settings.devices, pushed, self._catalogue)
        wanted = placement.by_link()
        stopped = [
            address for address, running in self._running.items() if wanted.get(address) != running.devices
        ]
        await self._stop(stopped)
        self._remember(placement)
        for address, devices in wanted.items():
            if address not in self._running:
                self._start(address, devices)
        self._refused = placement.refused
        for refusal in placement.refused:
            log.error("device.refused", device=refusal.id, reason=refusal.detail)

    def status(self) -> list[DeviceStatus]:
        """Every device, refused ones too."""
        now = clock.now()
        return [record.status(now) for record in self._records.values()] + self._refused

    def close(self) -> None:
        """From now on no configuration is applied."""
        self._closed = True

    async def _stop(self, addresses: Sequence[LinkAddress]) -> None:
        tasks = [self._running.pop(address).task for address in addresses]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _remember(self, placement: Placement) -> None:
        """A device that stays as it was keeps its counts."""
        records: dict[str, DeviceRecord] = {}
        for placed in placement.placed:
            record = self._records.get(placed.device.id)
            if record is None or record.device != placed.device or record.declared != placed.declared:
                record = DeviceRecord(placed.device, placed.declared, placed.silence)
            records[placed.device.id] = record
        self._records = records  # at once: another thread may be asking for the status

    def _start(self, address: LinkAddress, devices: tuple[Placed, ...]) -> None:
        seats = [self._seat(placed) for placed in devices]
        records = {seat.device: self._records[seat.device] for seat in seats}
        pump = Pump(address, Bus(seats), records, self._sink)
        task = self._pumps.create_task(pump.run(self._settings.broker, self._settings.id))
        self._running[address] = _Running(devices, task)

    def _seat(self, placed: Placed) -> Seat:
        open_driver = partial(self._catalogue.open_driver, placed.device)
        return Seat(placed.device.id, open_driver, open_driver())
