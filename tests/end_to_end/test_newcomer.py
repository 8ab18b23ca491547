"""A newcomer's path: an unknown device is plugged in, found, looked at, added, and its values are there."""

from pathlib import Path

from drivers.catalogue import load_catalogue
from firmware_sim.modbus_device import ModbusDevice
from firmware_sim.modbus_server import ModbusServer
from firmware_sim.wires import on_pty
from tests.end_to_end.platform import platform, run
from tests.haidang.discovery.test_scanning_modbus import METER


async def test_an_unknown_modbus_device_is_scanned_read_added_and_seen(tmp_path: Path) -> None:
    profile = load_catalogue().profile("eastron-sdm630")
    port = tmp_path / "ttyUSB0"
    server = ModbusServer(ModbusDevice(profile, lambda: METER, 3), framing="rtu")
    async with on_pty(port, server, baudrate=19200, bits=10, half_duplex=True, strict=True):
        link = f"serial://{port}?baudrate=19200&parity=N"
        code, told = await run(
            "scan", "modbus", f"serial://{port}", "--units", "3", "--lines", "--timeout", "0.5"
        )
        assert code == 0, told
        assert "fits eastron-sdm630" in told
        assert f"haidang add NAME --link '{link}' --profile eastron-sdm630 --unit 3" in told

        code, told = await run("registers", link, "--unit", "3", "--table", "input", "--count", "8")
        assert code == 0, told
        assert "229.9" in told

        device = ("--profile", "eastron-sdm630", "--unit", "3")
        code, told = await run("read", link, *device)
        assert code == 0, told
        assert "230.4" in told

        async with platform(tmp_path, '[[gateway]]\nid = "quay"\n') as running:
            await running.until("/api/v1/gateways/quay", lambda answer: answer.get("online"))
            api = ("--api", running.address)
            code, told = await run("add", "quay-power", "--link", link, *device, "--wait", "40", *api)
            assert code == 0, told
            assert "quay-power: ok" in told
            code, told = await run("devices", *api)
            assert code == 0, told
            assert "quay-power" in told
            latest = await running.get("/api/v1/devices/quay-power/latest")
            assert abs(latest["values"]["voltage_l1"] - 229.9) < 0.001
            code, told = await run("remove", "quay-power", *api)
            assert code == 0, told
