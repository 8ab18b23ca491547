"""How the services of one machine are started together."""

import asyncio
import socket
from pathlib import Path

import pytest

from haidang.configuration import load
from haidang.installation import Installation
from haidang.services import Whole, up
from tests.servers import free_port


async def test_gateways_read_their_devices_though_the_broker_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haidang.services.HEAD_START", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mast:
        mast.setblocking(False)
        file = tmp_path / "haidang.toml"
        file.write_text(
            f'[broker]\nurl = "mqtt://127.0.0.1:{free_port()}"\n[[gateway]]\nid = "quay"\n'
            '[[gateway.device]]\nid = "mast"\nprofile = "nmea-weather"\n'
            f'link = "tcp://127.0.0.1:{mast.getsockname()[1]}"\n'
        )
        installation = Installation.prepare(load(file, {}), tmp_path / "data")
        running = asyncio.create_task(up(installation, Whole(port=0)))
        async with asyncio.timeout(20):
            calling, _ = await asyncio.get_running_loop().sock_accept(mast)
        calling.close()
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()
