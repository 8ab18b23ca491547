"""Families of device models: what `extends`, `without` and `abstract` mean, and their mistakes with lines."""

from pathlib import Path

import pytest

from drivers.catalogue import Catalogue, load_catalogue
from telemetry import Device, Profile, ProfileError

FAMILY = """\
id: gauge
title: {en: Gauges, vi: Đồng hồ}
driver: modbus
kind: tank
every: 5s
source: A manual
abstract: true
settings: {max_gap: 4, timeout: 2s}
metrics:
  - name: level
    title: {en: Level, vi: Mức}
    unit: m
    read: {address: 0, scale: 0.1}
  - name: alarm
    title: {en: Alarm, vi: Báo động}
    read: {address: 9, table: coil}
actions:
  - name: reset
    title: {en: Reset, vi: Đặt lại}
"""
MODEL = """\
id: gauge-2
title: {en: Gauge 2, vi: Đồng hồ 2}
extends: gauge
"""


def catalogue(folder: Path, *texts: str) -> Catalogue:
    """The shipped device models and these, each in a file `0.yaml`, `1.yaml` …"""
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, "utf-8")
    return load_catalogue(folder)


def model(folder: Path, *texts: str) -> Profile:
    return catalogue(folder, FAMILY, *texts).profile("gauge-2")


def test_a_model_has_what_its_family_has_but_for_its_name_and_title(tmp_path: Path) -> None:
    profile = model(tmp_path, MODEL)
    assert (profile.driver, profile.kind, profile.every, profile.source) == (
        "modbus",
        "tank",
        5.0,
        "A manual",
    )
    assert [metric.name for metric in profile.metrics] == ["level", "alarm"]
    assert [action.name for action in profile.actions] == ["reset"]
    assert profile.title.en == "Gauge 2"


def test_settings_are_laid_over_the_familys_and_metrics_replaced_key_by_key(tmp_path: Path) -> None:
    profile = model(
        tmp_path,
        MODEL + "settings: {max_gap: 8}\n"
        "metrics:\n"
        "  - {name: volume, title: {en: Volume, vi: Thể tích}, read: {address: 4}}\n"
        "  - {name: level, read: {address: 2}}\n",
    )
    assert profile.settings == {"max_gap": 8, "timeout": "2s"}
    assert [metric.name for metric in profile.metrics] == ["level", "alarm", "volume"]
    level = profile.metrics[0]
    assert (level.title.vi, level.unit, level.read) == ("Mức", "m", {"address": 2})


def test_a_model_can_leave_out_metrics_and_actions(tmp_path: Path) -> None:
    profile = model(tmp_path, MODEL + "without: [alarm, reset]\n")
    assert ([metric.name for metric in profile.metrics], profile.actions) == (["level"], ())


def test_families_may_have_families(tmp_path: Path) -> None:
    between = "id: gauge-1\ntitle: {en: One, vi: Một}\nextends: gauge\nkind: silo\nwithout: [alarm]\n"
    profile = model(tmp_path, between, MODEL.replace("extends: gauge", "extends: gauge-1"))
    assert (profile.kind, len(profile.metrics)) == ("silo", 1)


def test_a_family_is_no_device_model_and_names_those_it_has(tmp_path: Path) -> None:
    known = catalogue(tmp_path, FAMILY, MODEL)
    assert "gauge" not in known.profiles
    with pytest.raises(ProfileError, match="'gauge' is a family of device models; name one of them: gauge-2"):
        known.open_driver(Device(id="dut", profile="gauge", link="tcp://127.0.0.1:1"))


def test_a_site_may_extend_a_shipped_model_under_its_own_name(tmp_path: Path) -> None:
    text = "id: huawei-ups2000\ntitle: {en: Ours, vi: Của ta}\nextends: huawei-ups2000\nevery: 60s\n"
    ours = catalogue(tmp_path, text).profile("huawei-ups2000")
    assert (ours.title.en, ours.every) == ("Ours", 60.0)
    assert len(ours.metrics) == len(load_catalogue().profile("huawei-ups2000").metrics)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MODEL.replace("s: gauge", "s: gage"), r"1.yaml:3:1: extends: there is no profile 'gage'; did"),
        (MODEL.replace("s: gauge", "s: zzzzz"), r"1.yaml:3:1: extends: there is no profile 'zzzzz'; `h"),
        (MODEL.replace("s: gauge", "s: gauge-2"), r"1.yaml:3:1: extends: there is no profile 'gauge-2'; did"),
        (MODEL.replace("s: gauge", "s: [a]"), r"1.yaml:3:1: extends: the id of another profile belongs here"),
        (MODEL + "without: [alarms]", r"1.yaml:4:11: without: gauge has no 'alarms'; did you mean alarm\?"),
        (MODEL + "without: alarm", r"1.yaml:4:1: without: a list of the parent's metrics"),
        (MODEL + "abstract: 1", r"1.yaml:4:1: abstract: true or false belongs here"),
        (MODEL + "metrics: [{name: x}]", r"1.yaml:4:11: metric x: title: is missing"),
        (MODEL + "metrics: [{name: level, unit: ft}]", r"1.yaml:4:25: metric level: unit: unit 'ft' is not"),
        (MODEL + "metrics: [{name: level}, {name: level}]", r"1.yaml:4:27: metric level: another is called"),
        ("id: gauge-2\nwithout: [alarm]\n", r"1.yaml:2:1: without: goes with extends alone"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_family_is_told_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ProfileError, match=told):
        model(tmp_path, text)


def test_an_inherited_mistake_is_told_in_the_parents_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"0\.yaml:12:5: metric level: unit: unit 'ft' is not known"):
        catalogue(tmp_path, FAMILY.replace("unit: m", "unit: ft"), MODEL)


def test_profiles_that_extend_each_other_are_told(tmp_path: Path) -> None:
    circle = FAMILY + "extends: gauge-2\n"
    with pytest.raises(ProfileError, match=r"extends: goes in a circle: gauge extends gauge-2 extends gauge"):
        catalogue(tmp_path, circle, MODEL)
