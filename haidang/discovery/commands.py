"""The commands at the wire: `scan`, `read`, `listen`, `registers`.

As in haidang/cli.py, what a command needs is imported when it runs.
"""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from haidang.configuration import ConfigurationFile, load
from haidang.discovery.words import baudrates, settings, units
from haidang.logs import configure_logs
from haidang.terminal import (
    ConfigOption,
    ProfileOption,
    SetOption,
    UnitOption,
    err,
    out,
    run,
    told_in_words,
    until_interrupted,
)
from telemetry import ConfigurationError

if TYPE_CHECKING:
    from broker.session import BrokerAddress
    from drivers.catalogue import Catalogue

INTERRUPTED = 130  # the exit code of what Ctrl-C stopped
BAUDRATES = "9600,4800,38400,19200,115200"

LinkArgument = Annotated[
    str,
    typer.Argument(metavar="LINK", help="The wire: serial:///dev/ttyUSB0?baudrate=9600, tcp://host:502 …"),
]


def read(
    link: LinkArgument,
    profile: ProfileOption,
    unit: UnitOption = 1,
    wait: Annotated[float, typer.Option(help="Seconds until it is given up.", min=0.1, max=3600)] = 10.0,
    changes: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read a device once, here and now; nothing is stored.

    Example: `haidang read serial:///dev/ttyUSB0?baudrate=9600 --profile eastron-sdm630 --unit 3`
    """
    from haidang.discovery.conversing import describe, read_once
    from haidang.discovery.values import clock, sheet

    with told_in_words():
        catalogue, broker = _surroundings(config)
        model = catalogue.profile(profile)
        every = None if model.every is None else min(model.every, 1.0)
        device = describe(link, model, unit, settings(changes or ()), every)
        heard = run(read_once(device, catalogue, broker, wait))
    status = heard.status
    if not heard.values:
        detail = (status.detail or status.last_fault) if status else ""
        err.print(f"nothing was read within {wait:g} s{f': {detail}' if detail else ''}", soft_wrap=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps(heard.values, ensure_ascii=False))
        return
    out.print(sheet(heard.values, model))
    out.print(f"{model.title.en}, read at {clock(heard.observed_at)} Vietnam time")
    if status and status.last_fault:
        err.print(f"Not all went well: {status.last_fault}", soft_wrap=True)


def listen(
    link: LinkArgument,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Decode as this device model.")
    ] = None,
    unit: UnitOption = 1,
    changes: SetOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what a wire says until Ctrl-C: decoded with --profile, else the bytes and what they look like.

    Example: `haidang listen tcp://10.0.0.5:10110`
    """
    from haidang.discovery.conversing import describe
    from haidang.discovery.listening import listen_decoded, listen_raw

    with told_in_words():
        catalogue, broker = _surroundings(config)
        if profile is None:
            run(until_interrupted(listen_raw(link, broker, out, err)))
            return
        device = describe(link, catalogue.profile(profile), unit, settings(changes or ()))
        run(until_interrupted(listen_decoded(device, catalogue, broker, out)))


def registers(
    link: LinkArgument,
    unit: UnitOption = 1,
    first: Annotated[int, typer.Option("--from", help="0-based wire address.", min=0, max=65535)] = 0,
    count: Annotated[int, typer.Option(help="How many.", min=1, max=65536)] = 60,
    table: Annotated[
        Literal["holding", "input", "coil", "discrete"], typer.Option(help="Which of its four tables.")
    ] = "holding",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each answer.", min=0.01, max=60)] = 1.0,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
) -> None:
    """Show what stands in a Modbus unit's registers, each word order side by side.

    Whoever knows what the device's display says finds the register and its order at a glance. Ctrl-C
    shows what was read so far.
    Example: `haidang registers serial:///dev/ttyUSB0?baudrate=9600 --unit 1 --from 0 --count 60`
    """
    from haidang.discovery.exploring import Explored, Range, read_range, tell
    from haidang.discovery.modbus_wire import ModbusAddress

    explored = Explored()
    with told_in_words():
        configure_logs(level=logging.CRITICAL)
        if first + count > 65_536:
            raise ConfigurationError(f"--from {first} --count {count} passes the last address, 65535")
        wanted = Range(unit, table, range(first, first + count))
        reading = read_range(ModbusAddress(link, timeout), wanted, explored, out, err)
        try:
            stopped = run(until_interrupted(reading))
        finally:  # also what was read before the wire broke
            tell(wanted, explored, out, as_csv=as_csv)
    if stopped:
        err.print(f"stopped: {explored.count} of {count} addresses were asked for")
        raise typer.Exit(INTERRUPTED)


scan = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Find what is on a wire.")


@scan.command("serial")
def scan_serial(
    ports: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PORT]…", help="/dev/ttyUSB0 …; left out: all of this machine."),
    ] = None,
    bauds: Annotated[str, typer.Option(help="Speeds to try, likeliest first.")] = BAUDRATES,
    seconds: Annotated[float, typer.Option(help="How long to listen at each.", min=0.1, max=600)] = 2.5,
) -> None:
    """Listen on serial ports at every usual speed and say what speaks there. Nothing is sent.

    What only answers when it is asked, as Modbus does, stays silent here: try `haidang scan modbus`.
    """
    from haidang.discovery.serial_ports import scan_ports

    with told_in_words():
        configure_logs(level=logging.CRITICAL)
        known = run(scan_ports(ports or (), baudrates(bauds), seconds, out, err))
    if not known:
        raise typer.Exit(1)


@scan.command("modbus")
def scan_modbus(
    link: LinkArgument,
    numbers_: Annotated[str, typer.Option("--units", help="Unit ids to ask: 1-247 or 1,2,17.")] = "1-247",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each.", min=0.01, max=60)] = 0.3,
    every_line: Annotated[
        bool, typer.Option("--lines", help="Try the usual speeds and parities of a serial port in turn.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Ask every unit id on a link who is there, and which device model fits. Only reads, writes nothing.

    Stop the gateway that polls this line first: two askers on one line disturb each other.
    Example: `haidang scan modbus serial:///dev/ttyUSB0?baudrate=9600 --units 1-32`
    """
    from haidang.discovery import modbus_scan
    from haidang.discovery.modbus_wire import ModbusAddress

    with told_in_words():
        catalogue, _ = _surroundings(config)
        lines = modbus_scan.lines(link) if every_line else [link]
        addresses = [ModbusAddress(line, timeout) for line in lines]
        found = run(modbus_scan.scan_lines(addresses, units(numbers_), catalogue, out, err))
    if not found:
        raise typer.Exit(1)


@scan.command("onvif")
def scan_onvif(
    seconds: Annotated[float, typer.Option(help="How long to wait for answers.", min=0.5, max=60)] = 4.0,
    interface: Annotated[
        str, typer.Option(help="Network card or its IPv4 address; left out: the system's choice.")
    ] = "",
) -> None:
    """Ask the local network which ONVIF cameras there are. Cameras behind a router do not hear it.

    Each answers with the link to write; put a user and a password of the camera into it.
    """
    from haidang.discovery.cameras import scan_cameras

    with told_in_words():
        configure_logs(level=logging.CRITICAL)
        if not run(scan_cameras(seconds, interface, out)):
            raise typer.Exit(1)


def _surroundings(config: Path | None) -> "tuple[Catalogue, BrokerAddress | None]":
    """The models there are, and the platform's broker where one is configured."""
    from haidang.catalogue import site_catalogue

    configure_logs(level=logging.CRITICAL)  # what goes wrong is told by the command itself
    file = load(config)
    return site_catalogue(file), _broker(file)


def _broker(file: ConfigurationFile) -> "BrokerAddress | None":
    from broker.session import BrokerAddress

    section = file.configuration.broker
    if section.url is None:
        return None
    return BrokerAddress.parse(section.url, file.beside(section.ca_file) if section.ca_file else None)
