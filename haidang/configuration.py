"""haidang.toml: what a user writes, checked and frozen. Environment over file over defaults.

`HAIDANG_STORE__URL=…` sets `[store] url`; `HAIDANG_STORE__URL_FILE=/run/secrets/store` reads it from a
file, so that no secret need stand in the configuration or the process list.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from haidang.toml_lines import line_of
from telemetry import ConfigurationError, Device
from telemetry.devices import Duration, Identifier

PREFIX = "HAIDANG_"
LONGEST_SITE_NAME = 200
SHORTEST_RETENTION = 3600.0  # seconds
Place = tuple[str | int, ...]
"""Where in the file: keys and indexes from the top, as in ("gateway", 0, "device", 2, "link")."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _check_site_name(text: str) -> str:
    if len(text) > LONGEST_SITE_NAME or not text.isprintable():
        raise ValueError(f"is one line of at most {LONGEST_SITE_NAME} characters: it is a tag of every point")
    return text


def _check_locode(text: str) -> str:
    if not re.fullmatch(r"([A-Z]{2}[A-Z2-9]{3})?", text):
        raise ValueError(f"{text!r} is not a UN/LOCODE: write five capitals without a space, such as VNHPH")
    return text


class Site(_Section):
    """The place itself. locode: its UN/LOCODE."""

    name: Annotated[str, AfterValidator(_check_site_name)] = ""
    locode: Annotated[str, AfterValidator(_check_locode)] = ""


class GatewaySection(_Section):
    """A gateway that runs here, and its devices. outbox_limit: bytes on disk at most."""

    id: Identifier
    device: tuple[Device, ...] = ()
    outbox_limit: int = Field(default=2 << 30, ge=1 << 20)


def _check_retention(seconds: float) -> float:
    if seconds < SHORTEST_RETENTION:
        raise ValueError("points are kept for an hour at least: write 1h or more, such as 365d")
    return seconds


class StoreSection(_Section):
    """Where time series go: without a url into the embedded store. retention: how long they are kept."""

    url: str | None = Field(default=None, repr=False)
    retention: Annotated[Duration, AfterValidator(_check_retention)] = 365 * 86400.0


class BrokerSection(_Section):
    """The MQTT broker: without a url the embedded one. ca_file: PEM of the site's own authority."""

    url: str | None = Field(default=None, repr=False)
    ca_file: Path | None = None


class RegistrySection(_Section):
    """Where gateways, devices and incidents are kept: without a url SQLite in the data folder."""

    url: str | None = Field(default=None, repr=False)


class ApiSection(_Section):
    """Where the API listens; loopback only until there are accounts."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


class ContactSection(_Section):
    """Someone to notify. channels: apprise URLs, the first that works is used."""

    id: Identifier
    name: str = ""
    channels: Annotated[tuple[str, ...], Field(min_length=1, repr=False)]


class Configuration(_Section):
    """The whole file. rules: the YAML of alert rules. profiles: folders with the site's own device models."""

    site: Site = Site()
    gateway: tuple[GatewaySection, ...] = ()
    store: StoreSection = StoreSection()
    broker: BrokerSection = BrokerSection()
    registry: RegistrySection = RegistrySection()
    api: ApiSection = ApiSection()
    contact: tuple[ContactSection, ...] = ()
    rules: Path | None = None
    profiles: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a configuration: where, what, and what to do."""

    file: Path | None
    line: int | None
    text: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{place}: {self.text}" if place else self.text


class MistakesError(ConfigurationError):
    """Everything wrong with a configuration at once."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A configuration with the text it came from, so that later checks can name the line."""

    configuration: Configuration
    file: Path | None = None
    text: str = field(default="", repr=False)

    def mistake(self, place: Place, text: str) -> Mistake:
        """A mistake at a place of this file."""
        return Mistake(self.file, line_of(self.text, place), text)

    def beside(self, path: Path) -> Path:
        """A path of the configuration; a relative one counts from the file's own folder."""
        return path if path.is_absolute() or self.file is None else self.file.parent / path


def load(file: Path | None, environment: Mapping[str, str] = os.environ) -> ConfigurationFile:
    """The configuration of a file, or the defaults without one. Raises MistakesError."""
    text = _read(file) if file else ""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MistakesError([_syntax(file, str(error))]) from error
    try:
        return ConfigurationFile(Configuration.model_validate(_overlaid(content, environment)), file, text)
    except ValidationError as error:
        mistakes = [
            Mistake(file, line_of(text, e["loc"]), f"{_dotted(e['loc'])}: {_sentence(e)}")
            for e in error.errors()
        ]
        raise MistakesError(mistakes) from error


def _syntax(file: Path | None, text: str) -> Mistake:
    """What the parser says, its line where ours stand."""
    place = re.search(r" \(at line (\d+), column (\d+)\)$", text)
    if place is None:
        return Mistake(file, None, f"not TOML: {text}")
    said = text.removesuffix(place[0])
    return Mistake(file, int(place[1]), f"not TOML: {said}, at character {place[2]} of the line")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")  # Windows editors put a byte order mark in front
    except OSError as error:
        raise MistakesError(
            [Mistake(file, None, f"cannot be read ({error.strerror}): check the path and who may read it")]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        text = f"byte {error.object[error.start]:#04x} is not UTF-8 text: save the file as UTF-8"
        raise MistakesError([Mistake(file, line, text)]) from error


def _overlaid(content: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or "__" not in variable:
            continue
        *sections, key = variable.removeprefix(PREFIX).lower().split("__")
        table = _section(content, sections, variable)
        if key.endswith("_file") and key != "ca_file":
            table[key.removesuffix("_file")] = _read(Path(value)).strip()
        else:
            table[key] = value
    return content


def _section(content: dict[str, Any], names: Sequence[str], variable: str) -> dict[str, Any]:
    """The section that a variable of the environment goes into, made when missing. Raises MistakesError."""
    table: Any = content
    for name in names:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            text = f"{variable}: {name} is no section with keys of its own; write such values into the file"
            raise MistakesError([Mistake(None, None, text)])
    return cast("dict[str, Any]", table)


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place) or "file"


def _sentence(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return f"there is no such key; there are {', '.join(_keys_beside(error['loc']))}"
    if error["type"] == "missing":
        return "is missing and must be given"
    if error["type"] == "tuple_type":
        return f"is a list: write {_as_list(error['loc'])}"
    if error["type"] == "dict_type":
        return f'is a table: write {error["loc"][-1]} = {{name = "value"}}'
    if error["type"] == "too_short":
        return "is empty; give one at least"
    return str(error["msg"]).removeprefix("Value error, ")


def _as_list(place: Place) -> str:
    """How a list is written at this place: of sections by headers in double brackets, else in brackets."""
    names = [part for part in place if isinstance(part, str)]
    return f"[[{'.'.join(names)}]]" if names[-1] in _SECTIONS else f'{names[-1]} = ["…"]'


def _keys_beside(place: Place) -> Sequence[str]:
    """The keys that the section around this place knows."""
    section: type[BaseModel] = Configuration
    for name in place[:-1]:
        if isinstance(name, str):
            section = _SECTIONS[name]
    return sorted(section.model_fields)


_SECTIONS: Mapping[str, type[BaseModel]] = {
    "site": Site,
    "gateway": GatewaySection,
    "device": Device,
    "store": StoreSection,
    "broker": BrokerSection,
    "registry": RegistrySection,
    "api": ApiSection,
    "contact": ContactSection,
}
