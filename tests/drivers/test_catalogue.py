"""The catalogue: shipped and site profiles, and errors a person can act on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.catalogue import Catalogue, load_catalogue, parse_profile
from drivers.modbus.plan import Plan
from drivers.words import MOST_KEPT, once_a_profile
from telemetry import Device, Profile, ProfileError
from tests.drivers.listening import CATALOGUE

MAST = """
id: mast
title: {en: Mast, vi: Cột}
driver: nmea
kind: weather
"""


def device(profile: str) -> Device:
    return Device(id="dut", profile=profile, link="tcp://127.0.0.1:1")


def test_the_catalogue_opens_a_driver_by_the_devices_profile() -> None:
    assert type(load_catalogue().open_driver(device("ais-receiver"))).__name__ == "AisReceiver"


def test_each_driver_is_a_fresh_one() -> None:
    catalogue = load_catalogue()
    assert catalogue.open_driver(device("ais-receiver")) is not catalogue.open_driver(device("ais-receiver"))


def test_an_unknown_profile_is_answered_with_the_nearest() -> None:
    with pytest.raises(ProfileError, match="no profile 'nmea-wether'; did you mean nmea-weather"):
        load_catalogue().open_driver(device("nmea-wether"))
    with pytest.raises(ProfileError, match="no profile 'zzz'; `haidang profiles` lists them"):
        load_catalogue().profile("zzz")


@pytest.mark.parametrize(
    ("profile", "link", "told"),
    [
        (
            "mqtt-json-weather",
            "tcp://127.0.0.1:502",
            "mqtt_json does not run over tcp: write its link like mqtt:",
        ),
        ("tasmota-plug", "serial:///dev/ttyUSB0", "mqtt_json does not run over serial"),
        ("onvif-camera", "tcp://127.0.0.1:80", "onvif does not run over tcp: write its link like onvif://"),
        ("nmea-weather", "onvif://127.0.0.1/", "nmea does not run over onvif: write its link like tcp://"),
        ("eastron-sdm630", "mqtt:port/#", "modbus does not run over mqtt: write its link like tcp://"),
        ("eastron-sdm630", "mqtt://meter:sesame@host/port", "modbus does not run over mqtt: write"),
        ("eastron-sdm630", "file:///log", "modbus does not run over file: "),
        ("visca-camera", "mqtt:cameras/#", "visca does not run over mqtt: "),
        ("pelco-d", "mqtt:cameras/#", "pelco does not run over mqtt: "),
        ("ais-receiver", "nonsense", "ais does not run over nonsense: "),
    ],
)
def test_a_link_that_the_driver_does_not_speak_over_is_refused_with_one_that_it_does(
    profile: str, link: str, told: str
) -> None:
    with pytest.raises(ProfileError, match=f"^device dut: {told}") as refused:
        CATALOGUE.open_driver(Device(id="dut", profile=profile, link=link))
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"settings": {"talkerz": []}}, "settings"),
        ({"link": "onvif://127.0.0.1/"}, "link"),
        ({"profile": "nmea-wether"}, "profile"),
    ],
)
def test_what_keeps_a_device_from_being_opened_is_named(changes: dict[str, object], blamed: str) -> None:
    device = Device(id="dut", profile="nmea-weather", link="tcp://127.0.0.1:1").model_copy(update=changes)
    with pytest.raises(ProfileError):
        CATALOGUE.open_driver(device)
    assert CATALOGUE.culprit(device) == blamed


def test_a_driver_that_does_not_exist_is_named_with_those_that_do() -> None:
    catalogue = Catalogue([parse_profile(MAST.replace("nmea", "os"), "mast.yaml")])
    with pytest.raises(ProfileError, match="profile mast: no driver 'os'; there are ais, "):
        catalogue.open_driver(device("mast"))


def test_a_sites_profile_replaces_the_shipped_one_of_its_id(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MAST.replace("id: mast", "id: nmea-weather"), "utf-8")
    (tmp_path / "other.yml").write_text(MAST, "utf-8")
    (tmp_path / "notes.txt").write_text("not a profile", "utf-8")
    catalogue = load_catalogue(tmp_path)
    assert catalogue.profile("nmea-weather").title.en == "Mast"
    assert catalogue.profile("mast").title.vi == "Cột"
    assert catalogue.profile("ais-receiver").driver == "ais"


def test_two_files_of_one_folder_with_one_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MAST, "utf-8")
    (tmp_path / "b.yaml").write_text(MAST, "utf-8")
    with pytest.raises(
        ProfileError, match=r"b\.yaml:2:1: another file has the id mast too: .*a\.yaml; change one"
    ):
        load_catalogue(tmp_path)


def test_a_folder_or_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"the profiles in .*/nowhere cannot be read"):
        load_catalogue(tmp_path / "nowhere")
    (tmp_path / "latin.yaml").write_bytes(b"id: m\xe2t")
    with pytest.raises(ProfileError, match=r"latin\.yaml cannot be read as UTF-8 text"):
        load_catalogue(tmp_path)
    (tmp_path / "latin.yaml").unlink()
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ProfileError, match=r"folder\.yaml cannot be read"):
        load_catalogue(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: write a profile here: id, title, driver, kind and metrics"),
        ("- a", "1:1: write a profile here"),
        ("id: [", "not YAML"),
        ("a: 2020-13-45", "1:1: id: a name of its own belongs here"),
        ("[" * 5000, "1:21: not YAML: nested deeper than 20 levels"),
        ("a: \x00", "not YAML"),
        ("a: &x 1\nb: *x", "2:4: not YAML: aliases"),
        ("id: !!python/name:os.system x", "1:5: not YAML: tags"),
        (MAST + "---\nid: other", "6:1: not YAML: one document a file"),
        ("# " + "x" * 300_000, "1:1: 300,002 characters, at most 262,144 are read"),
        (MAST + "kind: wind", "6:1: key 'kind' is written twice; keep one"),
        (MAST + "metrics: {a: 1}", "6:1: metrics: a list belongs here"),
        (MAST + "settings: []", "6:1: settings: a mapping"),
        (MAST + "colour: red", "6:1: colour: is not a key here; there are id, title"),
        (MAST + "metric: []", r"6:1: metric: is not a key here; did you mean metrics\?"),
        (MAST + "every: soon", "6:1: every: 'soon' is not a duration: write a number and a unit"),
        (MAST.replace("id: mast", "id: The Mast"), "2:1: id: .*is not an id: use 1 to 63"),
        (
            MAST + "metrics: [{name: Speed, title: {en: a, vi: a}}]",
            r"6:12: metric Speed: name: .*cannot be a name here",
        ),
        (
            MAST + "metrics: [{name: a, title: {en: a, vi: a}, unit: kt}]",
            r"6:44: metric a: unit: .*its UCUM code",
        ),
        (MAST + "metrics: [{name: a, title: {en: a}}]", r"6:21: metric a: title\.vi: is missing"),
    ],
)
def test_a_wrong_profile_is_refused_with_file_place_and_remedy(text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message) as caught:
        parse_profile(text, "mast.yaml")
    assert str(caught.value).startswith("mast.yaml:")


def test_all_wrong_keys_are_said_at_once() -> None:
    with pytest.raises(
        ProfileError,
        match=r"^mast.yaml:1:1: title: is missing\nmast.yaml:1:1: driver: is missing\nmast.yaml:1:1: kind:",
    ):
        parse_profile("id: mast", "mast.yaml")


@given(st.text(max_size=60) | st.text("&*a:[]{}!-? \n'\"|>%@`#0x", max_size=60))
def test_any_text_is_a_profile_or_a_profile_error(text: str) -> None:
    with pytest.raises(ProfileError, match=r"^any\.yaml:\d+:\d+: "):
        parse_profile(text, "any.yaml")


def test_devices_of_one_model_share_what_was_made_of_its_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    plain = Plan.__init__

    def counted(plan: Plan, profile: Profile) -> None:
        made.append(profile.id)
        plain(plan, profile)

    monkeypatch.setattr(Plan, "__init__", counted)
    catalogue = load_catalogue()
    for number in range(20):
        settings = {"timeout": "2s"} if number % 2 else {}
        meter = Device(id=f"m-{number}", profile="eastron-sdm630", link="tcp://h:502", settings=settings)
        catalogue.open_driver(meter)
    assert made == ["eastron-sdm630"] * 2


def test_more_profiles_than_are_kept_are_never_taken_for_each_other() -> None:
    made = once_a_profile(lambda profile: profile.id)
    profiles = [parse_profile(MAST.replace("id: mast", f"id: m-{n}"), "m.yaml") for n in range(MOST_KEPT + 9)]
    for profile in (*profiles, *profiles):
        assert made(profile) == profile.id
