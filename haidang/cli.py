"""The command `haidang`. Each command prepares an installation and hands over to services.py.

What a command needs is imported when it runs: stores, brokers and servers take two seconds to load,
and nobody who asks for help or a check should wait for them.
"""

import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from haidang import profiling
from haidang.configuration import MistakesError, load
from haidang.discovery import commands as discovery
from haidang.logs import configure_logs
from haidang.remote import commands as remote
from haidang.remote.sending import send
from haidang.terminal import ConfigOption, err, out, run, told_in_words
from telemetry import ConfigurationError
from telemetry.devices import check_identifier

if TYPE_CHECKING:
    from haidang.installation import Installation

cli = typer.Typer(
    name="haidang",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="""**Hải Đăng**: the telemetry platform of a port and its city.

Try it:  `haidang up --demo`  and open the address it shows.

In earnest: write `haidang.toml` (docs/configuration.md), look it over with `haidang check haidang.toml`,
then `haidang up --config haidang.toml`.""",
)

FolderOption = Annotated[
    Path,
    typer.Option("--data-dir", help="Where files are kept; made when missing.", envvar="HAIDANG_DATA_DIR"),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")]
FOLDER = Path("haidang-data")
RUN, DEVICES, DUTY, SET_UP = "Run", "Find, add and tell devices", "On duty", "Set up"


@cli.command(rich_help_panel=RUN)
def up(
    config: ConfigOption = None,
    data_dir: FolderOption = FOLDER,
    demo: Annotated[
        bool, typer.Option("--demo", help="Add a simulated port: ships, a mast, meters, on real wires.")
    ] = False,
    host: Annotated[
        str | None, typer.Option(help="Where the API listens; loopback only until accounts exist.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The API's port; 0 takes a free one.", min=0, max=65535)
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Run the whole platform in this process: broker, ingest, alerts, API and the configured gateways.

    On a terminal it shows a live table and logs into the data folder; elsewhere it logs JSON lines.
    Ctrl-C or SIGTERM stops it cleanly; what gateways accepted is kept.
    """
    from haidang import services
    from haidang.screen import show

    on_terminal = sys.stdout.isatty()
    with told_in_words():
        configure_logs(data_dir / "haidang.log" if on_terminal else None, _level(verbose))
    whole = services.Whole(demo, host, port, show if on_terminal else None)
    _serve(config, data_dir, lambda installation: services.up(installation, whole))


@cli.command(rich_help_panel=RUN)
def gateway(
    config: ConfigOption = None,
    data_dir: FolderOption = FOLDER,
    only: Annotated[str | None, typer.Option("--id", help="Only this gateway of the configuration.")] = None,
    verbose: VerboseOption = False,
) -> None:
    """Run the edge side alone: read the devices, keep what they say until the centre has it."""
    from haidang import services

    configure_logs(level=_level(verbose))
    _serve(config, data_dir, lambda installation: services.gateway(installation, only))


@cli.command(rich_help_panel=RUN)
def ingest(
    config: ConfigOption = None, data_dir: FolderOption = FOLDER, verbose: VerboseOption = False
) -> None:
    """Run the centre's intake alone: batches from the broker into the store, ships, rules, receipts."""
    from haidang import services

    configure_logs(level=_level(verbose))
    _serve(config, data_dir, services.ingest)


@cli.command(rich_help_panel=RUN)
def alerts(
    config: ConfigOption = None, data_dir: FolderOption = FOLDER, verbose: VerboseOption = False
) -> None:
    """Run the notifications alone: tell the duty officers of open incidents."""
    from haidang import services

    configure_logs(level=_level(verbose))
    _serve(config, data_dir, services.alerts)


@cli.command(rich_help_panel=RUN)
def api(
    config: ConfigOption = None,
    data_dir: FolderOption = FOLDER,
    host: Annotated[str | None, typer.Option(help="Where it listens; loopback only.")] = None,
    port: Annotated[int | None, typer.Option(help="Its port; 0 takes a free one.", min=0, max=65535)] = None,
    verbose: VerboseOption = False,
) -> None:
    """Run the API alone."""
    from haidang import services

    configure_logs(level=_level(verbose))
    _serve(config, data_dir, lambda one: services.api(one, services.Whole(host=host, port=port)))


cli.add_typer(discovery.scan, name="scan", rich_help_panel=DEVICES)
for at_the_wire in (discovery.read, discovery.listen, discovery.registers):
    cli.command(rich_help_panel=DEVICES)(at_the_wire)
for remotely in (remote.add, remote.devices, send, remote.remove):
    cli.command(rich_help_panel=DEVICES)(remotely)
cli.add_typer(profiling.profiles, name="profiles", rich_help_panel=DEVICES)


@cli.command(rich_help_panel=SET_UP)
def check(file: Annotated[Path, typer.Argument(help="The configuration to look over.")]) -> None:
    """Say everything that is wrong with a configuration: file, line, and what to do."""
    from haidang.checking import check as check_configuration

    try:
        loaded = load(file)
        check_configuration(loaded)
    except MistakesError as error:
        for mistake in error.mistakes:
            err.print(str(mistake), soft_wrap=True)
        raise typer.Exit(1) from error
    gateways = loaded.configuration.gateway
    devices = sum(len(gateway.device) for gateway in gateways)
    gates = "1 gateway" if len(gateways) == 1 else f"{len(gateways)} gateways"
    out.print(f"{file}: good: {gates}, {devices} device{'s' * (devices != 1)}", soft_wrap=True)


@cli.command(rich_help_panel=SET_UP)
def replay(
    file: Annotated[Path, typer.Argument(help="A log of NMEA or AIS sentences, one a line.")],
    to: Annotated[str, typer.Option(help="tcp-listen://host:port, tcp://host:port or udp://host:port.")],
    rate: Annotated[float | None, typer.Option(help="Sentences a second.", min=0.001)] = None,
    original_speed: Annotated[
        bool, typer.Option("--original-speed", help="As recorded, by the log's own time stamps.")
    ] = False,
) -> None:
    """Play a recorded log as if a receiver sent it now.

    With tcp-listen:// it waits for the first reader. Without --rate or --original-speed it goes as fast
    as the reader takes it.
    """
    from haidang.replaying import replay_file
    from haidang.services import until_stopped

    if rate is not None and original_speed:
        raise typer.BadParameter("--rate and --original-speed exclude each other")
    with told_in_words():
        run(until_stopped(replay_file(file, to, rate, original_speed=original_speed)))


@cli.command(rich_help_panel=DUTY)
def incidents(
    config: ConfigOption = None,
    data_dir: FolderOption = FOLDER,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
) -> None:
    """List open incidents, newest first."""
    from haidang.incidents import print_incidents

    _ask(config, data_dir, lambda one: print_incidents(one, out, everything=everything))


@cli.command(rich_help_panel=DUTY)
def acknowledge(
    number: Annotated[int, typer.Argument(help="The incident's number, as in the notification.")],
    by: Annotated[str, typer.Option(help="Who takes it in hand.")],
    note: Annotated[str, typer.Option(help="What is being done.")] = "",
    config: ConfigOption = None,
    data_dir: FolderOption = FOLDER,
) -> None:
    """Take an incident in hand: it is not repeated any more."""
    from haidang.incidents import acknowledge_incident

    _ask(config, data_dir, lambda one: acknowledge_incident(one, out, number, by, note))


@cli.command(rich_help_panel=SET_UP)
def mosquitto(
    to: Annotated[Path, typer.Option(help="The folder for mosquitto.conf, passwords and access.")],
    gateways: Annotated[list[str], typer.Option("--gateway", help="A gateway's id; repeat for more.")],
    port: Annotated[int, typer.Option(help="The port it listens on.", min=1, max=65535)] = 8883,
    bind: Annotated[str, typer.Option(help="The address it listens on.")] = "127.0.0.1",
    certificate: Annotated[Path | None, typer.Option(help="PEM of the server's certificate.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM of its private key.")] = None,
) -> None:
    """Write the configuration of Mosquitto, the broker for services that run apart.

    Every gateway may publish and subscribe below its own name only. The new passwords are shown once.
    """
    from broker.mosquitto import Listener, write_configuration

    if (certificate is None) != (key is None):
        raise typer.BadParameter("--certificate and --key go together")
    try:
        names = [check_identifier(name) for name in gateways]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with told_in_words():
        users = write_configuration(to, Listener(port, bind, certificate, key), names)
    scheme = "mqtts" if certificate else "mqtt"
    for user, password in users.items():
        typer.echo(f"{user}: {scheme}://{user}:{password}@{bind}:{port}")
    out.print(f"Start it with: mosquitto -c {to / 'mosquitto.conf'}")


@cli.command(rich_help_panel=SET_UP)
def boards(
    to: Annotated[Path, typer.Option(help="Grafana's provisioning folder, or one to copy there.")],
    config: ConfigOption = None,
    influxdb: Annotated[str, typer.Option(help="The server's major version: 1, 2 or 3.")] = "1",
    user: Annotated[str | None, typer.Option(help="Grafana's own user in InfluxDB, a reader.")] = None,
    installed_at: Annotated[Path | None, typer.Option(help="Where Grafana will find the boards.")] = None,
    tiles: Annotated[str | None, typer.Option(help="URL of your own map tiles, .../{z}/{x}/{y}.png.")] = None,
) -> None:
    """Write Grafana's data source and board. The password stays in HAIDANG_INFLUX_PASSWORD."""
    from grafana import MapView, Server, write_provisioning

    with told_in_words():
        url = load(config).configuration.store.url
        if influxdb not in set(Server):
            raise ConfigurationError(f"--influxdb {influxdb}: write {', '.join(Server)}")
        view = MapView(tiles=tiles) if tiles else None
        server = Server(influxdb)
        for file in write_provisioning(
            to, url, server=server, user=user, installed_at=installed_at, view=view
        ):
            typer.echo(file)


def _level(verbose: bool) -> int:
    return logging.DEBUG if verbose else logging.INFO


def _serve(config: Path | None, folder: Path, service: "Callable[[Installation], Awaitable[None]]") -> None:
    from haidang.services import until_stopped

    _ask(config, folder, lambda installation: until_stopped(service(installation)))


def _ask(
    config: Path | None, folder: Path, task: "Callable[[Installation], Coroutine[Any, Any, None]]"
) -> None:
    from haidang.installation import Installation

    with told_in_words():
        installation = Installation.prepare(load(config), folder)
        run(task(installation))


def main() -> None:
    """The entry point of the command `haidang`."""
    cli()
