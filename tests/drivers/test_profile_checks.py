"""`profiles check`: every mistake in a driver's own words has its line and its remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from drivers.catalogue import load_catalogue, parse_profile
from drivers.profile_checks import check_folder, mistakes_of
from drivers.profile_schema import explanations, profile_schema
from drivers.words import Words
from telemetry import ProfileError
from telemetry.documents import read_document

GAUGE = """\
id: gauge
title: {en: Gauge, vi: Đồng hồ}
driver: nmea
kind: tank
metrics:
  - name: depth
    title: {en: Depth, vi: Độ sâu}
    unit: m
    read: {formatter: DPT, value: depth}
"""
DOCUMENTED = Path(__file__).parents[2] / "docs" / "profile.schema.json"
SHIPPED = load_catalogue().drafts


def mistakes(folder: Path, text: str) -> list[str]:
    """What is told of this one file, without the folder's name."""
    (folder / "gauge.yaml").write_text(text, "utf-8")
    return [line.removeprefix(f"{folder}/") for line in check_folder(folder)[1]]


def test_a_good_profile_has_no_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GAUGE) == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "kind: tank",
            "kind: tank\nsettings: {cheksum: x}",
            "5:12: settings.cheksum: is not a key here; did",
        ),
        ("formatter: DPT", "formater: DPT", "9:12: metric depth: read.formater: is not a key here; did you"),
        ("value: depth", "value: dept", "6:5: metric depth: DPT has no value 'dept'; it has depth, "),
        ("unit: m", "unit: Cel", "6:5: metric depth: depth comes in m, which cannot become Cel"),
        ("unit: m", "unit: metre", "8:5: metric depth: unit: unit 'metre' is not known: write its UCUM"),
        ("driver: nmea", "driver: nema", "3:1: driver: there is no driver 'nema'; did you mean nmea?"),
        ("kind: tank", "kind: tank\nkind: pool", "5:1: key 'kind' is written twice; keep one"),
        ("id: gauge\n", "", "1:1: id: a name of its own belongs here"),
    ],
)
def test_a_mistake_is_told_with_line_column_and_remedy(
    tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    assert right in GAUGE
    found = mistakes(tmp_path, GAUGE.replace(right, wrong, 1))
    assert [line for line in found if line.startswith(f"gauge.yaml:{told}")], found


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = GAUGE.replace("unit: m", "unit: x").replace("kind: tank", "kind: Tank\ncolour: 1")
    found = mistakes(tmp_path, text.replace("value: depth", "vlue: depth"))
    assert [line.split(":")[1] for line in found] == ["4", "5", "9", "10"]


def test_a_name_given_twice_hides_no_other_mistake(tmp_path: Path) -> None:
    metric = "{name: depth, title: {en: Depth, vi: Độ sâu}, unit: y, read: {formatter: DPT, value: depth}}"
    found = mistakes(tmp_path, GAUGE.replace("unit: m", "unit: x") + f"  - {metric}\n")
    assert [line.split(":")[1] for line in found] == ["8", "10", "10"]


def test_one_file_is_checked_beside_those_it_extends(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("id: [", "utf-8")
    (tmp_path / "gauge.yaml").write_text(GAUGE + "abstract: true\n", "utf-8")
    child = tmp_path / "child.yaml"
    child.write_text("id: child\ntitle: {en: a, vi: a}\nextends: gauge\nsettings: {a: 1}\n", "utf-8")
    count, found = check_folder(tmp_path, child)
    assert count == 1
    assert [line.removeprefix(f"{tmp_path}/") for line in found] == [
        "child.yaml:4:12: settings.a: is not a key here; there are checksum, talkers"
    ]


def test_a_unit_of_a_text_is_told_to_be_of_no_use(tmp_path: Path) -> None:
    text = GAUGE.replace("driver: nmea", "driver: modbus\nevery: 1s")
    text = text.replace("{formatter: DPT, value: depth}", "{address: 1, enum: {0: dry, 1: wet}}")
    (told,) = mistakes(tmp_path, text)
    assert told.startswith("gauge.yaml:9:5: metric depth: unit: m is never used, since the value is a text")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"gauge\.yaml: larger than 262,144 bytes"):
        mistakes(tmp_path, "#" * 300_000)


@pytest.mark.parametrize("profile", sorted(SHIPPED))
def test_a_shipped_profile_has_no_mistake_and_keeps_to_the_schema(profile: str) -> None:
    draft = SHIPPED[profile]
    assert mistakes_of(draft) == []
    said = read_document(Path(draft.document.file).read_text("utf-8"), profile).content
    wrong = [f"{error.json_path}: {error.message}" for error in SCHEMA.iter_errors(_as_json(said))]
    assert wrong == []


def test_the_schema_in_the_docs_is_the_one_the_drivers_make() -> None:
    """To renew it: `haidang profiles schema > docs/profile.schema.json`."""
    assert json.loads(DOCUMENTED.read_text("utf-8")) == profile_schema()


def test_the_schema_is_one_itself() -> None:
    Draft202012Validator.check_schema(profile_schema())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("formatter: DPT", "formater: DPT"),
        ("unit: m", "unit: metre"),
        ("driver: nmea", "driver: nema"),
        ("id: gauge", "id: The gauge"),
        ("name: depth", "name: 5depth"),
        ("kind: tank", "kind: tank\nevery: soon"),
        ("kind: tank", "kind: tank\nsettings: {checksum: maybe}"),
        ("title: {en: Depth, vi: Độ sâu}", "read: {}"),
    ],
)
def test_an_editor_sees_the_same_mistakes(right: str, wrong: str) -> None:
    said = read_document(GAUGE.replace(right, wrong, 1), "gauge.yaml").content
    assert list(SCHEMA.iter_errors(_as_json(said)))
    assert right in GAUGE


def test_a_field_is_explained_by_its_sentence_in_the_docstring() -> None:
    class Tank(Words):
        """A tank. level, volume: how much there is (in m, m3). colour: what it looks like; any."""

        level: float = 0
        volume: float = 0
        colour: str = ""

    about, fields = explanations(Tank)
    assert about == "A tank."
    assert fields["level"] == fields["volume"] == "How much there is (in m, m3)."
    assert fields["colour"] == "What it looks like; any."


def test_a_profile_of_yaml_1_1_words_means_what_it_says() -> None:
    text = GAUGE.replace("driver: nmea", "driver: modbus").replace(
        "unit: m\n    read: {formatter: DPT, value: depth}",
        "read: {address: 0x10, enum: {0: off, 1: on, 2: no}}",
    )
    assert parse_profile(text, "x").metrics[0].read == {"address": 16, "enum": {0: "off", 1: "on", 2: "no"}}


def _as_json(said: Any) -> Any:
    """As an editor sees it: every key a text."""
    return json.loads(json.dumps(said))


SCHEMA = Draft202012Validator(profile_schema())
