"""One tree of errors: catch `HaidangError` for anything this product raises on purpose.

Every message says what is wrong and what to do about it; the cause is kept with `from`.
"""


class HaidangError(Exception):
    """Anything the platform raises on purpose."""


class ConfigurationError(HaidangError):
    """A configuration that cannot be used: the file, the place and the remedy are in the text."""


class ProfileError(ConfigurationError):
    """A device profile that does not exist or does not describe what its driver needs."""


class CommandError(HaidangError):
    """A command that the device cannot be given: an unknown action, or an argument that does not fit."""


class LinkError(HaidangError):
    """A byte pipe could not be opened or broke; the gateway reopens it."""


class WireError(HaidangError):
    """Bytes from the MQTT road that are not what docs/wire.md describes."""


class StoreError(HaidangError):
    """The time-series store is unreachable, full or refuses; the batch stays with the gateway."""


class RegistryError(HaidangError):
    """The relational registry is unreachable or refuses."""
