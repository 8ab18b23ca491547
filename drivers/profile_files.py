"""Profiles from YAML files: each mistake with file, line and column, and families by `extends`.

A file may say `extends: PARENT` and then only what differs: settings are laid over the parent's, a metric
or an action of a name that the parent has replaces it key by key, others are added, `without` leaves some
out. `abstract: true` makes a family that only others extend. Title, id and abstract are never inherited.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, cast

from pydantic import ValidationError

from telemetry import ConfigurationError, Profile, ProfileError
from telemetry.devices import Identifier
from telemetry.documents import Document, Path, named, read_document, wrong_keys
from telemetry.words import Name

NAMED = ("metrics", "actions")
"""The lists of a profile whose items are known by their names."""


class ProfileFile(Profile):
    """What a file may say beside a profile's own keys.

    extends: the id of the profile whose keys hold here too. without: names of its metrics and actions
    that do not. abstract: whether this is a family that no device uses, only other profiles.
    """

    extends: Identifier | None = None
    without: tuple[Name, ...] = ()
    abstract: bool = False


@dataclass(slots=True)
class Draft:
    """A profile's file with what it inherits, not yet checked.

    content: what the profile says in all. origins: place in the content → the document that says it, and
    where there. ancestors: the ids of those it extends, nearest first.
    """

    document: Document
    content: dict[str, Any]
    origins: dict[Path, tuple[Document, Path]] = field(default_factory=dict[Path, tuple[Document, Path]])
    abstract: bool = False
    ancestors: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The profile's id as written."""
        return str(self.content.get("id", ""))

    def where(self, path: Path) -> str:
        """`file:line:column` of what stands at this place, in this file or in a parent's."""
        for length in range(len(path), 0, -1):
            if origin := self.origins.get(path[:length]):
                return origin[0].where((*origin[1], *path[length:]))
        return self.document.where(path)

    def at(self, path: Path, text: str) -> str:
        """A mistake as people read it: where, in which metric or action, and what."""
        name = self._name(path)
        return f"{self.where(path)}: {name}{text}"

    def _name(self, path: Path) -> str:
        if len(path) < 2 or path[0] not in NAMED or not isinstance(path[1], int):
            return ""
        items = cast("list[Any]", self.content[path[0]])
        item = items[path[1]] if path[1] < len(items) else None
        name = cast("dict[str, Any]", item).get("name") if isinstance(item, dict) else None
        return f"{str(path[0])[:-1]} {name}: " if isinstance(name, str) else ""

    def profile(self) -> Profile:
        """The checked profile. Raises ProfileError with one line for every mistake."""
        try:
            return Profile.model_validate(self.content)
        except ValidationError as error:
            raise ProfileError("\n".join(self._told(error))) from error

    def _told(self, error: ValidationError) -> Iterator[str]:
        for place, text in wrong_keys(error, ProfileFile.model_fields):
            within = place[2:] if self._name(place) else place
            yield self.at(place, named(within, text))


def read_profiles(
    texts: Iterable[tuple[str, str]], known: Mapping[str, Draft]
) -> tuple[dict[str, Draft], list[str]]:
    """The profiles of one folder by id, complete with what they inherit, and a line for every mistake.

    texts: file name and text of each. known: those of earlier folders, which may be extended too, also by
    one with the same id.
    """
    mistakes: list[str] = []
    drafts: dict[str, Draft] = {}
    for file, text in texts:
        draft = _read(text, file, mistakes)
        if draft is None:
            continue
        if draft.id in drafts:
            other = drafts[draft.id].document.file
            mistakes.append(draft.at(("id",), f"another file has the id {draft.id} too: {other}; change one"))
        drafts[draft.id] = draft
    families = _Families(drafts, known, mistakes)
    return {name: families.whole(name, ()) for name in drafts}, mistakes


def _read(text: str, file: str, mistakes: list[str]) -> Draft | None:
    """The profile of one file alone; None where its form forbids to go on."""
    try:
        document = read_document(text, file)
    except ConfigurationError as error:
        mistakes.append(str(error))
        return None
    mistakes += document.repeated
    if not isinstance(document.content, dict):
        mistakes.append(f"{file}:1:1: write a profile here: id, title, driver, kind and metrics")
        return None
    draft = Draft(document, cast("dict[str, Any]", document.content))
    wrong = [*_form_mistakes(draft), *_family_mistakes(draft)]
    mistakes += wrong
    if wrong:
        return None
    mistakes += _repeated_names(draft)
    return draft


def _form_mistakes(draft: Draft) -> Iterator[str]:
    """What is of the wrong form, so that nothing can be inherited."""
    content = draft.content
    if not isinstance(content.get("settings", {}), dict):
        yield draft.at(("settings",), "settings: a mapping of keys and values belongs here")
    for key in NAMED:
        if not isinstance(content.get(key, []), list):
            yield draft.at((key,), f"{key}: a list belongs here, each item starting with -")
    if not isinstance(content.get("id"), str):
        yield draft.at(("id",), "id: a name of its own belongs here, such as id: acme-tank-7")


def _repeated_names(draft: Draft) -> Iterator[str]:
    for key in NAMED:
        names = [item["name"] if _is_named(item) else None for item in draft.content.get(key, ())]
        for index, name in enumerate(names):
            if name is not None and name in names[:index]:
                yield draft.at(
                    (key, index, "name"), "another is called so above; give each a name of its own"
                )


def _family_mistakes(draft: Draft) -> Iterator[str]:
    """What is wrong with the keys that make families; they are taken before the profile is checked."""
    content = draft.content
    if not isinstance(content.get("extends"), str | None):
        yield draft.at(("extends",), "extends: the id of another profile belongs here")
    without = content.get("without", [])
    if not isinstance(without, list) or not all(isinstance(name, str) for name in without):
        yield draft.at(("without",), "without: a list of the parent's metrics and actions belongs here")
    elif without and not content.get("extends"):
        yield draft.at(("without",), "without: goes with extends alone")
    if not isinstance(content.get("abstract", False), bool):
        yield draft.at(("abstract",), "abstract: true or false belongs here")


class _Families:
    """Lays every profile of a folder over its parent. What is wrong goes into `mistakes`."""

    def __init__(self, drafts: Mapping[str, Draft], known: Mapping[str, Draft], mistakes: list[str]) -> None:
        self._drafts, self._known, self._mistakes = drafts, known, mistakes
        self._whole: dict[str, Draft] = {}

    def whole(self, name: str, below: tuple[str, ...]) -> Draft:
        """This profile with all it inherits. below: the ids of those that asked for it."""
        if name not in self._whole:
            self._whole[name] = self._complete(self._drafts[name], below)
        return self._whole[name]

    def _complete(self, draft: Draft, below: tuple[str, ...]) -> Draft:
        parent_id = draft.content.get("extends")
        if parent_id is None:
            return _lay(draft, Draft(draft.document, {}), ())
        parent = self._parent(draft, parent_id, (*below, draft.id))
        if parent is None:
            return _lay(draft, Draft(draft.document, {}), ())
        without: Sequence[str] = draft.content.get("without", ())
        names = [item["name"] for key in NAMED for item in parent.content.get(key, ()) if _is_named(item)]
        for index, name in enumerate(without):
            if name not in names:
                near = get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names)}"
                what = f"without: {parent_id} has no {name[:40]!r}; {hint}"
                self._mistakes.append(draft.at(("without", index), what))
        return _lay(draft, parent, without)

    def _parent(self, draft: Draft, parent_id: str, line: tuple[str, ...]) -> Draft | None:
        if parent_id in self._drafts and parent_id != draft.id:
            if parent_id not in line:
                return self.whole(parent_id, line)
            circle = " extends ".join((*line[line.index(parent_id) :], parent_id))
            self._mistakes.append(draft.at(("extends",), f"extends: goes in a circle: {circle}"))
            return None
        if parent_id in self._known:
            return self._known[parent_id]
        ids = [name for name in (*self._drafts, *self._known) if name != draft.id]
        near = get_close_matches(parent_id, ids, 1)
        hint = f"; did you mean {near[0]}?" if near else "; `haidang profiles` lists them"
        self._mistakes.append(
            draft.at(("extends",), f"extends: there is no profile {parent_id[:70]!r}{hint}")
        )
        return None


_OWN = ("id", "title", "extends", "without", "abstract")
"""Keys that a profile does not inherit."""


def _lay(child: Draft, parent: Draft, without: Sequence[str]) -> Draft:
    """The child over the parent, with where each part stands."""
    content = {key: value for key, value in parent.content.items() if key not in _OWN}
    abstract = child.content.get("abstract", False)
    ancestors = (parent.id, *parent.ancestors) if parent.content else ()
    whole = Draft(child.document, content, dict(parent.origins), abstract, ancestors)
    for key, value in child.content.items():
        if key in NAMED:
            continue
        if key == "settings" and isinstance(content.get(key), dict):
            content[key] = content[key] | value
            for word in value:
                whole.origins[(key, word)] = (child.document, (key, word))
        elif key not in {"extends", "without", "abstract"}:
            content[key] = value
            whole.origins[(key,)] = (child.document, (key,))
    for key in NAMED:
        if key in child.content or key in content:
            _lay_named(whole, key, child, parent, without)
    return whole


def _lay_named(whole: Draft, key: str, child: Draft, parent: Draft, without: Sequence[str]) -> None:
    items: list[Any] = []
    origins: list[dict[Path, tuple[Document, Path]]] = []
    places: dict[str, int] = {}
    for index, item in enumerate(parent.content.get(key, ())):
        if _is_named(item):
            if item["name"] in without:
                continue
            places[item["name"]] = len(items)
        items.append(item)
        origins.append({path[2:]: at for path, at in parent.origins.items() if path[:2] == (key, index)})
    inherited = len(items)
    for index, item in enumerate(child.content.get(key, ())):
        own: Path = (key, index)
        place = places.get(item["name"], inherited) if _is_named(item) else inherited
        if place < inherited:
            items[place] = items[place] | item
            origins[place] |= {(word,): (child.document, (*own, word)) for word in item}
        else:
            items.append(item)
            origins.append({(): (child.document, own)})
    whole.content[key] = items
    stale = [path for path in whole.origins if path[0] == key]
    for path in stale:
        del whole.origins[path]
    whole.origins[(key,)] = (child.document, (key,))
    for index, places_of in enumerate(origins):
        whole.origins |= {(key, index, *path): at for path, at in places_of.items()}


def _is_named(item: object) -> bool:
    return isinstance(item, dict) and isinstance(cast("dict[str, Any]", item).get("name"), str)
