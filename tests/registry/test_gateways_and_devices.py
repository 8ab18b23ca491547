"""Gateways and devices: what is created is there, what contradicts is refused, versions grow."""

import stat
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from registry import Conflict, NotFound, Registry, open_registry
from telemetry import Device, RegistryError

MAST = Device(id="quay-mast", profile="nmea-weather", link="tcp://127.0.0.1:10110")
METER = Device(
    id="quay-power",
    profile="eastron-sdm630",
    link="serial:///dev/ttyUSB0?baudrate=9600",
    name="Điện cầu cảng 1",
    every=0.5,
    unit_id=7,
    settings={"timeout": 0.5, "words": ["low", "high"]},
)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    ticks = count(1_800_000_000_000_000_000)
    async with open_registry(tmp_path / "registry.db", clock=lambda: next(ticks)) as opened:
        yield opened


async def test_a_gateway_and_its_devices_are_read_back_as_they_were_created(registry: Registry) -> None:
    created = await registry.gateways.create("dinh-vu", name="Đình Vũ", site="Hải Phòng")
    assert await registry.gateways.get("dinh-vu") == created
    assert (created.name, created.site) == ("Đình Vũ", "Hải Phòng")
    for device in (MAST, METER):
        record = await registry.devices.create(device, "dinh-vu")
        assert await registry.devices.get(device.id) == record
        assert record.device == device
        assert record.gateway == "dinh-vu"


async def test_every_field_of_a_device_is_kept(registry: Registry) -> None:
    await registry.gateways.create("dinh-vu")
    await registry.devices.create(METER, "dinh-vu")
    assert all(getattr(METER, name) != field.default for name, field in Device.model_fields.items())
    assert (await registry.devices.get(METER.id)).device == METER


async def test_everything_is_still_there_after_reopening(tmp_path: Path) -> None:
    for opening in range(2):
        async with open_registry(f"sqlite:///{tmp_path}/registry.db") as registry:
            if opening == 0:
                await registry.gateways.create("dinh-vu")
                await registry.devices.create(METER, "dinh-vu")
            assert (await registry.devices.get("quay-power")).device == METER


async def test_every_change_of_a_gateways_devices_makes_its_configuration_a_new_version(
    registry: Registry,
) -> None:
    async def version(gateway: str) -> int:
        return (await registry.gateways.get(gateway)).config_version

    await registry.gateways.create("dinh-vu")
    await registry.gateways.create("lach-huyen")
    await registry.devices.create(MAST, "dinh-vu")
    await registry.devices.change(MAST.model_copy(update={"name": "Mast"}))
    assert await version("dinh-vu") == 2
    await registry.devices.change(MAST, gateway="lach-huyen")
    assert (await version("dinh-vu"), await version("lach-huyen")) == (3, 1)
    await registry.devices.delete("quay-mast")
    assert (await version("dinh-vu"), await version("lach-huyen")) == (3, 2)


async def test_a_device_id_is_unique_across_all_gateways(registry: Registry) -> None:
    await registry.gateways.create("dinh-vu")
    await registry.gateways.create("lach-huyen")
    await registry.devices.create(MAST, "dinh-vu")
    with pytest.raises(Conflict, match="already, on gateway 'dinh-vu'"):
        await registry.devices.create(MAST, "lach-huyen")
    assert (await registry.gateways.get("lach-huyen")).config_version == 0, "a refusal changes nothing"


async def test_a_gateway_with_devices_cannot_be_deleted_before_they_are(registry: Registry) -> None:
    await registry.gateways.create("dinh-vu")
    await registry.devices.create(MAST, "dinh-vu")
    with pytest.raises(Conflict, match="still has 1 devices"):
        await registry.gateways.delete("dinh-vu")
    await registry.devices.delete(MAST.id)
    await registry.gateways.delete("dinh-vu")
    assert list(await registry.gateways.list()) == []


async def test_changing_a_gateway_changes_what_is_given_and_no_configuration(registry: Registry) -> None:
    created = await registry.gateways.create("dinh-vu", name="Đình Vũ", site="Hải Phòng")
    changed = await registry.gateways.change("dinh-vu", name="Đình Vũ 2")
    assert (changed.name, changed.site, changed.config_version) == ("Đình Vũ 2", "Hải Phòng", 0)
    assert changed.changed_at > created.changed_at
    assert await registry.gateways.get("dinh-vu") == changed


async def test_a_taken_gateway_id_is_refused(registry: Registry) -> None:
    await registry.gateways.create("dinh-vu")
    with pytest.raises(Conflict, match="'dinh-vu' already"):
        await registry.gateways.create("dinh-vu")


@pytest.mark.parametrize("wrong", ["", "#", "a/b", "..", "Đình-Vũ", "x" * 64])
async def test_an_id_that_could_not_stand_in_a_topic_is_refused(registry: Registry, wrong: str) -> None:
    with pytest.raises(RegistryError, match="is not an id"):
        await registry.gateways.create(wrong)


async def test_what_is_not_there_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no gateway 'nowhere'"):
        await registry.gateways.get("nowhere")
    with pytest.raises(NotFound, match="no gateway 'nowhere'"):
        await registry.devices.create(MAST, "nowhere")
    with pytest.raises(NotFound, match="no device 'quay-mast'"):
        await registry.devices.change(MAST)


async def test_lists_come_in_pages_that_miss_nothing_and_repeat_nothing(registry: Registry) -> None:
    await registry.gateways.create("dinh-vu")
    await registry.gateways.create("lach-huyen")
    for number in range(7):
        device = MAST.model_copy(update={"id": f"mast-{number}"})
        await registry.devices.create(device, "dinh-vu" if number % 2 else "lach-huyen")
    seen: list[str] = []
    while page := await registry.devices.list(limit=3, after=seen[-1] if seen else ""):
        seen += [record.device.id for record in page]
    assert seen == [f"mast-{number}" for number in range(7)]
    own = await registry.devices.list(gateway="dinh-vu")
    assert [record.device.id for record in own] == ["mast-1", "mast-3", "mast-5"]


async def test_the_files_of_the_registry_are_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.touch(0o644)
    async with open_registry(path) as registry:
        await registry.gateways.create("dinh-vu")
        modes = _modes(tmp_path)
    assert modes == {"registry.db": 0o600, "registry.db-wal": 0o600, "registry.db-shm": 0o600}


def _modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
