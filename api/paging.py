"""Lists in pages: `{"items": […], "next": cursor or null}` with `?limit=&cursor=`.

A cursor names its list and where the next page begins. It is opaque to clients and checked here, as
anything from outside is.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, ConfigDict

from api.problems import RefusedError

LARGEST_PAGE = 1_000
_LARGEST_NUMBER = 2**63 - 1

Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before; left out for the first page.", max_length=200),
]
Limit = Annotated[int, Query(description="At most so many items.", ge=1, le=LARGEST_PAGE)]

ItemT = TypeVar("ItemT")
Place = TypeVar("Place", str, int)


class Page(BaseModel, Generic[ItemT]):
    """A page of a list. next: the cursor of the page that follows, null on the last."""

    model_config = ConfigDict(extra="forbid")

    items: Sequence[ItemT]
    next: str | None


def encode_cursor(list_name: str, place: str | int) -> str:
    """The cursor of a list for the page that begins at, or behind, this place."""
    return base64.urlsafe_b64encode(msgspec.json.encode((list_name, place))).decode().rstrip("=")


def decode_cursor(list_name: str, cursor: str | None, kind: type[Place]) -> Place | None:
    """The place in a cursor of this list, None without a cursor. Raises RefusedError (400) for a bad one."""
    if cursor is None:
        return None
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, place = msgspec.json.decode(content, type=tuple[str, str | int])
    except (binascii.Error, ValueError, RecursionError) as error:
        raise bad_cursor() from error
    if name != list_name or not isinstance(place, kind) or not _possible(place):
        raise bad_cursor()
    return place


def _possible(place: str | int) -> bool:
    """Whether a database can be asked for it."""
    return place.isprintable() if isinstance(place, str) else 0 <= place <= _LARGEST_NUMBER


def bad_cursor() -> RefusedError:
    """The 400 for a cursor that is not one of the list asked."""
    return RefusedError(
        400, "This is not a cursor of this list; pass `next` of its page before unchanged, or leave it out."
    )
