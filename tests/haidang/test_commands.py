"""The commands that need nothing running, as a user types them."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from haidang.cli import cli

runner = CliRunner()


def configuration(folder: Path, text: str) -> str:
    file = folder / "haidang.toml"
    file.write_text(text, "utf-8")
    return str(file)


def test_help_says_what_to_try_first() -> None:
    result = runner.invoke(cli, ["--help"])
    assert result.exit_code == 0
    assert "haidang up --demo" in result.output


def test_a_good_configuration_is_called_good(tmp_path: Path) -> None:
    result = runner.invoke(cli, ["check", configuration(tmp_path, '[[gateway]]\nid = "quay"\n')])
    assert result.exit_code == 0
    assert "good: 1 gateway, 0 devices" in result.output


def test_the_same_device_twice_is_told_with_its_line(tmp_path: Path) -> None:
    device = '[[gateway.device]]\nid = "mast"\nprofile = "nmea-weather"\nlink = "tcp://127.0.0.1:1"\n'
    result = runner.invoke(
        cli, ["check", configuration(tmp_path, f'[[gateway]]\nid = "q"\n{device}{device}')]
    )
    assert result.exit_code == 1
    assert "haidang.toml:8: there is a device 'mast' above already" in result.output


def test_settings_a_driver_does_not_know_are_told_at_their_line(tmp_path: Path) -> None:
    gateway = '[[gateway]]\nid = "q"\n[[gateway.device]]\nid = "meter"\nprofile = "eastron-sdm630"\n'
    settings = 'link = "tcp://127.0.0.1:502"\n[gateway.device.settings]\ntimeout = "300ms"\nnonsense = 1\n'
    result = runner.invoke(cli, ["check", configuration(tmp_path, gateway + settings)])
    assert result.exit_code == 1
    assert "haidang.toml:7: meter: " in result.output
    assert "nonsense" in result.output


def test_the_device_models_are_listed_with_those_of_the_site(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "own.yaml").write_text(
        "id: own-gauge\ntitle: {en: Own gauge, vi: Đồng hồ riêng}\ndriver: modbus\nkind: tank\nevery: 1s\n"
        "metrics: [{name: level, title: {en: Level, vi: Mức}, unit: m, read: {address: 1}}]\n"
    )
    result = runner.invoke(cli, ["profiles", "-c", configuration(tmp_path, 'profiles = ["models"]')])
    assert result.exit_code == 0
    assert "own-gauge" in result.output
    assert "eastron-sdm630" in result.output


def test_a_folder_of_models_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = runner.invoke(cli, ["profiles", "-c", configuration(tmp_path, 'profiles = ["nowhere"]')])
    assert result.exit_code == 1
    assert "nowhere is not a folder" in result.output.replace("\n", "")


def test_mosquitto_gets_a_user_for_each_gateway_and_files_only_their_owner_reads(tmp_path: Path) -> None:
    result = runner.invoke(
        cli, ["mosquitto", "--to", str(tmp_path / "mq"), "--gateway", "quay", "--port", "1883"]
    )
    assert result.exit_code == 0
    assert "quay: mqtt://quay:" in result.output
    assert "centre: mqtt://centre:" in result.output
    for file in (tmp_path / "mq").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = (tmp_path / "mq" / "passwords").read_text()
    assert all(line.split(":")[1].startswith("$7$") for line in written.splitlines())


def test_mosquitto_refuses_an_id_that_could_widen_its_topics(tmp_path: Path) -> None:
    result = runner.invoke(cli, ["mosquitto", "--to", str(tmp_path), "--gateway", "quay/#"])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_boards_are_written_and_hold_no_password(tmp_path: Path) -> None:
    store = '[store]\nurl = "influxdb://reader:hush-hush@127.0.0.1:8086/port"\n'
    where = ["--to", str(tmp_path / "grafana")]
    result = runner.invoke(cli, ["boards", *where, "-c", configuration(tmp_path, store)])
    assert result.exit_code == 0, result.output
    files = [file for file in (tmp_path / "grafana").rglob("*") if file.is_file()]
    assert {file.name for file in files} == {"haidang.yaml", "port.json"}
    assert not any("hush-hush" in file.read_text() for file in files)


def test_boards_without_influxdb_say_what_they_need(tmp_path: Path) -> None:
    result = runner.invoke(cli, ["boards", "--to", str(tmp_path)])
    assert result.exit_code == 1
    assert "[store]" in result.output


def test_incidents_are_listed_and_an_unknown_one_cannot_be_acknowledged(tmp_path: Path) -> None:
    where = ["--data-dir", str(tmp_path / "data")]
    assert runner.invoke(cli, ["incidents", *where]).exit_code == 0
    result = runner.invoke(cli, ["acknowledge", "7", "--by", "Lan", *where])
    assert result.exit_code == 1
    assert "there is no incident 7" in result.output


MAST = '[[gateway.device]]\nid = "mast"\nprofile = "nmea-weather"\nlink = "serial:///dev/ttyUSB0?baudrate=4800"\n'


METER = '[[gateway.device]]\nid = "meter"\nprofile = "eastron-sdm630"\nlink = "serial:///dev/ttyUSB0"\n'


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # apprise reads its plugins
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'[[gateway]]\nid = "q"\n{MAST}{MAST.replace("mast", "vane").replace("4800", "9600")}',
            ":10: vane: serial port /dev/ttyUSB0 is used by mast with other settings",
        ),
        (
            f'[[gateway]]\nid = "q"\n{MAST}[[gateway]]\nid = "r"\n{MAST.replace("mast", "vane")}',
            ":12: vane: serial port /dev/ttyUSB0 is used by mast on another gateway",
        ),
        (
            f'[[gateway]]\nid = "q"\n{METER}{METER.replace("meter", "relay")}',
            ": relay: meter is unit 1 on this link already",
        ),
        (
            f'[[gateway]]\nid = "q"\n{METER.replace("serial:///dev/ttyUSB0", "mqtt:quay/power")}',
            ":6: meter: device meter: modbus does not run over mqtt: write its link like tcp://",
        ),
        (
            '[broker]\nurl = "mqtts://centre.example"\nca_file = "nowhere.pem"\n',
            "nowhere.pem",
        ),
        (
            '[[contact]]\nid = "duty"\nchannels = ["tgram://123456789:abcdefg_hijklmnop/12315544/"]\n' * 2,
            ":5: there is a contact 'duty' above already",
        ),
        (
            '[[contact]]\nid = "duty"\nchannels = ["0912345678"]\n',
            ":3: contact duty: this is no URL; write it",
        ),
        (
            '[[gateway]]\nid = "q"\n' + MAST.replace("nmea-weather", "zzz"),
            ":5: mast: there is no profile 'zzz'; `haidang profiles` lists them",
        ),
    ],
)
def test_what_would_only_show_once_it_runs_is_told_before(tmp_path: Path, text: str, said: str) -> None:
    result = runner.invoke(cli, ["check", configuration(tmp_path, text)])
    assert result.exit_code == 1
    assert said in result.output


def test_devices_of_one_bus_and_several_dialled_devices_are_no_mistake(tmp_path: Path) -> None:
    bus = MAST + MAST.replace("mast", "vane")
    dialled = bus.replace("serial:///dev/ttyUSB0?baudrate=4800", "tcp://10.0.0.7:10110")
    dialled = dialled.replace('"mast"', '"mast-2"').replace('"vane"', '"vane-2"')
    text = f'[[gateway]]\nid = "q"\n{bus}{dialled}'
    result = runner.invoke(cli, ["check", configuration(tmp_path, text)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "kind: wether, metric: wind_speed",
            "rule gale: no device model has the kind 'wether'; there are air_quality, ais, ",
        ),
        (
            "kind: weather, metric: wind",
            "rule gale: no device model has the value 'wind'; there are air_pressure, ",
        ),
    ],
)
def test_a_rule_that_could_never_fire_is_told(tmp_path: Path, wrong: str, said: str) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        f"rules:\n  - id: gale\n    title: {{en: Gale, vi: Bão}}\n    when: {{{wrong}, above: 17}}\n"
    )
    result = runner.invoke(cli, ["check", configuration(tmp_path, 'rules = "rules.yaml"\n')])
    assert result.exit_code == 1
    assert f"rules.yaml:2: {said}" in result.output


def test_a_rule_on_a_value_that_devices_announce_themselves_is_no_mistake(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    when = "{kind: sparkplug, metric: tank_level, above: 4}"
    rules.write_text(f"rules:\n  - id: full\n    title: {{en: Full, vi: Đầy}}\n    when: {when}\n")
    result = runner.invoke(cli, ["check", configuration(tmp_path, 'rules = "rules.yaml"\n')])
    assert result.exit_code == 0, result.output


def test_a_gateway_cannot_have_the_centres_rights_at_the_broker(tmp_path: Path) -> None:
    result = runner.invoke(cli, ["mosquitto", "--to", str(tmp_path / "mq"), "--gateway", "centre"])
    assert result.exit_code == 1
    assert "'centre' is the name of the centre's own user" in result.output
    assert not (tmp_path / "mq").exists()


def test_a_folder_that_cannot_be_written_to_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mq").write_text("a file")
    result = runner.invoke(cli, ["mosquitto", "--to", str(tmp_path / "mq"), "--gateway", "quay"])
    assert result.exit_code == 1
    assert "name a folder that you may write to" in result.output


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_that_is_none_is_refused_and_not_wrapped_round(tmp_path: Path, port: str) -> None:
    result = runner.invoke(cli, ["up", "--port", port, "--data-dir", str(tmp_path / "data")])
    assert result.exit_code == 2
    assert not (tmp_path / "data").exists()


def test_what_looks_like_markup_or_an_emoji_is_shown_as_it_is(tmp_path: Path) -> None:
    result = runner.invoke(cli, ["check", str(tmp_path / "a:-1:[b].toml")])
    assert "a:-1:[b].toml: cannot be read" in result.output
