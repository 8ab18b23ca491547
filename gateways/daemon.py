"""The gateway as a whole: devices in, batches out, from start to clean stop."""

from drivers.catalogue import Catalogue
from gateways.settings import GatewaySettings

__all__ = ["Gateway", "GatewaySettings"]


class Gateway:
    """Reads its devices, keeps what they say until the centre has it, and takes new devices while it runs."""

    def __init__(self, settings: GatewaySettings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue

    async def run(self) -> None:
        """Runs until cancelled; then stops reading, commits the outbox, sends what it can and says goodbye.

        Raises ConfigurationError when another process uses the same folder.
        """
        raise NotImplementedError
