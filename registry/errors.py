"""What the registry refuses: something that is not there, something that stands in the way."""

from telemetry import RegistryError


class NotFound(RegistryError):  # noqa: N818 - said as HTTP says it (404 Not Found), since the API answers it so
    """No row with this id."""


class Conflict(RegistryError):  # noqa: N818 - 409 Conflict
    """The change contradicts what is already there; the text says what to change first."""
