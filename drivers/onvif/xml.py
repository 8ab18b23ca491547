"""Small XML documents from strangers: WS-Discovery datagrams and SOAP requests, read within bounds.

A document type declaration is refused before anything in it is read, so there are no entities to
expand and nothing outside to fetch (XML 1.0, 2.8).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape, quoteattr

from telemetry import HaidangError

DEEPEST = 40
MOST_ELEMENTS = 4000
_SPACE = " "

__all__ = ["Element", "XmlError", "escape", "quoteattr", "read_xml"]


class XmlError(HaidangError):
    """A document that is not XML, or more of it than is read."""


@dataclass(slots=True)
class Element:
    """An element. name, attributes: without their namespaces, which differ between makers' releases.

    text: all of its own text, as one.
    """

    name: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    children: list["Element"] = field(default_factory=list["Element"])

    def walk(self) -> Iterator["Element"]:
        """This element and all below it, in the document's order."""
        waiting: list[Element] = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))

    def all(self, name: str) -> list["Element"]:
        """Every element of this name, this one and at any depth."""
        return [element for element in self.walk() if element.name == name]

    def first(self, name: str) -> "Element | None":
        """The first element of this name."""
        return next((element for element in self.walk() if element.name == name), None)

    def text_of(self, name: str) -> str:
        """The text of the first element of this name, trimmed; empty when there is none."""
        element = self.first(name)
        return "" if element is None else element.text.strip()


@dataclass(slots=True)
class _Tree:
    root: Element | None = None
    open: list[Element] = field(default_factory=list[Element])
    elements: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(self.open) >= DEEPEST:
            raise XmlError(f"more than {MOST_ELEMENTS} elements, or nested deeper than {DEEPEST}")
        element = Element(_local(name), {_local(key): text for key, text in attributes.items()})
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, _: str) -> None:
        self.open.pop()

    def text(self, text: str) -> None:
        if self.open:
            self.open[-1].text += text


def read_xml(document: bytes) -> Element:
    """The document's root. Raises XmlError for anything but a small well-formed document without a DTD."""
    tree = _Tree()
    try:
        parser = ParserCreate(namespace_separator=_SPACE)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = tree.start
        parser.EndElementHandler = tree.end
        parser.CharacterDataHandler = tree.text
        parser.Parse(document, True)
    except (ExpatError, ValueError, LookupError) as error:
        raise XmlError(f"not XML: {error}") from error
    if tree.root is None:
        raise XmlError("not XML: there is no element")
    return tree.root


def _local(name: str) -> str:
    return name.rpartition(_SPACE)[2]


def _refuse_doctype(*_: object) -> None:
    raise XmlError("a document type declaration, which is never read")
