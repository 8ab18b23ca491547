"""The words every room shares: Reading, Device, Profile, time, units and errors. No I/O here."""

from telemetry.changes import Change, Clearing, Firing, Severity
from telemetry.commands import Action, Argument, Command, Reply
from telemetry.devices import Device
from telemetry.errors import (
    CommandError,
    ConfigurationError,
    HaidangError,
    LinkError,
    ProfileError,
    RegistryError,
    StoreError,
    WireError,
)
from telemetry.profiles import Metric, Profile
from telemetry.readings import Quality, Reading, Value
from telemetry.times import Instant, format_utc, parse_duration, parse_utc
from telemetry.words import Title

__all__ = [
    "Action",
    "Argument",
    "Change",
    "Clearing",
    "Command",
    "CommandError",
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
    "Reply",
    "Severity",
    "StoreError",
    "Title",
    "Value",
    "WireError",
    "format_utc",
    "parse_duration",
    "parse_utc",
]
