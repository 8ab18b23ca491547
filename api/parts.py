"""What the API stands on. Whoever starts the platform puts it together; nothing is global."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.live import LiveView
from broker.session import BrokerAddress
from drivers.catalogue import Catalogue
from registry import Registry
from rules.model import Rule
from stores.contract import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """started_at and clock: UTC nanoseconds. rules: what the evaluator was given, to be shown."""

    registry: Registry
    store: Store
    catalogue: Catalogue
    live: LiveView
    broker: BrokerAddress
    rules: Sequence[Rule] = ()
    clock: Callable[[], int] = time.time_ns
    started_at: int = field(default_factory=time.time_ns)


def _parts(connection: HTTPConnection) -> Parts:
    return cast("Parts", connection.app.state.parts)


PartsOf = Annotated[Parts, Depends(_parts)]
"""The parts, for an endpoint."""
