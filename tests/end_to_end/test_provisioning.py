"""An administrator adds, changes and removes devices while everything runs."""

import asyncio
from pathlib import Path

from drivers.nmea.sentences import encode
from tests import servers
from tests.end_to_end.platform import platform, run


async def test_a_device_created_through_the_api_reads_without_a_restart(tmp_path: Path) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(encode("YX", "MTW", ["26.5", "C"]))
                await writer.drain()
                await asyncio.sleep(0.1)
        except OSError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, platform(tmp_path, '[[gateway]]\nid = "quay"\n') as running:
        device = {
            "id": "sea-gauge",
            "gateway": "quay",
            "profile": "nmea-weather",
            "link": f"tcp://127.0.0.1:{port}",
        }
        await running.until("/api/v1/gateways/quay", lambda answer: answer.get("online"))
        created = await running.post("/api/v1/devices", device)
        assert created.status_code == 201, created.text
        latest = await running.until(
            "/api/v1/devices/sea-gauge/latest",
            lambda answer: answer.get("values", {}).get("water_temperature"),
        )
        assert latest["values"]["water_temperature"] == 26.5
        readings = await running.until(
            "/api/v1/devices/sea-gauge/readings",
            lambda answer: answer.get("items"),
            metrics="water_temperature",
        )
        assert readings["items"][0]["values"] == {"water_temperature": 26.5}


async def test_what_the_file_declares_is_shown_and_cannot_be_taken_over(tmp_path: Path) -> None:
    configuration = f"""
[[gateway]]
id = "quay"
[[gateway.device]]
id = "meter"
profile = "eastron-sdm630"
link = "tcp://127.0.0.1:{servers.free_port()}"
"""
    async with platform(tmp_path, configuration) as running:
        shown = await running.until("/api/v1/devices/meter", lambda answer: answer.get("declared") == "file")
        assert shown["profile"] == "eastron-sdm630"
        device = {"id": "meter", "gateway": "quay", "profile": "ais-receiver", "link": "tcp://127.0.0.1:1"}
        refused = await running.post("/api/v1/devices", device)
        assert refused.status_code == 409
        assert refused.headers["content-type"] == "application/problem+json"


async def test_check_tells_every_mistake_with_its_line_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "haidang.toml"
    file.write_text(
        """rules = "rules.yaml"
[[gateway]]
id = "quay"
[[gateway.device]]
id = "meter"
profile = "eastron-sdm63"
link = "tcp:/127.0.0.1"
[store]
url = "mysql://x"
[[contact]]
id = "duty"
channels = ["carrier-pigeon://loft"]
"""
    )
    (tmp_path / "rules.yaml").write_text("rules:\n  - id: wind\n    whenever: 3\n")
    code, output = await run("check", str(file))
    assert code == 1
    assert f"{file}:6: meter: there is no profile 'eastron-sdm63'; did you mean eastron-sdm630?" in output
    assert f"{file}:7: meter: " in output
    assert f"{file}:9: store.url: " in output
    assert f"{file}:12: contact duty: apprise knows no channel like this carrier-pigeon://…" in output
    assert "rules.yaml:3:5: rule wind: whenever: is not a key here" in output


async def test_services_apart_say_what_they_need(tmp_path: Path) -> None:
    for service in ("gateway", "ingest", "api"):
        file = tmp_path / "haidang.toml"
        file.write_text('[[gateway]]\nid = "quay"\n')
        code, output = await run(service, "--config", str(file), "--data-dir", str(tmp_path / "data"))
        assert code == 1
        assert "[broker] url" in output
        assert "Traceback" not in output
