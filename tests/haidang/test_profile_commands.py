"""`haidang profiles`: what a person at a terminal sees of device models."""

import json
from pathlib import Path

from typer.testing import CliRunner

from haidang.cli import cli

runner = CliRunner()
TANK = (
    "id: own-tank\ntitle: {en: Own tank, vi: Bồn riêng}\ndriver: modbus\nkind: tank\nevery: 5s\n"
    "source: Manual\n"
    "metrics: [{name: level, title: {en: Level, vi: Mức}, unit: m, read: {address: 7, scale: 0.1}}]\n"
)


def folder_of(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "own.yaml").write_text(text, "utf-8")
    return folder


def configuration(tmp_path: Path) -> str:
    file = tmp_path / "haidang.toml"
    file.write_text('profiles = ["models"]\n', "utf-8")
    return str(file)


def test_a_model_is_shown_with_values_units_places_and_source(tmp_path: Path) -> None:
    folder_of(tmp_path, TANK)
    result = runner.invoke(cli, ["profiles", "show", "own-tank", "-c", configuration(tmp_path)])
    assert result.exit_code == 0
    for said in ("Own tank · Bồn riêng", "every     5 s", "source    Manual", "level", "Mức", "address 7"):
        assert said in result.output


def test_a_model_nobody_knows_is_answered_with_the_nearest() -> None:
    result = runner.invoke(cli, ["profiles", "show", "eastron-sdm63"])
    assert result.exit_code == 1
    assert "did you mean eastron-sdm630" in result.output


def test_a_folder_is_checked_and_its_mistakes_are_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, TANK)
    result = runner.invoke(cli, ["profiles", "check", str(folder)])
    assert (result.exit_code, "good: 1 profile" in result.output) == (0, True)
    (folder / "own.yaml").write_text(TANK.replace("scale", "skale"), "utf-8")
    result = runner.invoke(cli, ["profiles", "check", str(folder / "own.yaml")])
    assert result.exit_code == 1
    assert "own.yaml:7:82: metric level: read.skale: is not a key here; did you mean scale?" in result.output


def test_what_is_no_file_or_folder_is_told() -> None:
    result = runner.invoke(cli, ["profiles", "check", "nowhere"])
    assert (result.exit_code, "there is no file or folder nowhere" in result.output) == (1, True)


def test_the_configurations_check_tells_the_mistakes_of_its_own_models(tmp_path: Path) -> None:
    folder_of(tmp_path, TANK.replace("scale", "skale"))
    result = runner.invoke(cli, ["check", configuration(tmp_path)])
    assert result.exit_code == 1
    assert "models/own.yaml:7:82: metric level: read.skale: is not a key here" in result.output


def test_a_model_that_cannot_be_read_is_told_with_its_line_by_every_command(tmp_path: Path) -> None:
    folder_of(tmp_path, TANK.replace("unit: m", "unit: metre"))
    for command in (["check"], ["profiles", "-c"]):
        result = runner.invoke(cli, [*command, configuration(tmp_path)])
        assert result.exit_code == 1
        assert "models/own.yaml:7:54: metric level: unit: unit 'metre' is not known" in result.output


def test_the_schema_is_printed_as_json() -> None:
    result = runner.invoke(cli, ["profiles", "schema"])
    assert json.loads(result.output)["title"] == "Hải Đăng device profile"


def test_a_device_that_names_a_family_is_told_its_models(tmp_path: Path) -> None:
    file = tmp_path / "haidang.toml"
    device = 'id = "mast"\nprofile = "vaisala-wxt"\nlink = "serial:///dev/ttyUSB0"\n'
    file.write_text(f'[[gateway]]\nid = "quay"\n[[gateway.device]]\n{device}', "utf-8")
    result = runner.invoke(cli, ["check", str(file)])
    assert result.exit_code == 1
    assert "haidang.toml:5: mast: 'vaisala-wxt' is a family of device models; name one of" in result.output
