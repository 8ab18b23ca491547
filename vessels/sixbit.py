"""Six-bit payloads: the armour of VDM sentences (IEC 61162-1, annex C) and the text of M.1371 table 47.

Both alphabets are walked through base64, which packs six bits a character in C; bit one of a
message is the most significant bit of the integers here.
"""

from binascii import a2b_base64, b2a_base64

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ARMOUR = bytes(value + 48 if value < 40 else value + 56 for value in range(64))
"""The sixty-four characters of a payload: 0–9 : ; < = > ? @ A–W ` a–w."""
TEXT = bytes(value + 64 if value < 32 else value for value in range(64))
"""The sixty-four characters of text in a message: @ A–Z [ backslash ] ^ _, space to ?."""
_FROM_ARMOUR = bytes.maketrans(ARMOUR, _BASE64)
_TO_ARMOUR = bytes.maketrans(_BASE64, ARMOUR)
_FROM_TEXT = bytes.maketrans(TEXT, _BASE64)
_TO_TEXT = bytes.maketrans(_BASE64, TEXT)
_PADDING = (b"", b"AAA", b"AA", b"A")


def unpack_payload(payload: bytes, fill_bits: int = 0) -> int:
    """The bits of a payload as one integer of `6 * len(payload) - fill_bits` bits.

    Every character must be one of ARMOUR.
    """
    packed = a2b_base64(payload.translate(_FROM_ARMOUR) + _PADDING[len(payload) & 3])
    return int.from_bytes(packed, "big") >> (-len(payload) % 4 * 6 + fill_bits)


def pack_payload(bits: int, size: int) -> tuple[str, int]:
    """The payload of `size` bits, and how many fill bits its last character ends with (0–5)."""
    fill_bits = -size % 6
    characters = (size + fill_bits) // 6
    return _pack(bits << fill_bits, characters).translate(_TO_ARMOUR).decode("ascii"), fill_bits


def text_of(bits: int, characters: int) -> str | None:
    """Text of so many six-bit characters, ending at the first @; None where nothing is left."""
    text = _pack(bits, characters).translate(_TO_TEXT).decode("ascii")
    return text.partition("@")[0].rstrip() or None


def bits_of(text: str, characters: int) -> int:
    """So many six-bit characters as one integer, filled up with @.

    Raises UnicodeEncodeError or ValueError for text that is too long or has other characters.
    """
    raw = text.upper().encode("ascii")
    if len(raw) > characters or raw.translate(None, TEXT[1:]):
        raise ValueError(text)
    raw = raw.ljust(characters, b"@")
    padding = _PADDING[characters & 3]
    return int.from_bytes(a2b_base64(raw.translate(_FROM_TEXT) + padding), "big") >> 6 * len(padding)


def _pack(bits: int, characters: int) -> bytes:
    """So many base64 characters, without the padding."""
    padding = -characters % 4
    size = (characters + padding) // 4 * 3
    return b2a_base64((bits << 6 * padding).to_bytes(size, "big"), newline=False)[:characters]
