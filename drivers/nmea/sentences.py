r"""NMEA 0183 sentences: a line's bytes to fields and back, whatever else stands on the line.

Source: IEC 61162-1, clause 7 (characters, address field, checksum, `^hh` for reserved characters),
and IEC 61162-450 / NMEA 0183 4.1x for the tag block `\…*hh\` before a sentence.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_RESERVED = frozenset("!$*,\\^~\x7f")
_BLOCK = re.compile(rb"(?:\\[^\\!$]*\\)?[!$][^!$\\]*")
_FRAME = re.compile(
    rb"(?:\\(?P<tag>[^\\]*)\\)?"
    rb"(?P<text>[!$](?P<body>[\x20-\x29\x2b-\x5b\x5d-\x7e]*)\*(?P<sum>[0-9A-Fa-f]{2}))"
)
_ESCAPE = re.compile(r"\^([0-9A-Fa-f]{2})")
_PRINTABLE = re.compile(rb"[\x20-\x7e]*")
_TAG = re.compile(rb"([\x20-\x7e]*)\*([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Frame:
    r"""A sentence whose checksum is right, as it stood on the wire.

    raw: the printable bytes to keep as evidence: tag block (its own checksum may be wrong, then a Reject
    `tag_block` comes before), sentence, and what an old receiver adds after the checksum
    (`,r003669946,1325394060`). body: between `$` or `!` and `*`.
    """

    raw: bytes
    start: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Reject:
    """Bytes that are no sentence.

    reason: `checksum`, `framing`, `tag_block` or `address`.
    """

    reason: str
    detail: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence taken apart.

    talker: two characters, or `P` for a proprietary sentence. formatter: three characters, for a
    proprietary one the maker's code and what follows it. fields: texts, empty where null.
    """

    talker: str
    formatter: str
    fields: tuple[str, ...]


def checksum(body: bytes) -> int:
    """The exclusive or of all bytes between `$` or `!` and `*`, 0–255."""
    total = 0
    for byte in body:
        total ^= byte
    return total


def tag_is_right(tag: bytes) -> bool:
    r"""Whether a tag block, without its `\`, is text that ends with its own right checksum."""
    match = _TAG.fullmatch(tag)
    return match is not None and checksum(match[1]) == int(match[2], 16)


def frames(line: bytes, *, checked: bool = True) -> Iterator[Frame | Reject]:
    """Every sentence of one line, glued ones too; what is no sentence comes as a Reject.

    A line that starts with `#` is a comment of a recording and yields nothing.
    checked: whether a sentence without a checksum is refused; a wrong one always is.
    """
    line = line.strip(b" \t")
    if not line or line.startswith(b"#"):
        return
    if _is_whole(line):
        yield from _judge(line, checked)
        return
    end = 0
    for block in _BLOCK.finditer(line):
        yield from _stray(line[end : block.start()])
        yield from _judge(block[0], checked)
        end = block.end()
    yield from _stray(line[end:])


def parse(line: bytes, *, checked: bool = True) -> Sentence | Reject:
    """The one sentence of a line, without or with its line end. The opposite of `encode`."""
    found = list(frames(line.strip(b"\r\n"), checked=checked))
    for reject in found:
        if isinstance(reject, Reject):
            return reject
    if len(found) != 1 or not isinstance(found[0], Frame):
        return Reject("framing", f"there are {len(found)} sentences on this line", line)
    return take_apart(found[0])


def take_apart(frame: Frame) -> Sentence | Reject:
    """Talker, formatter and fields of a frame; a Reject where the address field is none."""
    address, *fields = frame.body.decode("ascii").split(",")
    if b"^" in frame.body:
        fields = [_ESCAPE.sub(lambda code: chr(int(code[1], 16)), field) for field in fields]
    if address.startswith("P") and len(address) > 1:
        return Sentence("P", address[1:], tuple(fields))
    if len(address) != 5:
        return Reject("address", f"{address[:16]!r} is not a talker and a formatter", frame.raw)
    return Sentence(address[:2], address[2:], tuple(fields))


def encode(talker: str, formatter: str, fields: Iterable[str | float | None], *, start: str = "$") -> bytes:
    """A sentence with its checksum and line end. None is a null field, numbers are written as given.

    Reserved and non-ASCII characters are written `^hh`; one outside ISO 8859-1 becomes `?`.
    The caller keeps to the 82 characters of the standard.
    """
    texts = ["" if field is None else _escaped(str(field)) for field in fields]
    body = ",".join([talker + formatter, *texts]).encode("ascii")
    return b"%b%b*%02X\r\n" % (start.encode("ascii"), body, checksum(body))


def _escaped(text: str) -> str:
    return "".join(
        f"^{ord(char):02X}" if char in _RESERVED or not " " <= char <= "~" else char
        for char in text.encode("latin-1", "replace").decode("latin-1")
    )


def _is_whole(line: bytes) -> bool:
    """Some instruments send `$` inside their own fields; the checksum of the whole line vouches for it."""
    match = _FRAME.fullmatch(line)
    if match is None or match["text"].startswith(b"!") or b"!" in match["body"]:
        return False
    return checksum(match["body"]) == int(match["sum"], 16)


def _stray(rest: bytes) -> Iterator[Reject]:
    if rest.strip(b" \t"):
        yield Reject("framing", "bytes outside any sentence", rest)


def _judge(block: bytes, checked: bool) -> Iterator[Frame | Reject]:
    match = _FRAME.match(block)
    if not match:
        yield from _without_checksum(block, checked)
        return
    if checksum(match["body"]) != int(match["sum"], 16):
        right = checksum(match["body"])
        detail = f"checksum is {match['sum'].decode()}, the sentence's bytes give {right:02X}"
        yield Reject("checksum", detail, block)
        return
    tag, tail = match["tag"], block[match.end() :].rstrip(b" \t")
    if tag is not None and not tag_is_right(tag):
        yield Reject("tag_block", "the tag block's checksum is wrong; the sentence is right", block)
        tag = tag if _PRINTABLE.fullmatch(tag) else None
    kept = tail if tail.startswith(b",") and _PRINTABLE.fullmatch(tail) else b""
    head = b"" if tag is None else b"\\%b\\" % tag
    yield Frame(head + match["text"] + kept, match["text"][:1], match["body"])
    yield from _stray(tail[len(kept) :])


def _without_checksum(block: bytes, checked: bool) -> Iterator[Frame | Reject]:
    if not _PRINTABLE.fullmatch(block):
        yield Reject("framing", "bytes that are no text inside a sentence", block)
    elif b"*" in block.rpartition(b"\\")[2]:
        yield Reject("checksum", "what follows * is not two hexadecimal digits", block)
    elif checked:
        yield Reject("framing", "the sentence ends before its checksum", block)
    else:
        text = block.rpartition(b"\\")[2].rstrip(b" \t")
        yield Frame(block, text[:1], text[1:])
