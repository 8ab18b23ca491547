"""Six-bit payloads: the armour of VDM sentences (IEC 61162-1, annex C) and the text of M.1371 table 47.

Both alphabets are walked through base64, which packs six bits a character in C; bit one of a
message is the most significant bit of the integers here.
"""

from binascii import a2b_base64, b2a_base64
from itertools import starmap
from struct import iter_unpack

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ARMOUR = bytes(value + 48 if value < 40 else value + 56 for value in range(64))
"""The sixty-four characters of a payload: 0–9 : ; < = > ? @ A–W ` a–w."""
TEXT = bytes(value + 64 if value < 32 else value for value in range(64))
"""The sixty-four characters of text in a message: @ A–Z [ backslash ] ^ _, space to ?."""
_FROM_ARMOUR = bytes(_BASE64[ARMOUR.index(value)] if value in ARMOUR else 0 for value in range(256))
_TO_ARMOUR = bytes.maketrans(_BASE64, ARMOUR)
_FROM_TEXT = bytes.maketrans(TEXT, _BASE64)
_TO_TEXT = bytes.maketrans(_BASE64, TEXT)
_ROOM = [(6 * (-characters & 3), (characters + 3) // 4 * 3) for characters in range(256)]
"""Characters → bits to fill whole base64 groups up with, which read as @, and bytes then."""
_PADDING = (b"", b"AAA", b"AA", b"A")


def unpack_payload(payload: bytes, fill_bits: int = 0) -> int:
    """The bits of a payload as one integer of `6 * len(payload) - fill_bits` bits.

    Raises ValueError for a character outside ARMOUR.
    """
    packed = payload.translate(_FROM_ARMOUR)
    excess = len(payload) & 3
    if not excess and not fill_bits:
        return int.from_bytes(a2b_base64(packed, strict_mode=True))
    padding = _PADDING[excess]
    return int.from_bytes(a2b_base64(packed + padding, strict_mode=True)) >> (6 * len(padding) + fill_bits)


def unpack_rows(payloads: bytes, characters: int) -> list[int]:
    """The bits of many payloads of so many characters each, a multiple of four, one behind the other.

    Raises ValueError when any of them has a character outside ARMOUR.
    """
    packed = a2b_base64(payloads.translate(_FROM_ARMOUR), strict_mode=True)
    return list(starmap(int.from_bytes, iter_unpack(f"{characters * 6 // 8}s", packed)))


def pack_payload(bits: int, size: int) -> tuple[str, int]:
    """The payload of `size` bits, and how many fill bits its last character ends with (0–5)."""
    fill_bits = -size % 6
    characters = (size + fill_bits) // 6
    padding = -characters & 3
    packed = (bits << (fill_bits + 6 * padding)).to_bytes((characters + padding) * 3 // 4)
    payload = b2a_base64(packed, newline=False)[:characters].translate(_TO_ARMOUR)
    return payload.decode("ascii"), fill_bits


def text_of(bits: int, characters: int) -> str | None:
    """Text of so many six-bit characters, up to the first @, without spaces around it; None for none."""
    padding, size = _ROOM[characters]
    packed = (bits << padding).to_bytes(size)
    text = b2a_base64(packed, newline=False).translate(_TO_TEXT).decode("ascii")
    return text.partition("@")[0].strip() or None


def bits_of(text: str, characters: int) -> int:
    """So many six-bit characters as one integer, filled up with @.

    Raises UnicodeEncodeError or ValueError for text that is too long or has other characters.
    """
    raw = text.upper().encode("ascii")
    if len(raw) > characters or raw.translate(None, TEXT[1:]):
        raise ValueError(text)
    raw = raw.ljust(characters, b"@")
    padding = _PADDING[characters & 3]
    return int.from_bytes(a2b_base64(raw.translate(_FROM_TEXT) + padding)) >> 6 * len(padding)
