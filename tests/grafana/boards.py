"""The written board as JSON, and what of it the tests go through."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grafana import write_provisioning

Json = dict[str, Any]


@cache
def board_text(policy: str = "") -> str:
    """The file that Grafana reads."""
    query = f"?rp={policy}" if policy else ""
    with TemporaryDirectory() as folder:
        write_provisioning(Path(folder), f"influxdb://127.0.0.1:8086/haidang{query}")
        return (Path(folder) / "dashboards" / "port.json").read_text("utf-8")


def board(policy: str = "") -> Json:
    """The board of the port."""
    read: Json = json.loads(board_text(policy))
    return read


def panels(policy: str = "") -> list[Json]:
    """Every panel that is no heading."""
    return [panel for panel in board(policy)["panels"] if panel["type"] != "row"]


def panel(number: int, policy: str = "") -> Json:
    """The panel with this id."""
    (found,) = (panel for panel in panels(policy) if panel["id"] == number)
    return found


def targets(policy: str = "") -> Iterator[tuple[Json, Json]]:
    """Every query with its panel."""
    return ((panel, target) for panel in panels(policy) for target in panel["targets"])


def variables() -> dict[str, Json]:
    """The board's variables by name."""
    return {variable["name"]: variable for variable in board()["templating"]["list"]}
