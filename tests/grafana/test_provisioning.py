"""The folder that Grafana provisions itself from."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from grafana import MapView, Server, write_provisioning
from telemetry import ConfigurationError
from tests.reference import reference

SECRET = "s3cr3t-t0ken"
STORE = f"influxdbs://writer:{SECRET}@influx.example:9999/haidang?rp=year&retention=365d"


def written(folder: Path, store: str = STORE, server: Server = Server.V1) -> dict[str, Any]:
    write_provisioning(folder, store, server=server)
    return {
        name: yaml.safe_load((folder / name / "haidang.yaml").read_text("utf-8"))
        for name in ("datasources", "dashboards")
    }


@pytest.mark.parametrize("server", Server)
@pytest.mark.parametrize("kind", ["datasources", "dashboards"])
def test_provisioning_files_are_valid(tmp_path: Path, kind: str, server: Server) -> None:
    schema = json.loads(reference(f"grafana-spec/provisioning-{kind}.schema.json").read_text("utf-8"))
    content = written(tmp_path, server=server)[kind]
    assert [error.message for error in Draft7Validator(schema).iter_errors(content)] == []


def test_the_paths_of_the_files_are_returned_and_nothing_else_is_left(tmp_path: Path) -> None:
    paths = write_provisioning(tmp_path, STORE)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(paths)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "datasources/haidang.yaml",
        "dashboards/haidang.yaml",
        "dashboards/port.json",
    ]


@pytest.mark.parametrize("server", Server)
def test_no_secret_is_in_any_file(tmp_path: Path, server: Server) -> None:
    for path in write_provisioning(tmp_path, STORE, server=server):
        assert SECRET not in path.read_text("utf-8")


def test_the_data_source_is_the_store_in_influxql_through_grafanas_server(tmp_path: Path) -> None:
    (source,) = written(tmp_path)["datasources"]["datasources"]
    assert source["access"] == "proxy"
    assert source["uid"] == "haidang-influxdb"
    assert source["url"] == "https://influx.example:9999"
    assert source["user"] == "writer"
    assert source["secureJsonData"] == {"password": "$HAIDANG_INFLUX_PASSWORD"}
    assert source["jsonData"] == {
        "product": "InfluxDB OSS 1.x",
        "version": "InfluxQL",
        "dbName": "haidang",
        "httpMode": "POST",
        "timeInterval": "10s",
    }


@pytest.mark.parametrize(("server", "scheme"), [(Server.V2, "Token"), (Server.V3, "Bearer")])
def test_newer_servers_get_their_token_in_a_header(tmp_path: Path, server: Server, scheme: str) -> None:
    (source,) = written(tmp_path, server=server)["datasources"]["datasources"]
    assert "user" not in source
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    assert source["secureJsonData"] == {"httpHeaderValue1": f"{scheme} $HAIDANG_INFLUX_PASSWORD"}


def test_grafana_may_sign_in_as_somebody_who_only_reads(tmp_path: Path) -> None:
    write_provisioning(tmp_path, STORE, user="reader")
    (source,) = yaml.safe_load((tmp_path / "datasources/haidang.yaml").read_text("utf-8"))["datasources"]
    assert source["user"] == "reader"


def test_a_store_without_a_user_needs_no_password(tmp_path: Path) -> None:
    (source,) = written(tmp_path, "influxdb://localhost/haidang")["datasources"]["datasources"]
    assert "secureJsonData" not in source
    assert source["url"] == "http://localhost:8086"


def test_a_dollar_in_a_name_is_not_taken_for_a_variable(tmp_path: Path) -> None:
    (source,) = written(tmp_path, "influxdb://a$b:x@localhost/c$d")["datasources"]["datasources"]
    assert (source["user"], source["jsonData"]["dbName"]) == ("a$$b", "c$$d")


def test_the_provider_names_the_folder_where_grafana_finds_the_boards(tmp_path: Path) -> None:
    (provider,) = written(tmp_path)["dashboards"]["providers"]
    assert provider["options"] == {"path": str(tmp_path / "dashboards")}
    write_provisioning(tmp_path, STORE, installed_at=Path("/etc/grafana/provisioning"))
    (provider,) = yaml.safe_load((tmp_path / "dashboards/haidang.yaml").read_text())["providers"]
    assert provider["options"] == {"path": "/etc/grafana/provisioning/dashboards"}


def test_written_again_the_files_are_the_same(tmp_path: Path) -> None:
    before = [path.read_bytes() for path in write_provisioning(tmp_path, STORE)]
    assert [path.read_bytes() for path in write_provisioning(tmp_path, STORE)] == before


def test_the_map_can_show_another_port_on_its_own_tiles(tmp_path: Path) -> None:
    tiles = "http://tiles.example/{z}/{x}/{y}.png"
    write_provisioning(tmp_path, STORE, view=MapView(10.4, 107.0, 12, tiles))
    board = json.loads((tmp_path / "dashboards" / "port.json").read_text("utf-8"))
    (options,) = (panel["options"] for panel in board["panels"] if panel["type"] == "geomap")
    assert options["basemap"]["type"] == "xyz"
    assert options["basemap"]["config"]["url"] == tiles
    assert (options["view"]["lat"], options["view"]["lon"], options["view"]["zoom"]) == (10.4, 107.0, 12)


def test_without_influxdb_it_says_what_boards_need(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"boards read InfluxDB.*\[store\] url"):
        write_provisioning(tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "datasources").write_text("in the way")
    with pytest.raises(ConfigurationError, match="datasources"):
        write_provisioning(tmp_path, STORE)
