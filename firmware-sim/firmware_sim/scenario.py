"""Reads a scenario file: one port's wires, the devices on them, how their values go, and what goes wrong.

docs/simulator.md is its manual; the words are in scenario_words.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ValidationError

from drivers.catalogue import Catalogue
from firmware_sim.courses import Course, course_of, usual_course
from firmware_sim.scenario_words import DeviceWords, ScenarioWords, SimulatedModel, WireWords
from firmware_sim.simulations import simulate
from firmware_sim.wires.faults import Spoiler
from telemetry import ConfigurationError, HaidangError, Profile
from telemetry.documents import Document, named, read_document, wrong_keys
from telemetry.documents import Path as Place


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that was read and checked. models: of each wire its devices, in order."""

    words: ScenarioWords
    models: Sequence[Sequence[SimulatedModel]]


def shipped_scenarios() -> list[str]:
    """The names of the scenarios that come with us."""
    folder = files("firmware_sim") / "scenarios"
    return sorted(one.name.removesuffix(".yaml") for one in folder.iterdir() if one.name.endswith(".yaml"))


def read_scenario(name: str, catalogue: Catalogue) -> Scenario:
    """The scenario in a file, or a shipped one by its name.

    Raises ConfigurationError with one line for every mistake, `file:line:column: what, and what to do`.
    """
    if name in shipped_scenarios():
        return parse_scenario(
            (files("firmware_sim") / "scenarios" / f"{name}.yaml").read_text("utf-8"), name, catalogue
        )
    path = Path(name)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(shipped_scenarios())
        raise ConfigurationError(f"{name} cannot be read: {error}; shipped are {known}") from error
    return parse_scenario(text, name, catalogue, path.parent)


def parse_scenario(text: str, file: str, catalogue: Catalogue, folder: Path | None = None) -> Scenario:
    """A scenario from YAML; CSV files are looked for in `folder`. Raises as `read_scenario`."""
    document = read_document(text, file)
    mistakes = list(document.repeated)
    try:
        words = ScenarioWords.model_validate(document.content)
    except ValidationError as error:
        mistakes += _told(document, (), error, ScenarioWords)
        raise ConfigurationError("\n".join(mistakes)) from error
    reader = _Reader(document, words, catalogue, folder or Path())
    models = reader.models()
    if mistakes := [*mistakes, *reader.mistakes]:
        raise ConfigurationError("\n".join(mistakes))
    return Scenario(words, models)


class _Reader:
    """Finds profiles and makes courses, and collects what is wrong."""

    def __init__(self, document: Document, words: ScenarioWords, catalogue: Catalogue, folder: Path) -> None:
        self.mistakes: list[str] = []
        self._document, self._words, self._catalogue, self._folder = document, words, catalogue, folder
        self._ids: set[str] = set()

    def models(self) -> list[list[SimulatedModel]]:
        """Each wire's devices."""
        return [self._wire(("wires", index), wire) for index, wire in enumerate(self._words.wires)]

    def _wire(self, place: Place, wire: WireWords) -> list[SimulatedModel]:
        models = [
            model
            for number, device in enumerate(wire.devices)
            for model in self._model((*place, "devices", number), device)
        ]
        try:
            devices = simulate(models, wire, lambda: 0.0)
            Spoiler([fault.rule() for fault in wire.faults]).check(devices)
        except HaidangError as error:
            self._wrong((*place, "devices"), str(error))
        return models

    def _model(self, place: Place, device: DeviceWords) -> Iterator[SimulatedModel]:
        if device.id in self._ids:
            self._wrong((*place, "id"), f"id: another device is called {device.id}: give each its own")
        self._ids.add(device.id)
        try:
            profile = self._catalogue.profile(device.profile)
        except HaidangError as error:
            self._wrong((*place, "profile"), f"profile: {error}")
            return
        yield SimulatedModel(device, profile, dict(self._courses(place, device, profile)))

    def _courses(self, place: Place, device: DeviceWords, profile: Profile) -> Iterator[tuple[str, Course]]:
        metrics = {metric.name for metric in profile.metrics}
        if unknown := sorted(device.values.keys() - metrics) if not device.says else ():
            for name in unknown:
                known = ", ".join(sorted(metrics))
                self._wrong((*place, "values", name), f"{profile.id} has no metric {name}; it has {known}")
        for metric in profile.metrics:
            usual = usual_course(metric, self._words.seed)
            if metric.name not in device.values and usual is not None:
                yield metric.name, usual
        for name, spec in device.values.items():
            yield from self._course((*place, "values", name), f"{device.id}/{name}", name, spec)

    def _course(self, place: Place, seeded: str, name: str, spec: object) -> Iterator[tuple[str, Course]]:
        try:
            yield name, course_of(spec, seeded, self._words.seed, self._folder)
        except ValidationError as error:
            self.mistakes += _told(self._document, place, error)
        except ConfigurationError as error:
            self._wrong(place, str(error))

    def _wrong(self, place: Place, text: str) -> None:
        self.mistakes.append(f"{self._document.where(place)}: {text}")


def _told(
    document: Document, base: Place, error: ValidationError, model: type[BaseModel] | None = None
) -> list[str]:
    known = model.model_fields if model else ()
    return [
        f"{document.where((*base, *place))}: {named((*base[-1:], *place), text)}"
        for place, text in wrong_keys(error, known)
    ]
