"""Makes decoders and encoders out of the tables in vessels/messages.py, and finds the right one.

A decoder is compiled once per table into one expression that builds the message straight from the
integer of its bits, as `namedtuple` and `dataclass` compile theirs: looping over the fields at run
time would cost several times as much.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast, get_type_hints

from vessels import messages
from vessels.fields import Field, Number, Spare, Text
from vessels.messages import Message
from vessels.rejects import MessageError, Reject
from vessels.sixbit import text_of

Reader = Callable[[int, int], Message | Reject]
"""Bits and their number in, a message out."""

DEFINED_TYPES = range(1, 28)
_TABULATED_WIDTH = 12
"""Up to this many bits a field's values are looked up in a table of all of them."""


class Column(NamedTuple):
    """One field where it lies: `shift` bits are behind it, counted from a message of nominal size."""

    name: str
    kind: Field
    shift: int


@dataclass(frozen=True)
class Layout:
    """One table of bits: the class that describes it, its message types and its sizes in bits.

    size: what the standard gives. shortest, longest: what transponders are known to send and still
    mean the same; missing bits read as zero, surplus bits are ignored.
    """

    message: type[Message]
    types: tuple[int, ...]
    size: int
    shortest: int
    longest: int

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The fields in the order in which they are sent."""
        return tuple(_columns(self.message, self.size))

    @cached_property
    def read(self) -> Reader:
        """The compiled decoder."""
        return _compile(self)

    def write(self, message: Message) -> tuple[int, int]:
        """The bits of a message and their number. Raises MessageError, naming the field."""
        bits, tail, tail_size = 0, 0, 0
        for column, value in zip(self.columns, message, strict=True):
            try:
                bits |= column.kind.encode(value) << column.shift
                if isinstance(column.kind, Text) and column.kind.extension:
                    tail, tail_size = column.kind.encode_extension(value)
            except MessageError as error:
                raise MessageError(f"{self.message.__name__}.{column.name}: {error}") from error
        tail_padding = -(self.size + tail_size) % 8 if tail_size else 0
        size = self.size + tail_size + tail_padding
        return (bits << tail_size | tail) << tail_padding, size


def _columns(message: type[Message], size: int) -> Iterator[Column]:
    shift = size
    hints = get_type_hints(message, include_extras=True)
    for name in message._fields:
        kind, *spares = cast("tuple[Field | Spare, ...]", hints[name].__metadata__)
        shift -= kind.width + sum(spare.width for spare in spares)
        yield Column(name, cast("Field", kind), shift)


def _compile(layout: Layout) -> Reader:
    names: dict[str, Any] = {"new": tuple.__new__, "message": layout.message, "text_of": text_of}
    assignments = [_assignment(group, layout.size, names) for group in _groups(layout.columns)]
    values = ", ".join(column.name for column in layout.columns)
    body = [*_prologue(layout), *assignments, f"return new(message, ({values}))"]
    return cast("Reader", _function("bits, size", body, names))


def _function(arguments: str, body: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    source = "\n    ".join([f"def read({arguments}):", *body])
    exec(source, names)  # noqa: S102  made of our own tables and nothing else
    return cast("Callable[..., Any]", names["read"])


def _groups(columns: tuple[Column, ...]) -> list[list[Column]]:
    """Neighbours whose bits together fit one table; a field too wide for it stands alone."""
    groups: list[list[Column]] = []
    for column in columns:
        first = groups[-1][0] if groups else column
        if groups and first.shift + first.kind.width - column.shift <= _TABULATED_WIDTH:
            groups[-1].append(column)
        else:
            groups.append([column])
    return groups


def _prologue(layout: Layout) -> list[str]:
    """Brings a message of another size to the nominal one."""
    if _is_extended(layout):
        return [
            f"tail = size - {layout.size}",
            "more = tail // 6",
            "extension = (bits & (1 << tail) - 1) >> tail % 6",
            "bits >>= tail",
        ]
    if layout.shortest == layout.longest:
        return []
    return [
        f"if size > {layout.size}: bits >>= size - {layout.size}",
        f"elif size < {layout.size}: bits <<= {layout.size} - size",
    ]


def _is_extended(layout: Layout) -> bool:
    return any(isinstance(column.kind, Text) and column.kind.extension for column in layout.columns)


def _assignment(group: list[Column], size: int, names: dict[str, Any]) -> str:
    """The line of source that reads neighbouring fields; what it needs besides is put among the names."""
    first, last = group[0], group[-1]
    width = first.shift + first.kind.width - last.shift
    raw = f"bits >> {last.shift}" if last.shift else "bits"
    if last.shift + width < size:
        raw += f" & {(1 << width) - 1}"
    targets = ", ".join(column.name for column in group)
    if width > _TABULATED_WIDTH or first.kind == Number(width):
        return f"{targets} = {first.kind.expression(raw)}"
    names[f"table_{first.name}"] = _table(group, width)
    return f"{targets} = table_{first.name}[{raw}]"


def _table(group: list[Column], width: int) -> tuple[object, ...]:
    """Every value of so many bits → what its field says, or its fields."""
    base = group[-1].shift
    values = [c.kind.expression(f"(bits >> {c.shift - base} & {(1 << c.kind.width) - 1})") for c in group]
    read = _function("bits", [f"return {', '.join(values)}"], {})
    return tuple(map(read, range(1 << width)))


LAYOUTS = (
    Layout(messages.PositionReport, (1, 2, 3), size=168, shortest=163, longest=168),
    Layout(messages.BaseStationReport, (4, 11), size=168, shortest=168, longest=168),
    Layout(messages.StaticAndVoyage, (5,), size=424, shortest=422, longest=426),
    Layout(messages.SarAircraftPosition, (9,), size=168, shortest=168, longest=168),
    Layout(messages.ClassBPosition, (18,), size=168, shortest=168, longest=168),
    Layout(messages.ExtendedClassBPosition, (19,), size=312, shortest=312, longest=312),
    Layout(messages.AidToNavigation, (21,), size=272, shortest=272, longest=368),
    Layout(messages.StaticPartA, (24,), size=160, shortest=160, longest=168),
    Layout(messages.StaticPartB, (24,), size=168, shortest=162, longest=168),
    Layout(messages.LongRangePosition, (27,), size=96, shortest=96, longest=168),
)
"""Every message type this room reads and writes. A further type is a class and a line here."""
