"""Instruments described in their profile, through a pump: several on one RS-485 pair, one of them dead."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from drivers.catalogue import load_catalogue
from firmware_sim.frame_instrument import FrameInstrument
from firmware_sim.speaker import Speaker, Speech
from firmware_sim.wires import on_pty, on_tcp
from firmware_sim.wires.faults import FaultRule, Spoiler
from gateways.background import background
from gateways.bus import Seat
from gateways.device_record import DeviceRecord
from gateways.links import parse_link
from gateways.pump import Pump
from telemetry import Device, Reading, Value
from tests.waiting import until

CATALOGUE = load_catalogue()


class Listened:
    """A pump with these devices, and what it read."""

    def __init__(self, *devices: Device) -> None:
        self.readings: list[Reading] = []
        self.records = {device.id: DeviceRecord(device, "file", silence=60) for device in devices}
        self.pump = Pump(parse_link(devices[0].link), self._take)
        for device in devices:
            again = partial(CATALOGUE.open_driver, device)
            self.pump.add(Seat(device.id, again, again()), self.records[device.id])

    def _take(self, readings: Sequence[Reading]) -> None:
        self.readings += readings

    def of(self, device: str) -> list[dict[str, Value]]:
        return [dict(reading.values) for reading in self.readings if reading.device == device]


def wxt(unit: int, speed: float) -> Speaker:
    return Speaker(
        [Speech(f"{unit}R0,Dm=118D,Sm={{speed:.1f}}M", to=f"{unit}R0\r\n")], lambda: {"speed": speed}
    )


def device(name: str, profile: str, link: str, unit_id: int = 1, every: float = 0.2) -> Device:
    return Device(id=name, profile=profile, link=link, unit_id=unit_id, every=every)


async def test_instruments_on_one_pair_are_asked_in_turn_and_a_dead_one_stops_nobody(tmp_path: Path) -> None:
    async with on_pty(tmp_path / "bus", wxt(1, 5.0), wxt(2, 7.5), baudrate=9600, half_duplex=True) as wire:
        bus = Listened(
            device("one", "vaisala-wxt520", wire.url, 1),
            device("two", "vaisala-wxt520", wire.url, 2),
            device("dead", "vaisala-wxt520", wire.url, 3),
        )
        async with background(bus.pump.run()):
            await until(
                lambda: len(bus.of("one")) >= 3 and len(bus.of("two")) >= 3 and bus.records["dead"].faults
            )
        assert {reading["wind_speed"] for reading in bus.of("one")} == {5.0}
        assert {reading["wind_speed"] for reading in bus.of("two")} == {7.5}
        assert (bus.of("dead"), set(bus.records["dead"].faults)) == ([], {"timeout"})


async def test_a_frame_instrument_on_a_bad_wire_is_never_believed_wrongly() -> None:
    profile = CATALOGUE.profile("nova-sds011")
    sensor = FrameInstrument(profile, lambda: {"pm2_5": 12.4, "pm10": 30.1}, every=0.01)
    faults = [FaultRule("garble", rate=0.2), FaultRule("truncate", rate=0.2), FaultRule("glue", rate=0.1)]
    async with on_tcp(sensor, spoiler=Spoiler(faults, seed=7)) as wire:
        bus = Listened(device("dust", profile.id, wire.url))
        async with background(bus.pump.run()):
            await until(lambda: len(bus.of("dust")) >= 100 and sum(bus.records["dust"].faults.values()) >= 10)
        assert all(reading == {"pm2_5": 12.4, "pm10": 30.1} for reading in bus.of("dust"))
