"""JSON answers written by msgspec, for lists too large for the general way."""

from collections.abc import Iterable

import msgspec
from fastapi import Response

JSON = "application/json"
GEOJSON = "application/geo+json"

encode = msgspec.json.Encoder().encode


def answer(content: object, media_type: str = JSON) -> Response:
    """The content as a JSON response; what msgspec knows (structs, dicts, lists, Raw) and finite numbers."""
    return Response(encode(content), media_type=media_type)


def array(items: Iterable[bytes]) -> msgspec.Raw:
    """A JSON array of items that are JSON already."""
    return msgspec.Raw(b"[" + b",".join(items) + b"]")
