"""The wheel: it has everything that is not code too, and runs where there is no repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from drivers.catalogue import load_catalogue
from tests.end_to_end.platform import Outside, Platform, run

ROOT = Path(__file__).parents[2]
DEVICES = 6
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a user's pip builds it, with the build tool that is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    )
    subprocess.run([*PIP, *build], check=True)
    (built,) = folder.glob("haidang-*.whl")
    return built


@pytest.fixture(scope="module")
def outside(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Outside:
    """Where the wheel is installed, away from the repository."""
    folder = tmp_path_factory.mktemp("installed")
    install = ("install", "--no-deps", "--no-index", "--target", str(folder / "packages"), str(wheel))
    subprocess.run([*PIP, *install], check=True)
    return Outside(folder, folder / "packages")


def ours(*patterns: str) -> set[str]:
    """The files of the repository that match, by the names they should have in the wheel."""
    found = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)}
    return {name.removeprefix("firmware-sim/") for name in found}


def test_the_wheel_has_profiles_migrations_pages_and_the_simulator(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    needed = ours(
        "drivers/profiles/*.yaml",
        "registry/migrations/**/*.py",
        "api/pages/*.html",
        "firmware-sim/firmware_sim/**/*.py",
        "firmware-sim/firmware_sim/scenarios/*.yaml",
    )
    assert {Path(name).parts[0] for name in needed} == {"drivers", "registry", "api", "firmware_sim"}
    assert needed <= inside
    assert not {name for name in inside if name.startswith(("tests/", "benchmarks/", "firmware-sim/"))}


def test_installed_elsewhere_it_is_the_wheels_own_code_that_runs(outside: Outside) -> None:
    where = [sys.executable, "-c", "import haidang, firmware_sim; print(haidang.__file__)"]
    found = subprocess.check_output(where, cwd=outside.folder, env=outside.environment)
    assert Path(found.decode().strip()).is_relative_to(outside.packages)


async def test_installed_elsewhere_the_command_knows_its_profiles_and_helps(outside: Outside) -> None:
    code, output = await run("profiles", outside=outside)
    assert code == 0, output
    for profile in load_catalogue().profiles:
        assert profile in output
    code, output = await run("--help", outside=outside)
    assert code == 0, output
    assert "haidang up --demo" in output


async def test_installed_elsewhere_the_demo_runs_and_shows_its_page(outside: Outside) -> None:
    running = await Platform.start(outside.folder, "", "--demo", outside=outside)
    try:
        assert "Hải Đăng" in await running.text("/")
        await running.until("/api/v1/devices", lambda page: len(page["items"]) == DEVICES)
        assert (await running.get("/api/v1/incidents"))["items"] == []
    finally:
        code = await running.stop()
    assert code == 0
    assert not running.complaints
