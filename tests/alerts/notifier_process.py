"""A process for the kill tests: records a firing, or sends what is to be sent, as told by its arguments."""

import asyncio
import sys

from alerts import Contact, Notifier, NotifierSettings
from registry import open_registry
from telemetry import Firing, Severity, Title


async def main(what: str, path: str, channel: str) -> None:
    """record: one firing for the contact `duty`, then nothing. send: the notifier."""
    async with open_registry(path) as registry:
        if what == "record":
            title = Title(en="Strong wind", vi="Gió mạnh tại cầu cảng")
            firing = Firing("high-wind", "mast", 1, 18.3, Severity.CRITICAL, title, title, ("duty",))
            await registry.incidents.record([firing])
            print("recorded", flush=True)
            await asyncio.Event().wait()
        settings = NotifierSettings(poll=0.05, timeout=60)
        await Notifier(registry, [Contact("duty", "", [channel])], settings).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
