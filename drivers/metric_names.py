"""Names of metrics that devices announce themselves, made fit for the stores."""

import re
import unicodedata

from telemetry.words import RESERVED_NAMES

_LONGEST = 48
_UNFIT = re.compile(r"[^a-z0-9]+")


def metric_name(announced: str) -> str:
    """`Inputs/Pump 1` as `inputs_pump_1`; never empty, never a name the stores use themselves."""
    plain = unicodedata.normalize("NFKD", announced.replace("đ", "d").replace("Đ", "D"))
    name = _UNFIT.sub("_", plain.encode("ascii", "ignore").decode().lower()).strip("_")
    if not name or not name[0].isalpha() or name in RESERVED_NAMES:
        name = f"value_{name}".rstrip("_")
    return name[:_LONGEST].rstrip("_")
