"""`haidang up` as a user runs it: a process of its own, spoken to over its wires only."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx

HAIDANG = (sys.executable, "-m", "haidang")


class Platform:
    """A running platform. `log` has its log lines so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[Mapping[str, Any]] = []
        self.address = ""
        self._reading = asyncio.create_task(self._read_log())
        self._listening = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=30)

    @classmethod
    async def start(cls, folder: Path, configuration: str, *options: str) -> Self:
        """Starts it on a free port and returns when the API listens."""
        file = folder / "haidang.toml"
        file.write_text(configuration, "utf-8")
        where = ("--config", str(file), "--data-dir", str(folder / "data"), "--port", "0")
        process = await asyncio.create_subprocess_exec(
            *(*HAIDANG, "up", *where, *options),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 22,
        )
        platform = cls(process)
        try:
            async with asyncio.timeout(40):
                await platform._listening.wait()
        except TimeoutError as error:
            await platform.kill()
            raise AssertionError(f"the platform did not start: {platform.log[-10:]}") from error
        return platform

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self._ended()

    async def kill(self) -> None:
        """kill -9."""
        if self.process.returncode is None:
            self.process.kill()
        await self._ended()

    async def get(self, path: str, **parameters: str) -> Any:
        """The JSON answer of the API."""
        answer = await self._client.get(self.address + path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

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

    async def until(self, path: str, condition: Any, seconds: float = 30, **parameters: str) -> Any:
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

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            try:
                entry: Mapping[str, Any] = json.loads(line)
            except ValueError:
                entry = {"event": line.decode("utf-8", "replace")}
            self.log.append(entry)
            if entry.get("event") == "api.listening":
                self.address = str(entry["address"])
                self._listening.set()

    async def _ended(self) -> int:
        await self._client.aclose()
        async with asyncio.timeout(30):
            code = await self.process.wait()
            await self._reading
        return code


@asynccontextmanager
async def platform(folder: Path, configuration: str, *options: str) -> AsyncGenerator[Platform]:
    """A platform as long as the block runs, then stopped cleanly."""
    running = await Platform.start(folder, configuration, *options)
    try:
        yield running
    finally:
        code = await running.stop()
    assert code == 0, running.log[-10:]


async def run(*arguments: str) -> tuple[int, str]:
    """A command of `haidang` to its end: exit code, and all it printed."""
    process = await asyncio.create_subprocess_exec(
        *HAIDANG, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
