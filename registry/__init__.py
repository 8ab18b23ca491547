"""The registry: the platform's relational facts, on SQLite or PostgreSQL.

`open_registry` gives a `Registry`; its repositories take and give frozen values, never database rows.
"""

from registry.commands import CommandEnd, CommandEntry
from registry.devices import DeviceRecord
from registry.errors import Conflict, NotFound
from registry.gateways import GatewayRecord
from registry.incidents import Incident, IncidentPolicy, IncidentState
from registry.notifications import Cause, Notification, NotificationState
from registry.open import Registry, open_registry

__all__ = [
    "Cause",
    "CommandEnd",
    "CommandEntry",
    "Conflict",
    "DeviceRecord",
    "GatewayRecord",
    "Incident",
    "IncidentPolicy",
    "IncidentState",
    "NotFound",
    "Notification",
    "NotificationState",
    "Registry",
    "open_registry",
]
