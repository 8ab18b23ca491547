"""`/profiles`: the device models this installation knows."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from api.parts import PartsOf
from api.problems import RefusedError
from telemetry import Profile

LIST = "profiles"

router = APIRouter(prefix="/profiles", tags=["profiles"])


@router.get("", operation_id="listProfiles", summary="List device models")
async def list_profiles(parts: PartsOf, limit: Limit = 100, cursor: Cursor = None) -> Page[Profile]:
    """In order of id; those shipped, and the site's own."""
    after = decode_cursor(LIST, cursor, str) or ""
    ids = sorted(profile_id for profile_id in parts.catalogue.profiles if profile_id > after)
    following = encode_cursor(LIST, ids[limit - 1]) if len(ids) > limit else None
    return Page(items=[parts.catalogue.profiles[each] for each in ids[:limit]], next=following)


@router.get("/{profile_id}", operation_id="getProfile", summary="Read a device model")
async def get_profile(
    parts: PartsOf,
    profile_id: Annotated[str, Path(description="The profile's id.", examples=["eastron-sdm630"])],
) -> Profile:
    """What the model says, in which units, and how its driver asks."""
    profile = parts.catalogue.profiles.get(profile_id)
    if profile is None:
        raise RefusedError(404, f"There is no profile {profile_id[:100]!r}; /api/v1/profiles lists them.")
    return profile
