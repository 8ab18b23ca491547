"""An ONVIF camera that is not ours: the example `virtual_ptz` of the Rust crate onvif-server, built here.

Its sources come with cargo in exactly one version, with the crate's own Cargo.lock; nothing of it is kept in
this repository. The only change is the port, which is fixed in the example.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import need

CRATE, VERSION, EXAMPLE = "onvif-server", "0.1.1", "virtual_ptz"
USER, PASSWORD = "admin", "admin"
_FIXED, _ASKED = ".port(8080)", '.port(std::env::var("ONVIF_PORT").unwrap().parse().unwrap())'


def build_counterpart(folder: Path) -> Path:
    """The program, built once in this folder. Fails where it cannot be built."""
    cargo = need("cargo", "cargo")
    program = folder / "target" / "debug" / "examples" / EXAMPLE
    if not program.exists():
        try:
            source = _source(cargo, folder)
            _run([cargo, "build", "--locked", "--example", EXAMPLE], source, folder)
        except subprocess.CalledProcessError as error:
            pytest.fail(f"{CRATE} {VERSION} cannot be built: {error.stderr[-600:]}")
    return program


def _source(cargo: str, folder: Path) -> Path:
    """The crate's own sources, with a port that can be chosen."""
    asking = folder / "asking"
    (asking / "src").mkdir(parents=True, exist_ok=True)
    (asking / "src" / "lib.rs").write_text("")
    (asking / "Cargo.toml").write_text(
        f'[package]\nname = "asking"\nversion = "0.0.0"\nedition = "2021"\n'
        f'[dependencies]\n{CRATE} = "={VERSION}"\n[workspace]\n'
    )
    told = json.loads(_run([cargo, "metadata", "--format-version", "1"], asking, folder))
    manifest = next(one["manifest_path"] for one in told["packages"] if one["name"] == CRATE)
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(Path(manifest).parent, source)
    example = source / "examples" / f"{EXAMPLE}.rs"
    text = example.read_text()
    assert text.count(_FIXED) == 1
    example.write_text(text.replace(_FIXED, _ASKED))
    return source


def _run(command: list[str], where: Path, folder: Path) -> str:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(folder / "target")}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
