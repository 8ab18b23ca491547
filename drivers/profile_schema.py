"""The JSON Schema of profile files, made from the models that check them, for editors and other tools.

Per driver, `if/then` gives `settings`, `read` and `write` their words; descriptions come from the models'
docstrings, where a sentence of the form `name, other: what it is.` explains those fields.
Source: JSON Schema, draft 2020-12.
"""

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from drivers.catalogue import PROTOCOLS, vocabulary
from drivers.profile_files import NAMED, ProfileFile
from telemetry import Action, Argument, Metric
from telemetry.units import DISPLAY

_NAME = {"pattern": "^[a-z][a-z0-9_]{0,47}$"}
_IDENTIFIER = {"pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
_FIELDS: Mapping[type[BaseModel], Mapping[str, Mapping[str, Any]]] = {
    ProfileFile: {
        "id": _IDENTIFIER,
        "kind": _NAME,
        "driver": {"enum": list(PROTOCOLS)},
        "extends": {"anyOf": [{"type": "string"} | _IDENTIFIER]},
    },
    Metric: {"name": _NAME, "unit": {"enum": sorted(DISPLAY)}},
    Action: {"name": _NAME},
    Argument: {"name": _NAME, "unit": {"enum": sorted(DISPLAY)}},
}
"""What the models check with code rather than with a schema."""

Json = dict[str, Any]


class _Explained(GenerateJsonSchema):
    """Takes the description of each field from its class's docstring."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Json:
        """The model's schema with its descriptions."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        fields: dict[str, str] = {}
        for ancestor in reversed(model.__mro__):
            if issubclass(ancestor, BaseModel):
                about, explained = explanations(ancestor)
                fields |= explained
                made["description"] = about
        for name, field in made.get("properties", {}).items():
            if name in fields:
                field.setdefault("description", fields[name])
            field.update(_FIELDS.get(model, {}).get(name, {}))
        return made

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> Json:
        """A list before which code runs may be written as its only item alone: `drivers/words.several`."""
        made = super().function_before_schema(schema)
        return {"anyOf": [made["items"], made]} if made.get("type") == "array" and "items" in made else made


def profile_schema() -> Json:
    """The whole schema, as docs/profile.schema.json holds it."""
    words = dict(_words())
    models: set[type[BaseModel]] = {ProfileFile}
    models |= {model for kinds in words.values() for model in kinds.values()}
    places, defined = models_json_schema(
        [(model, "validation") for model in sorted(models, key=_full_name)],
        schema_generator=_Explained,
        ref_template="#/$defs/{model}",
    )
    refs = {model: ref for (model, _mode), ref in places.items()}
    definitions = defined["$defs"]
    profile = definitions.pop(str(refs[ProfileFile]["$ref"]).rpartition("/")[2])
    required = profile.pop("required")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **profile,
        "title": "Hải Đăng device profile",
        "description": "A device model: what it says, what it can be told, and how its driver asks.",
        "if": {"required": ["extends"]},
        "then": {"required": ["id", "title"]},
        "else": {
            "required": required,
            "properties": {key: {"items": {"required": ["name", "title"]}} for key in NAMED},
        },
        "allOf": [_branch(driver, kinds, refs) for driver, kinds in words.items()],
        "$defs": _own_names_may_be_inherited(definitions),
    }


def explanations(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """What a model's docstring says of it, and of each field that it explains."""
    text = " ".join(cleandoc(model.__doc__ or "").split())
    one = "|".join(sorted(model.model_fields, key=len, reverse=True)) or "(?!)"
    about, *explained = re.split(rf"(?:(?<=[.;)] )|^)((?:{one})(?:, (?:{one}))*): ", text)
    fields: dict[str, str] = {}
    for names, told in zip(explained[::2], explained[1::2], strict=True):
        sentence = told.strip().rstrip(";.")
        fields |= dict.fromkeys(names.split(", "), sentence[:1].upper() + sentence[1:] + ".")
    return about.strip(), fields


def _words() -> Iterator[tuple[str, dict[str, type[BaseModel]]]]:
    for driver in PROTOCOLS:
        words = vocabulary(driver)
        yield driver, {"settings": words.settings, "read": words.read, "write": words.write}


def _branch(driver: str, kinds: Mapping[str, type[BaseModel]], refs: Mapping[Any, Any]) -> Json:
    settings, read, write = (refs[kinds[kind]] for kind in ("settings", "read", "write"))
    return {
        "if": {"properties": {"driver": {"const": driver}}, "required": ["driver"]},
        "then": {
            "properties": {
                "settings": settings,
                "metrics": {"items": {"properties": {"read": read}}},
                "actions": {"items": {"properties": {"write": write}}},
            }
        },
    }


def _own_names_may_be_inherited(definitions: Json) -> Json:
    """A metric or an action of a child may say its name only and take the rest from the parent's."""
    for name in ("Metric", "Action"):
        definitions[name]["required"] = ["name"]
    return definitions


def _full_name(model: type[BaseModel]) -> str:
    return f"{model.__module__}.{model.__qualname__}"
