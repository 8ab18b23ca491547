"""The manual of Modbus models: every word that a profile may say stands in it, and its examples hold."""

import re
from pathlib import Path

import pytest
import yaml

from drivers.modbus.plan import ModbusSettings, Plan
from drivers.modbus.values import MetricRead, ScaleFrom
from drivers.modbus.writes import ModbusWrite, PlannedWrite
from drivers.words import Words
from telemetry import Profile

MANUAL = (Path(__file__).parents[2] / "docs" / "modbus.md").read_text("utf-8")


@pytest.mark.parametrize("words", [ModbusSettings, MetricRead, ModbusWrite])
def test_every_word_is_explained(words: type[Words]) -> None:
    assert [name for name in words.model_fields if f"`{name}`" not in MANUAL] == []
    assert all(name in MANUAL for name in ScaleFrom.model_fields)


@pytest.mark.parametrize("reason", ["timeout", "checksum", "refused", "unexpected", "framing", "late"])
def test_every_fault_is_explained(reason: str) -> None:
    assert f"| `{reason}` |" in MANUAL


def examples(section: str) -> list[str]:
    """The last column of the table under this heading."""
    table = MANUAL.partition(f"## {section}")[2].partition("\n## ")[0]
    return re.findall(r"\| `([^`]+)` \|$", table, re.MULTILINE)


def test_the_examples_of_settings_hold() -> None:
    shown = examples("`settings:`")
    assert len(shown) >= 10
    for example in shown:
        ModbusSettings.model_validate(yaml.safe_load(example))


def test_the_examples_of_reads_hold() -> None:
    shown = examples("`read:`")
    assert len(shown) >= 14
    for example in shown:
        said = yaml.safe_load(example)
        more = {"type": "string"} if "length" in said else {}
        MetricRead.model_validate(said if "compute" in said else {"address": 1} | more | said)


def test_the_examples_of_writes_hold() -> None:
    shown = examples("`actions:`")
    assert len(shown) >= 7
    for example in shown:
        said = yaml.safe_load(example)
        place = {"table": "coil"} if {"count"} & said.keys() else {}
        ModbusWrite.model_validate({"address": 1, "value": True} | place | said)


def test_the_actions_of_the_manual_can_be_carried_out() -> None:
    told = yaml.safe_load(re.findall(r"```yaml\n(actions:.*?)```", MANUAL, re.DOTALL)[0])
    title = {"en": "Housing", "vi": "Vỏ"}
    profile = Profile.model_validate(
        {"id": "h", "title": title, "driver": "modbus", "kind": "housing"} | told
    )
    plan = Plan(profile)
    names = [PlannedWrite(profile, action, plan.settings).action.name for action in profile.actions]
    assert names == ["heater", "wash"]
