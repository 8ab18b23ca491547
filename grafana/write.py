"""Writes the boards and their data source as a folder that Grafana provisions itself from.

datasources/haidang.yaml   where InfluxDB is; its password comes from the environment
dashboards/haidang.yaml    where the boards are
dashboards/port.json       the board of the port
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.data_source import Server, data_sources, literal
from grafana.port import port_board
from grafana.ships import MapView
from stores.influx_address import parse_address
from telemetry import ConfigurationError

SEEN_EVERY = 30  # seconds between Grafana's looks at the boards' files


def write_provisioning(
    folder: Path,
    store_url: str | None,
    *,
    server: Server = Server.V1,
    user: str | None = None,
    installed_at: Path | None = None,
    view: MapView | None = None,
) -> list[Path]:
    """Writes the files and returns their paths. Grafana never sees half a file.

    store_url: [store] url of the configuration. server: the generation of that InfluxDB. user: whom
    Grafana signs in as, instead of the store's user: one that may only read is enough. installed_at: where
    Grafana finds the folder, when that is not where it is written now. view: of the map. Raises
    ConfigurationError without a URL of an InfluxDB, and when the folder cannot be written.
    """
    if store_url is None:
        raise ConfigurationError(
            "boards read InfluxDB, and without [store] url the time series are in the embedded store, which "
            'Grafana cannot read: set url = "influxdb://user:password@host:8086/haidang"'
        )
    address = parse_address(store_url)
    if user is not None:
        address = replace(address, user=user)
    boards = (installed_at or folder.resolve()) / "dashboards"
    board = json.dumps(port_board(address.policy, view), cls=JSONEncoder, ensure_ascii=False, indent=2)
    texts = {
        folder / "datasources" / "haidang.yaml": _yaml(data_sources(address, server)),
        folder / "dashboards" / "haidang.yaml": _yaml(_providers(boards)),
        folder / "dashboards" / "port.json": board + "\n",
    }
    for path, text in texts.items():
        _write(path, text)
    return list(texts)


def _providers(boards: Path) -> Mapping[str, object]:
    provider = {
        "name": "haidang",
        "folder": "Hải Đăng",
        "folderUid": "haidang",
        "type": "file",
        "updateIntervalSeconds": SEEN_EVERY,
        "allowUiUpdates": False,
        "options": {"path": literal(str(boards))},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _yaml(content: Mapping[str, object]) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}): name a folder that you may write to"
        ) from error
