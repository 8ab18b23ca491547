"""haidang.toml: what is understood, and what is said when it is not."""

from pathlib import Path

import pytest

from haidang.configuration import Configuration, MistakesError, load

EXAMPLE = """
[site]
name = "Dinh Vu"
locode = "VNHPH"

[[gateway]]
id = "dinh-vu"

[[gateway.device]]
id = "ais-dinh-vu"
profile = "ais-receiver"
link = "tcp://127.0.0.1:10110"

[[gateway.device]]
id = "quay-power"
profile = "eastron-sdm630"
link = "serial:///dev/ttyUSB0?baudrate=9600"
unit_id = 1
every = "1s"

[store]
url = "influxdb://user:token@127.0.0.1:8086/haidang"

[broker]
url = "mqtts://centre.example:8883"
"""


def mistakes(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "haidang.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(MistakesError) as caught:
        load(file, {})
    return [str(mistake).removeprefix(f"{file}:") for mistake in caught.value.mistakes]


def test_the_documented_example_is_understood(tmp_path: Path) -> None:
    file = tmp_path / "haidang.toml"
    file.write_text(EXAMPLE)
    configuration = load(file, {}).configuration
    assert configuration.site.locode == "VNHPH"
    assert [device.id for device in configuration.gateway[0].device] == ["ais-dinh-vu", "quay-power"]
    assert configuration.gateway[0].device[1].every == 1.0
    assert configuration.broker.url == "mqtts://centre.example:8883"


def test_without_a_file_the_defaults_need_no_server() -> None:
    configuration = load(None, {}).configuration
    assert configuration == Configuration()
    assert configuration.store.url is None
    assert configuration.broker.url is None
    assert configuration.api.host == "127.0.0.1"


def test_the_environment_stands_over_the_file_and_secrets_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "haidang.toml"
    file.write_text(EXAMPLE)
    secret = tmp_path / "store"
    secret.write_text("influxdb://user:other@127.0.0.1:8086/haidang\n")
    environment = {"HAIDANG_API__PORT": "9000", "HAIDANG_STORE__URL_FILE": str(secret), "HAIDANG_HOME": "x"}
    configuration = load(file, environment).configuration
    assert configuration.api.port == 9000
    assert configuration.store.url == "influxdb://user:other@127.0.0.1:8086/haidang"


@pytest.mark.parametrize("variable", ["HAIDANG_GATEWAY__ID", "HAIDANG_STORE__URL__PASSWORD"])
def test_a_variable_that_names_no_section_is_told(tmp_path: Path, variable: str) -> None:
    file = tmp_path / "haidang.toml"
    file.write_text(EXAMPLE)
    with pytest.raises(MistakesError, match=f"{variable}: .* is no section with keys of its own"):
        load(file, {variable: "x"})


def test_no_secret_shows_where_a_configuration_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "haidang.toml"
    file.write_text(
        '[store]\nurl = "influxdb://u:sesame@h/d"\n[broker]\nurl = "mqtt://u:sesame@h"\n'
        '[registry]\nurl = "postgresql://u:sesame@h/d"\n'
        '[[contact]]\nid = "duty"\nchannels = ["tgram://sesame/1"]\n'
    )
    assert "sesame" not in repr(load(file, {}))


def test_every_mistake_is_told_at_once_with_its_line_and_what_to_do(tmp_path: Path) -> None:
    text = EXAMPLE.replace('id = "quay-power"', 'id = "Quay power"')
    text = text.replace('every = "1s"', 'every = "1 fortnight"').replace("unit_id = 1", "unit_ids = 1")
    told = mistakes(tmp_path, text)
    assert told[0].startswith("15: gateway.0.device.1.id: 'Quay power' is not an id: use 1 to 63")
    assert told[1].startswith("19: gateway.0.device.1.every: '1 fortnight' is not a duration")
    assert told[2] == (
        "18: gateway.0.device.1.unit_ids: there is no such key; "
        "there are every, id, link, name, profile, settings, unit_id"
    )
    assert len(told) == 3


def test_a_missing_key_is_told_at_its_table(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, EXAMPLE.replace('profile = "eastron-sdm630"\n', ""))
    assert told == "14: gateway.0.device.1.profile: is missing and must be given"


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, "[site]\nname = unquoted\n")
    assert "not TOML" in told
    assert told.startswith("2: ")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match="check the path and who may read it"):
        load(tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[gateway]\nid = "quay"\n', "1: gateway: is a list: write [[gateway]]"),
        (
            '[[gateway]]\nid = "q"\n[[gateway.device]]\nid = "m"\nprofile = "p"\nlink = "l"\nsettings = 5\n',
            '7: gateway.0.device.0.settings: is a table: write settings = {name = "value"}',
        ),
        (
            '[[gateway]]\nid = "quay"\n[gateway.device]\nid = "mast"\n',
            "3: gateway.0.device: is a list: write [[gateway.device]]",
        ),
        ('profiles = "models"\n', '1: profiles: is a list: write profiles = ["…"]'),
        ('[[contact]]\nid = "duty"\nchannels = []\n', "3: contact.0.channels: is empty; give one at least"),
        ('[site]\nlocode = "VN HPH"\n', "2: site.locode: 'VN HPH' is not a UN/LOCODE"),
        ('[site]\nname = "a\\nb"\n', "2: site.name: is one line of at most 200 characters"),
        ('[store]\nretention = "1m"\n', "2: store.retention: points are kept for an hour at least"),
        ('[site]\nname = "a"\nname = "b"\n', "3: not TOML: Cannot overwrite a value, at character"),
    ],
)
def test_a_mistake_is_told_in_words_of_the_file_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (mistake,) = mistakes(tmp_path, text)
    assert mistake.startswith(said)


def test_a_byte_order_mark_and_windows_line_ends_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "haidang.toml"
    file.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert load(file, {}).configuration.site.locode == "VNHPH"


def test_text_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "haidang.toml"
    file.write_bytes(b'[site]\nname = "C\xe9"\n')
    with pytest.raises(MistakesError, match=r"toml:2: byte 0xe9 is not UTF-8 text: save the file as UTF-8"):
        load(file, {})
