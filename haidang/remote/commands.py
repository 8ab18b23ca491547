"""`haidang add`, `devices`, `remove`: the devices of a running platform.

As in haidang/cli.py, what a command needs is imported when it runs.
"""

import logging
from typing import Annotated, Any

import typer

from haidang.configuration import load
from haidang.discovery.words import settings
from haidang.logs import configure_logs
from haidang.remote.calling import DEFAULT_API, calling
from haidang.terminal import (
    ApiOption,
    ConfigOption,
    ProfileOption,
    SetOption,
    UnitOption,
    out,
    run,
    told_in_words,
)


def add(
    device: Annotated[str, typer.Argument(metavar="ID", help="What to call it: quay-power-2")],
    link: Annotated[str, typer.Option("--link", "-l", help="Its wire.")],
    profile: ProfileOption,
    unit: UnitOption = 1,
    every: Annotated[str | None, typer.Option(help="Seconds between polls, such as 1s.")] = None,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    changes: SetOption = None,
    gateway: Annotated[str | None, typer.Option(help="Who reads it; the only one when left out.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for its first values.", min=0, max=600)] = 15.0,
    config: ConfigOption = None,
    api: ApiOption = DEFAULT_API,
) -> None:
    """Add a device to the running platform and show its first values.

    Example: `haidang add quay-power --link tcp://10.0.0.7:502 --profile eastron-sdm630 --unit 1`
    """
    from haidang.catalogue import site_catalogue
    from haidang.remote import devices as remote

    description: dict[str, Any] = {"id": device, "profile": profile, "link": link, "unit_id": unit}
    description |= {"gateway": gateway, "name": name, "every": every}

    async def work() -> bool:
        catalogue = site_catalogue(load(config))
        if given := settings(changes or ()):
            description["settings"] = given
        async with calling(api) as calls:
            return (await remote.add(calls, description, catalogue, wait, out)).state == "ok"

    configure_logs(level=logging.CRITICAL)  # what goes wrong is told by the command itself
    with told_in_words():
        good = run(work())
    if not good:
        raise typer.Exit(1)


def devices(api: ApiOption = DEFAULT_API) -> None:
    """List the devices of the running platform and how each fares."""
    from haidang.remote import devices as remote

    async def work() -> None:
        async with calling(api) as calls:
            remote.show(await remote.devices(calls), out)

    with told_in_words():
        run(work())


def remove(
    device: Annotated[str, typer.Argument(metavar="ID", help="One of `haidang devices`.")],
    api: ApiOption = DEFAULT_API,
) -> None:
    """Remove a device from the running platform; what it said is kept."""
    from haidang.remote import devices as remote

    async def work() -> None:
        async with calling(api) as calls:
            await remote.remove(calls, device)

    with told_in_words():
        run(work())
    out.print(f"{device} is removed; its readings are kept")
