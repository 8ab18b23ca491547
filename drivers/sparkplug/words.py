"""What a profile may say about a Sparkplug edge node: settings, and ways to read a metric."""

from typing import Annotated

from pydantic import Field

from drivers.words import Words
from telemetry.devices import Duration


class Settings(Words):
    """node: the edge node's id; `{id}` in it is this device's id. group: its group id, empty for whichever
    the link brings. device: the Sparkplug device behind it, empty for the node's own metrics.

    every_metric: also takes metrics that the profile does not list, under names made from theirs.
    rebirth: the shortest time between two requests to be born again. reorder: how long a missing message
    may be late.
    """

    node: str = "{id}"
    group: str = ""
    device: str = ""
    every_metric: bool = False
    rebirth: Duration = 60.0
    reorder: Duration = 2.0


class Read(Words):
    """metric: the name in the birth certificate; empty for whether node and device are alive.

    device: another Sparkplug device than the settings'; scale, offset: number × scale + offset.
    """

    metric: str
    device: str | None = None
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    offset: Annotated[float, Field(allow_inf_nan=False)] = 0.0
