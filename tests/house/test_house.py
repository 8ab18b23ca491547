"""The house itself: names nobody else uses, requirements that are pinned, scripts that run."""

import re
import subprocess
import tomllib
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {
    "haidang", "telemetry", "drivers", "gateways", "broker", "ingest", "stores", "registry",
    "vessels", "rules", "alerts", "api", "grafana", "firmware_sim",
}  # fmt: skip


def test_no_installed_distribution_ships_a_package_with_the_name_of_one_of_ours() -> None:
    strangers = {
        distribution.name: shadowed
        for distribution in distributions()
        if distribution.name != "haidang"
        and (shadowed := ROOMS & {file.parts[0] for file in distribution.files or ()})
    }
    assert strangers == {}


def test_the_wheel_and_the_type_checkers_know_every_room() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {Path(package).name for package in wheel} == ROOMS
    assert set(settings["tool"]["importlinter"]["root_packages"]) == ROOMS
    assert {Path(folder).name for folder in settings["tool"]["mypy"]["files"]} == ROOMS | {
        "tests",
        "benchmarks",
    }


def test_every_requirement_is_pinned_and_hashed_and_names_no_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = re.sub(r"\\\n\s*", " ", lock.read_text("utf-8"))
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert lines
        for line in lines:
            assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line
            assert "://" not in line


def test_the_shell_scripts_are_valid() -> None:
    for script in [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"]:
        subprocess.run(["bash", "-n", script], check=True)
