"""Real servers for tests: each on a free loopback port, in a temporary folder, stopped at the end."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


def need(program: str, package: str) -> str:
    """The program's path. Without it the test is skipped with the package to install; under CI it fails."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing: scripts/test installs the Debian package {package}")
        pytest.skip(f"needs {program}: apt-get install {package}")
    return path


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A loopback port nothing listens on now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: "subprocess.Popen[bytes] | None" = None, seconds: float = 20) -> None:
    """Returns once something accepts on the port; fails the test when it does not, or when it died."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            pytest.fail(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"nothing accepts on port {port} after {seconds} s")


@contextmanager
def running(
    command: Sequence[str], log: Path, port: int | None = None
) -> "Generator[subprocess.Popen[bytes]]":
    """A process that is up while the block runs; its output goes to `log`."""
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            if port is not None:
                wait_for_port(port, process)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def influxd(folder: Path, port: int | None = None) -> Generator[str]:
    """Debian's InfluxDB 1.6 with its data in `folder`; gives its address, `http://127.0.0.1:port`."""
    program = need("influxd", "influxdb")
    port, rpc = port or free_port(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "influxdb.conf"
    config.write_text(
        f"""reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""
    )
    with running([program, "-config", str(config)], folder / "influxd.log", port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def mosquitto(folder: Path, configuration: str = "", port: int | None = None) -> Generator[int]:
    """Debian's Mosquitto; gives its port. Without a configuration it lets anybody in, on loopback."""
    program = need("mosquitto", "mosquitto")
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "mosquitto.conf"
    listener = f"listener {port} 127.0.0.1\nset_tcp_nodelay true\n"
    file.write_text(listener + (configuration or "allow_anonymous true\n"))
    with running([program, "-c", str(file)], folder / "mosquitto.log", port):
        yield port


@contextmanager
def pty_pair(folder: Path) -> Generator[tuple[Path, Path]]:
    """Two serial ports joined by a null-modem cable (socat)."""
    program = need("socat", "socat")
    ends = folder / "tty-a", folder / "tty-b"
    command = [program, *(f"pty,raw,echo=0,link={end}" for end in ends)]
    with running(command, folder / "socat.log") as process:
        deadline = time.monotonic() + 10
        while not all(end.exists() for end in ends):
            if time.monotonic() > deadline or process.poll() is not None:
                pytest.fail("socat made no pty pair")
            time.sleep(0.01)
        yield ends
