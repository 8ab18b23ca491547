"""One installation: its configuration, its data folder, and how each part is opened from them."""

import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from alerts.channels import Contact
from broker.embedded import embedded_broker
from broker.session import BrokerAddress
from drivers.catalogue import Catalogue
from gateways.daemon import GatewaySettings
from haidang.catalogue import site_catalogue
from haidang.checking import check, site_rules
from haidang.configuration import Configuration, ConfigurationFile, GatewaySection
from ingest.dead_letters import DeadLetters
from ingest.service import Ingest
from ingest.stream import Stream
from registry import Registry, open_registry
from rules.evaluator import Evaluator
from rules.model import Rule
from stores.contract import Store
from stores.open import open_store
from telemetry import ConfigurationError, Instant
from vessels.picture import Picture


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything the services of one machine are made from. folder: where they keep their files."""

    file: ConfigurationFile
    folder: Path
    catalogue: Catalogue
    rules: tuple[Rule, ...]

    @classmethod
    def prepare(cls, file: ConfigurationFile, folder: Path) -> Self:
        """Checks the configuration and makes the folder. Raises ConfigurationError."""
        check(file)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(
                f"the data folder {folder} cannot be made ({error.strerror}); name another with --data-dir"
            ) from error
        return cls(file, folder.resolve(), site_catalogue(file), site_rules(file))

    @property
    def configuration(self) -> Configuration:
        """What the user wrote."""
        return self.file.configuration

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Whom alerts may reach."""
        return tuple(Contact(c.id, c.name or c.id, c.channels) for c in self.configuration.contact)

    def broker_address(self, service: str) -> BrokerAddress:
        """The configured broker. Raises ConfigurationError when a service on its own has none."""
        section = self.configuration.broker
        if section.url is None:
            raise ConfigurationError(
                f"`haidang {service}` runs apart from the rest, so it needs a broker they all reach: set "
                '[broker] url = "mqtt://user:password@host:1883"; `haidang mosquitto` configures one'
            )
        return BrokerAddress.parse(
            section.url, self.file.beside(section.ca_file) if section.ca_file else None
        )

    @asynccontextmanager
    async def broker(self) -> AsyncGenerator[BrokerAddress]:
        """The configured broker, or the embedded one as long as the block runs."""
        if self.configuration.broker.url is not None:
            yield self.broker_address("up")
            return
        async with embedded_broker() as address:
            yield address

    def store(self, service: str | None = None) -> AbstractAsyncContextManager[Store]:
        """The store. service: who asks when it runs apart; the embedded store belongs to `up` alone."""
        section = self.configuration.store
        if service and section.url is None:
            raise ConfigurationError(
                f"`haidang {service}` runs apart from the rest, and the embedded store belongs to one "
                'process: set [store] url = "influxdb://user:password@host:8086/haidang"'
            )
        return open_store(section.url, self.folder, retention=section.retention)

    def registry(self) -> AbstractAsyncContextManager[Registry]:
        """The registry, SQLite in the data folder unless a URL is configured."""
        return open_registry(self.configuration.registry.url or self.folder / "registry.sqlite3")

    def gateway(self, section: GatewaySection, broker: BrokerAddress) -> GatewaySettings:
        """The settings of a gateway of this file."""
        return GatewaySettings(
            id=section.id,
            site=self.configuration.site.name,
            devices=section.device,
            folder=self.folder / "gateways" / section.id,
            broker=broker,
            outbox_limit=section.outbox_limit,
            version=version("haidang"),
        )

    def ingest(self, broker: BrokerAddress, store: Store, registry: Registry) -> Ingest:
        """The centre's end of the MQTT road."""
        now = Instant(time.time_ns(), time.monotonic())
        stream = Stream(Picture(), Evaluator(self.rules, now))
        return Ingest(broker, store, registry.incidents, stream, DeadLetters(self.folder))
