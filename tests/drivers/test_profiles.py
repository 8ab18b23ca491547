"""Every shipped profile, whatever its driver: it opens, and a person can read it in both languages."""

from importlib import import_module
from importlib.resources import files

import pytest
import yaml

from drivers.catalogue import PROTOCOLS, links_of
from drivers.words import Vocabulary
from gateways.links import SCHEMES
from telemetry import Device, Instant, Profile
from telemetry.units import DISPLAY
from tests.drivers.listening import CATALOGUE, usual_link

PROFILES = CATALOGUE.profiles
NEEDED = {
    "ais-receiver",
    "nmea-weather",
    "nmea-navigation",
    "mqtt-json-weather",
    "campbell-metsens200",
    "eastron-sdm630",
    "schneider-iem3000",
    "abb-b-series",
    "dfrobot-sen0676",
    "huawei-ups2000",
}


@pytest.fixture(params=sorted(PROFILES))
def profile(request: pytest.FixtureRequest) -> Profile:
    return PROFILES[request.param]


def test_the_models_that_were_promised_are_there() -> None:
    assert set(PROFILES) >= NEEDED


def test_a_profile_opens_a_driver_that_is_quiet_on_garbage(profile: Profile) -> None:
    driver = CATALOGUE.open_driver(Device(id="dut", profile=profile.id, link=usual_link(profile)))
    now = Instant(1_795_309_323_000_000_000, 10.0)
    driver.connected(now)
    for garbage in (b"", b"\0" * 300, b"\xff" * 300, b"$!\\*\r\n", b"{[", bytes(range(256)) * 8):
        for event in driver.receive(garbage, now, "a/topic"):
            assert type(event).__name__ == "Fault"


def test_every_metric_has_a_name_in_both_languages_and_a_known_unit(profile: Profile) -> None:
    assert profile.metrics
    for title in (profile.title, *(metric.title for metric in profile.metrics)):
        assert title.en.strip() == title.en != ""
        assert title.vi.strip() == title.vi != ""
    assert {metric.unit for metric in profile.metrics} <= set(DISPLAY)


def test_titles_of_one_profile_tell_its_metrics_apart(profile: Profile) -> None:
    for titles in ([m.title.en for m in profile.metrics], [m.title.vi for m in profile.metrics]):
        assert len(set(titles)) == len(titles)


def test_a_profile_names_its_source_and_stands_in_a_file_of_its_id(profile: Profile) -> None:
    assert profile.source
    text = (files("drivers") / "profiles" / f"{profile.id}.yaml").read_text("utf-8")
    assert yaml.safe_load(text)["id"] == profile.id


def test_the_unit_of_a_metric_is_written_in_the_file_unless_it_counts(profile: Profile) -> None:
    text = (files("drivers") / "profiles" / f"{profile.id}.yaml").read_text("utf-8")
    for metric in yaml.safe_load(text).get("metrics", ()):
        assert metric.get("unit") != "1", f"{metric['name']}: leave the unit out of what has none"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_has_an_opener_and_a_model(protocol: str) -> None:
    assert callable(import_module(PROTOCOLS[protocol]).open_driver)
    assert isinstance(import_module(PROTOCOLS[protocol]).VOCABULARY, Vocabulary)
    assert protocol in {profile.driver for profile in PROFILES.values()}


def test_every_link_there_is_carries_some_protocol_and_no_protocol_wants_another() -> None:
    assert {link for protocol in PROTOCOLS for link in links_of(protocol)} == set(SCHEMES)
