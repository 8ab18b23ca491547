"""`haidang send`: tells a device of the running platform something, and says how it ended."""

import getpass
import shlex
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Column, Table

from haidang.discovery.values import harmless, number
from haidang.remote.calling import DEFAULT_API, calling
from haidang.terminal import ApiOption, out, run, told_in_words
from telemetry import Action, Argument, CommandError, Title, Value
from telemetry.commands import Kind, find_action

_TRUE = frozenset({"true", "on", "yes", "1"})
_FALSE = frozenset({"false", "off", "no", "0"})


class _ArgumentShown(msgspec.Struct, frozen=True):
    name: str
    title: dict[str, str]
    kind: str
    unit: str = "1"
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    default: bool | int | float | str | None = None


class _ActionShown(msgspec.Struct, frozen=True):
    name: str
    title: dict[str, str]
    arguments: Sequence[_ArgumentShown] = ()


class _Actions(msgspec.Struct, frozen=True):
    items: Sequence[_ActionShown]


class _Ended(msgspec.Struct, frozen=True):
    done: bool | None
    reason: str
    detail: str
    values: Mapping[str, Value]


def send(
    device: Annotated[str, typer.Argument(help="The device's id.")],
    action: Annotated[
        str | None, typer.Argument(help="What to do; left out: what there is is listed.")
    ] = None,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[name=value]...")] = None,
    *,
    api: ApiOption = DEFAULT_API,
    by: Annotated[str | None, typer.Option(help="Who gives it; left out: this user.")] = None,
    timeout: Annotated[str, typer.Option(help="How long to wait for the reply, a minute at most.")] = "5s",
) -> None:
    """Tell a device something: switch a relay, turn a camera. Without an action, list what it can be told.

    Ends with 0 once it is done, with 1 and a sentence when it is not, or nobody knows.
    """
    with told_in_words():
        if action is None:
            run(_list(api, device))
            return
        order = _Order(device, action, arguments or [], by or _user(), timeout)
        ended = run(_send(api, order))
    if not ended.done:
        typer.echo(f"{device} {action}: {ended.reason}: {harmless(ended.detail)}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{device} {action}: done{f' ({harmless(ended.detail)})' if ended.detail else ''}")
    for name, value in ended.values.items():
        typer.echo(f"  {name} = {number(value)}")


class _Order(msgspec.Struct, frozen=True):
    device: str
    action: str
    arguments: Sequence[str]
    by: str
    timeout: str


async def _send(api: str, order: _Order) -> _Ended:
    """How it ended. Raises CallError, CommandError, ConfigurationError."""
    async with calling(api) as calls:
        shown = await calls.get(f"/devices/{order.device}/actions", _Actions)
        action = find_action([_action(one) for one in shown.items], order.action)
        given = parsed(action, order.arguments)
        action.check(given)
        command = {"action": action.name, "arguments": given, "by": order.by, "timeout": order.timeout}
        return await calls.post(f"/devices/{order.device}/commands", command, _Ended)


async def _list(api: str, device: str) -> None:
    async with calling(api) as calls:
        shown = await calls.get(f"/devices/{device}/actions", _Actions)
    actions = [_action(one) for one in shown.items]
    if not actions:
        out.print(f"{device} takes no commands")
        return
    out.print(_table(actions))
    out.print(
        "For example:", *(f"  {example(device, action)}" for action in actions), sep="\n", soft_wrap=True
    )


def parsed(action: Action, texts: Sequence[str]) -> dict[str, Value]:
    """The arguments in texts such as `speed=3`, by the action's kinds. Raises CommandError."""
    kinds = {argument.name: argument for argument in action.arguments}
    given: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"{text!r} is no argument: write its name, = and its value, without spaces")
        if name in given:
            raise CommandError(f"{name} is given twice")
        given[name] = _value(kinds[name], value) if name in kinds else value
    return given


def example(device: str, action: Action) -> str:
    """A line to copy."""
    values = {
        argument.name: _sample(argument)
        for argument in action.arguments
        if argument.default is None or len(action.arguments) <= 3
    }
    words = [f"{name}={_text(value)}" for name, value in values.items()]
    return shlex.join(["haidang", "send", device, action.name, *words])


def _value(argument: Argument, text: str) -> Value:
    if argument.kind in {Kind.TEXT, Kind.CHOICE}:
        return text
    if argument.kind is Kind.FLAG:
        return text.lower() in _TRUE if text.lower() in _TRUE | _FALSE else argument.check(text)
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return argument.check(text)  # which says what it takes


def _sample(argument: Argument) -> Value:
    if argument.default is not None:
        return argument.default
    if argument.choices:
        return argument.choices[0]
    if argument.kind is Kind.FLAG:
        return True
    if argument.kind is Kind.TEXT:
        return "text"
    low = argument.minimum if argument.minimum is not None else -1e300
    high = argument.maximum if argument.maximum is not None else 1e300
    nearest = min(max(1, low), high)
    return int(nearest) if nearest == int(nearest) else nearest


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(actions: Sequence[Action]) -> Table:
    names, takes = Column("can be told", no_wrap=True), Column("takes", no_wrap=True)
    table = Table(names, takes, "làm gì / what it does", box=None, padding=(0, 2, 0, 0))
    for action in actions:
        table.add_row(action.name, "", f"{action.title.vi} / {action.title.en}")
        for one in action.arguments:
            default = "" if one.default is None else f", else {_text(one.default) or 'nothing'}"
            table.add_row(f"  {one.name}", _takes(one) + default, f"{one.title.vi} / {one.title.en}")
    return table


def _takes(argument: Argument) -> str:
    if argument.choices:
        return ", ".join(argument.choices)
    if argument.kind is Kind.FLAG:
        return "on, off"
    if argument.kind is Kind.TEXT:
        return "text"
    low = "…" if argument.minimum is None else f"{argument.minimum:g}"
    high = "…" if argument.maximum is None else f"{argument.maximum:g}"
    unit = "" if argument.unit == "1" else f" {argument.unit}"
    whole = "whole " if argument.kind is Kind.WHOLE else ""
    return f"{whole}{low} to {high}{unit}" if (low, high) != ("…", "…") else f"{whole}number{unit}"


def _action(shown: _ActionShown) -> Action:
    arguments = [_argument(one) for one in shown.arguments]
    return Action(name=shown.name, title=Title.model_validate(shown.title), arguments=tuple(arguments))


def _argument(shown: _ArgumentShown) -> Argument:
    fields: dict[str, Any] = msgspec.structs.asdict(shown)
    return Argument.model_validate(fields)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as containers have them
        return "unknown"
