"""Commands of `haidang` as a user runs them: processes of their own, spoken to over their wires only."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx

HAIDANG = (sys.executable, "-m", "haidang")
START_TIME = 40.0  # seconds
STOP_TIME = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Outside:
    """Where `haidang` is another one than the repository's. packages: the folder it is installed in."""

    folder: Path
    packages: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """With the packages before everything else."""
        return {**os.environ, "PYTHONPATH": str(self.packages)}


class Service:
    """A command of `haidang` that runs on, in a process group of its own. `log` has its log lines so far."""

    running: ClassVar[set[int]] = set()
    """The processes that have not ended yet; what a failed test leaves in here has to be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.running.add(process.pid)
        self.process = process
        self.log: list[Mapping[str, Any]] = []
        self._reading = asyncio.create_task(self._read_log())

    @classmethod
    async def begin(cls, *arguments: str, outside: "Outside | None" = None) -> Self:
        """Starts `haidang` with these arguments; outside: from another place than the repository."""
        process = await asyncio.create_subprocess_exec(
            *HAIDANG,
            *arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=outside.environment if outside else None,
            cwd=outside.folder if outside else None,
            start_new_session=True,
            limit=1 << 22,
        )
        return cls(process)

    async def logged(self, event: str, seconds: float = START_TIME) -> Mapping[str, Any]:
        """The first log line of this event, once it is there; fails when the process ends before."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if found := [entry for entry in self.log if entry.get("event") == event]:
                        return found[0]
                    assert not self._reading.done(), f"it ended without {event!r}: {self.log[-10:]}"
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise AssertionError(f"no {event!r} in the log: {self.log[-10:]}") from error

    @property
    def complaints(self) -> Sequence[Mapping[str, Any]]:
        """What in the log an operator would take for a fault of the program: errors and tracebacks."""
        return [
            one for one in self.log if one.get("level") in {None, "error", "critical"} or "exception" in one
        ]

    async def stop(self, seconds: float = STOP_TIME) -> int:
        """SIGTERM; returns the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended(seconds)

    async def interrupt(self, seconds: float = STOP_TIME) -> int:
        """SIGINT to the whole process group, as Ctrl-C on a terminal does; returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return await self.ended(seconds)

    async def kill(self) -> None:
        """kill -9."""
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()

    async def ended(self, seconds: float = STOP_TIME) -> int:
        """The exit code, once it has ended; fails when that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                code = await self.process.wait()
                await self._reading
        except TimeoutError as error:
            self.process.kill()
            raise AssertionError(f"it runs on after {seconds:g} s; log: {self.log[-10:]}") from error
        self.running.discard(self.process.pid)
        return code

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.log.append({"event": line.decode("utf-8", "replace")})


class Platform(Service):
    """`haidang up`, or `haidang api` alone: what has an API to ask."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__(process)
        self.address = ""
        self._client = httpx.AsyncClient(timeout=30)

    @classmethod
    async def start(
        cls,
        folder: Path,
        configuration: str,
        *options: str,
        command: str = "up",
        outside: "Outside | None" = None,
    ) -> Self:
        """Starts it on a free port and returns when the API listens."""
        where = (*places(folder, configuration), "--port", "0")
        platform = await cls.begin(command, *where, *options, outside=outside)
        try:
            platform.address = str((await platform.logged("api.listening"))["address"])
        except BaseException:
            await platform.kill()
            raise
        return platform

    async def ended(self, seconds: float = STOP_TIME) -> int:
        """The exit code, once it has ended; fails when that takes longer."""
        await self._client.aclose()
        return await super().ended(seconds)

    async def get(self, path: str, **parameters: str) -> Any:
        """The JSON answer of the API."""
        answer = await self._client.get(self.address + path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def text(self, path: str) -> str:
        """The answer as it is, a page for instance."""
        answer = await self._client.get(self.address + path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def measured(self, sample: str) -> float | None:
        """A sample of `/metrics`, as in `haidang_x{gateway="quay"}`; None where there is none yet."""
        lines = (await self.text("/metrics")).splitlines()
        found = [line.removeprefix(sample) for line in lines if line.startswith(f"{sample} ")]
        return float(found[0]) if found else None

    async def drained(self, gateway: str = "quay", seconds: float = 60) -> None:
        """Returns when this gateway, in the same process, holds nothing that the centre has not stored."""
        try:
            async with asyncio.timeout(seconds):
                while await self.measured(f'haidang_gateway_backlog_batches{{gateway="{gateway}"}}') != 0:
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise AssertionError(f"{gateway} still holds something; log: {self.log[-5:]}") from error

    async def all(self, path: str, **parameters: str) -> Sequence[Any]:
        """The items of every page of a list."""
        items: list[Any] = []
        page = await self.get(path, **parameters)
        items += page["items"]
        while page["next"]:
            page = await self.get(path, cursor=page["next"], **parameters)
            items += page["items"]
        return items

    async def post(self, path: str, content: Mapping[str, Any]) -> httpx.Response:
        """The answer to a POST."""
        return await self._client.post(self.address + path, json=content)

    async def delete(self, path: str) -> httpx.Response:
        """The answer to a DELETE."""
        return await self._client.delete(self.address + path)

    async def until(
        self, path: str, condition: Callable[[Any], object], seconds: float = 30, **parameters: str
    ) -> Any:
        """The first answer that fulfils the condition."""
        answer: Any = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    answer = (await self._client.get(self.address + path, params=parameters)).json()
                    if condition(answer):
                        return answer
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise AssertionError(f"{path} still says {answer!r}; log: {self.log[-5:]}") from error


def places(folder: Path, configuration: str) -> Sequence[str]:
    """Writes the configuration into the folder; the options that say where it and the data lie."""
    file = folder / "haidang.toml"
    file.write_text(configuration, "utf-8")
    return "--config", str(file), "--data-dir", str(folder / "data")


@asynccontextmanager
async def platform(folder: Path, configuration: str, *options: str) -> AsyncGenerator[Platform]:
    """A platform as long as the block runs, then stopped cleanly."""
    running = await Platform.start(folder, configuration, *options)
    try:
        yield running
    finally:
        code = await running.stop()
    assert code == 0, running.log[-10:]


async def run(*arguments: str, outside: Outside | None = None) -> tuple[int, str]:
    """A command of `haidang` to its end: exit code, and all it printed."""
    process = await asyncio.create_subprocess_exec(
        *HAIDANG,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=outside.environment if outside else None,
        cwd=outside.folder if outside else None,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
