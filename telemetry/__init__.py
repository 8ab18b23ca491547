"""The words every room shares: Reading, Device, Profile, time, units and errors. No I/O here."""

from telemetry.changes import Change, Clearing, Firing, Severity
from telemetry.devices import Device
from telemetry.errors import (
    ConfigurationError,
    HaidangError,
    LinkError,
    ProfileError,
    RegistryError,
    StoreError,
    WireError,
)
from telemetry.profiles import Metric, Profile, Title
from telemetry.readings import Quality, Reading, Value
from telemetry.times import Instant, format_utc, parse_duration, parse_utc

__all__ = [
    "Change",
    "Clearing",
    "ConfigurationError",
    "Device",
    "Firing",
    "HaidangError",
    "Instant",
    "LinkError",
    "Metric",
    "Profile",
    "ProfileError",
    "Quality",
    "Reading",
    "RegistryError",
    "Severity",
    "StoreError",
    "Title",
    "Value",
    "WireError",
    "format_utc",
    "parse_duration",
    "parse_utc",
]
