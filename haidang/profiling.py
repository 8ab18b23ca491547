"""`haidang profiles`: the device models there are, one as a readable sheet, mistakes, and the JSON Schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from drivers.catalogue import Catalogue
from drivers.profile_checks import check_folder
from drivers.profile_schema import profile_schema
from haidang.catalogue import site_catalogue
from haidang.configuration import load
from haidang.terminal import ConfigOption, err, out, told_in_words
from telemetry import Profile, ProfileError

profiles = typer.Typer(help="List the device models; show one, check your own, print their schema.")


@profiles.callback(invoke_without_command=True)
def list_profiles(context: typer.Context, config: ConfigOption = None) -> None:
    """List the device models: those shipped and those of the site."""
    if context.invoked_subcommand:
        return
    with told_in_words():
        known = sorted(_known(config).profiles.values(), key=lambda one: one.id)
    columns = Column("profile", no_wrap=True), Column("driver", no_wrap=True), "thiết bị / model"
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for profile in known:
        table.add_row(profile.id, profile.driver, f"{profile.title.vi} / {profile.title.en}")
    out.print(table)
    out.print("haidang profiles show PROFILE: its values, units, actions and source")


@profiles.command()
def show(
    profile: Annotated[str, typer.Argument(help="The profile's id, as `haidang profiles` lists it.")],
    config: ConfigOption = None,
) -> None:
    """Show one device model: its values, their units and places on the wire, its actions, its source."""
    with told_in_words():
        found = _known(config).profile(profile)
        out.print(f"{found.id}: {found.title.en} · {found.title.vi}", soft_wrap=True)
        for name, text in _facts(found):
            out.print(f"  {name:<9} {text}", soft_wrap=True)
        out.print(_metrics(found))
        if found.actions:
            out.print(_actions(found))


@profiles.command()
def check(path: Annotated[Path, typer.Argument(help="A profile's file, or a folder of them.")]) -> None:
    """Say everything that is wrong with profiles: file, line, column, and what to do."""
    with told_in_words():
        if not path.exists():
            raise ProfileError(f"there is no file or folder {path}")
        folder, only = (path, None) if path.is_dir() else (path.parent, path)
        count, mistakes = check_folder(folder, only)
    for mistake in mistakes:
        err.print(mistake, soft_wrap=True)
    if mistakes:
        raise typer.Exit(1)
    out.print(f"{path}: good: {count} profile{'s' * (count != 1)}", soft_wrap=True)


@profiles.command()
def schema() -> None:
    """Print the JSON Schema of profile files, for an editor."""
    typer.echo(json.dumps(profile_schema(), indent=2, ensure_ascii=False))


def _known(config: Path | None) -> Catalogue:
    return site_catalogue(load(config))


def _facts(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "driver", profile.driver
    yield "kind", profile.kind
    if profile.every is not None:
        yield "every", f"{profile.every:g} s"
    if profile.settings:
        yield "settings", _words(profile.settings)
    if profile.source:
        yield "source", profile.source


def _metrics(profile: Profile) -> Table:
    table = Table(Column("value", no_wrap=True), "unit", "meaning", "nghĩa", "read")
    for metric in profile.metrics:
        unit = "" if metric.unit == "1" else metric.unit
        table.add_row(metric.name, unit, metric.title.en, metric.title.vi, _words(metric.read))
    return table


def _actions(profile: Profile) -> Table:
    table = Table(Column("action", no_wrap=True), "arguments", "meaning", "nghĩa", "write")
    for action in profile.actions:
        takes = ", ".join(argument.name for argument in action.arguments)
        table.add_row(action.name, takes, action.title.en, action.title.vi, _words(action.write))
    return table


def _words(said: Any) -> str:
    """A driver's words as a person writes them, on one line."""
    if isinstance(said, dict):
        return ", ".join(f"{key} {_inner(value)}" for key, value in said.items())
    if isinstance(said, list | tuple):
        return ", ".join(map(_inner, said))
    if isinstance(said, bool):
        return str(said).lower()
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(said))


def _inner(said: Any) -> str:
    return f"({_words(said)})" if isinstance(said, dict | list | tuple) else _words(said)
