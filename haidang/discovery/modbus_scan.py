"""`haidang scan modbus`: which units answer on a link, who they say they are, and which model fits."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress

from drivers.catalogue import Catalogue
from drivers.modbus.identity import OBJECTS
from drivers.modbus.plan import Plan
from drivers.modbus.probe import Fit, best, judge
from haidang.discovery.modbus_wire import ModbusAddress, ModbusWire, modbus_wire
from haidang.discovery.waiting import progress
from telemetry import ConfigurationError, LinkError, Profile, Value

SHOWN = 3  # models proposed for one unit
USUAL = tuple((baudrate, parity) for baudrate in (9600, 19200, 38400, 4800, 115200) for parity in "NE")
"""Speeds and parities that makers deliver their devices with, likeliest first."""

_CHECKS: Mapping[bool, str] = {
    True: "the converter's power, A and B, the unit ids, speed and parity (--lines tries them)",
    False: "the unit ids, and behind a plain serial converter ?framing=rtu in the link",
}
"""What may be wrong where nobody answers, on a serial port and elsewhere."""

_SERIAL = ("serial:", "rfc2217:")

Model = tuple[Profile, Plan]


@dataclass(frozen=True, slots=True)
class Unit:
    """One that answers. identity: what it says of itself. fits: models that explain it, best first."""

    number: int
    identity: Mapping[int, str] = field(default_factory=dict[int, str])
    fits: Sequence[Fit] = ()


async def scan_lines(
    addresses: Sequence[ModbusAddress], units: Sequence[int], catalogue: Catalogue, out: Console, err: Console
) -> list[Unit]:
    """Tries one line after the other until somebody answers.

    A line that this port cannot be set to is told and passed over; where it is the only one, LinkError.
    """
    for address in addresses:
        if len(addresses) > 1:
            out.print(f"trying {address.link}", soft_wrap=True)
        try:
            if found := await scan_modbus(address, units, catalogue, out, err):
                return found
        except LinkError as error:
            if len(addresses) == 1:
                raise
            out.print(str(error), soft_wrap=True)
    checks = _CHECKS[addresses[0].link.startswith(_SERIAL)]
    out.print(f"check {checks}, and a longer --timeout", soft_wrap=True)
    return []


async def scan_modbus(
    address: ModbusAddress, units: Sequence[int], catalogue: Catalogue, out: Console, err: Console
) -> list[Unit]:
    """Asks every unit, prints each that answers as soon as it is known. Raises LinkError."""
    found: list[Unit] = []
    models = modbus_models(catalogue)
    try:
        async with modbus_wire(address) as wire:
            with progress(out, err) as bar:
                async for unit in _answering(wire, units, bar):
                    whole = Unit(unit, await wire.identify(unit), await fits(wire, unit, models, bar))
                    _tell(address.link, whole, catalogue, out)
                    found.append(whole)
        out.print(f"{len(found)} of {len(units)} unit ids answer, {len(units) - len(found)} are silent")
    finally:  # also where the wire broke or Ctrl-C came
        _tell_next(address.link, found, out)
    return found


async def fits(wire: ModbusWire, unit: int, models: Sequence[Model], bar: Progress) -> list[Fit]:
    """Reads the unit once as each model. Raises LinkError."""
    task = bar.add_task(f"unit {unit}: which model", total=len(models))
    judged: list[Fit] = []
    for profile, plan in models:
        judged.append(await _as_model(wire, unit, profile, plan))
        bar.update(task, advance=1)
    bar.remove_task(task)
    return best(judged)


def modbus_models(catalogue: Catalogue) -> Sequence[Model]:
    """Every Modbus model that says values, with its plan."""
    profiles = sorted(catalogue.profiles.values(), key=lambda profile: profile.id)
    return [
        (profile, Plan(profile)) for profile in profiles if profile.driver == "modbus" and profile.metrics
    ]


def lines(link: str) -> list[str]:
    """The same serial port at the usual speeds and parities. Raises ConfigurationError for another link."""
    path, _, _ = link.partition("?")
    if not path.startswith(_SERIAL):
        raise ConfigurationError("--lines tries speeds and parities, which only a serial link has")
    return [f"{path}?baudrate={baudrate}&parity={parity}" for baudrate, parity in USUAL]


async def _answering(wire: ModbusWire, units: Sequence[int], bar: Progress) -> AsyncIterator[int]:
    task = bar.add_task("unit ids", total=len(units))
    for unit in units:
        bar.update(task, description=f"unit {unit}")
        if await wire.answers(unit):
            yield unit
        bar.update(task, advance=1)


async def _as_model(wire: ModbusWire, unit: int, profile: Profile, plan: Plan) -> Fit:
    """One poll, given up at the first register the unit does not have."""
    values: dict[str, Value] = {}
    for group in plan.groups:
        for read in group.reads:
            answer = await wire.ask(unit, read.request)
            if answer is None or answer.code:
                return judge(profile, {}, len(profile.metrics))
            values |= read.decode(answer.body)
        for step in group.steps:
            step.apply(values)
    return judge(profile, values)


def _tell(link: str, unit: Unit, catalogue: Catalogue, out: Console) -> None:
    said = [f"{OBJECTS.get(number, number)} {text}" for number, text in unit.identity.items() if text]
    out.print(f"unit {unit.number} answers{'; it says: ' * bool(said)}{', '.join(said)}", soft_wrap=True)
    for fit in unit.fits[:SHOWN]:
        told = fit.plausible + fit.doubtful + fit.refused
        zeros = f", {fit.zero} {'is' if fit.zero == 1 else 'are'} 0" if fit.zero else ""
        model = f"{fit.profile} ({catalogue.profile(fit.profile).title.en})"
        out.print(f"  fits {model}: {fit.plausible} of {told} values make sense{zeros}", soft_wrap=True)
    if not unit.fits:
        out.print("  no model fits; look into it, then describe it (docs/add-a-device-model.md):")
        out.print(f"  haidang registers '{link}' --unit {unit.number}", soft_wrap=True)


def _tell_next(link: str, found: Sequence[Unit], out: Console) -> None:
    for unit in found:
        for fit in unit.fits[:1]:
            where = f"--profile {fit.profile} --unit {unit.number}"
            out.print(f"see it:  haidang read '{link}' {where}", soft_wrap=True)
            out.print(f"add it:  haidang add NAME --link '{link}' {where}", soft_wrap=True)
