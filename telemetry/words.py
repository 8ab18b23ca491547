"""Names and titles as profiles, actions and rules write them."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
RESERVED_NAMES = frozenset({"time", "device", "gateway", "site", "mmsi", "quality", "received_at"})
"""Names the stores use themselves."""


def check_name(text: str) -> str:
    """A metric's, a kind's or an action's name unchanged; raises ValueError where the stores could not
    carry it."""
    if not _NAME.fullmatch(text) or text in RESERVED_NAMES:
        raise ValueError(
            f"{text!r} cannot be a name here: use lower-case letters, digits and _, starting with a letter, "
            f"and none of {', '.join(sorted(RESERVED_NAMES))}"
        )
    return text


Name = Annotated[str, AfterValidator(check_name)]


class Title(BaseModel):
    """What a person reads, in both languages of the port."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str
    vi: str
