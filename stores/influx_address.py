"""The URL of an InfluxDB: `influxdb://user:token@host:8086/database?rp=name&retention=90d`."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from telemetry import ConfigurationError, parse_duration

FORM = (
    "influxdb://user:token@host:8086/database?rp=name&retention=90d "
    "(influxdbs:// for TLS; user, rp and retention may be left out)"
)
SCHEMES = {"influxdb": "http", "influxdbs": "https"}
SHORTEST_RETENTION = 3600.0
"""InfluxDB accepts nothing shorter."""


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where the database is and who asks. `base` is the server's HTTP address.

    policy: the retention policy to write and read, empty for the database's own default.
    retention: seconds, for a database or policy that has to be made; None keeps for ever.
    """

    base: str
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    policy: str = ""
    retention: float | None = None

    def __str__(self) -> str:
        """Without the password, for messages."""
        return f"InfluxDB {self.database} at {self.base}"


def parse_address(url: str, retention: float | None = None) -> InfluxAddress:
    """The address a URL stands for. Raises ConfigurationError, never repeating the password.

    retention: seconds, where the URL says nothing.
    """
    parts = _split(url)
    if parts.scheme not in SCHEMES:
        raise ConfigurationError(f"{parts.scheme}:// is no InfluxDB: write {FORM}")
    database = unquote(parts.path.strip("/"))
    if not parts.hostname or not database or "/" in database:
        raise ConfigurationError(f"an InfluxDB needs a host and one database: write {FORM}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    options = _options(parts.query)
    return InfluxAddress(
        base=f"{SCHEMES[parts.scheme]}://{host}:{_port(parts)}",
        database=database,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        policy=options.get("rp", ""),
        retention=_retention(options["retention"]) if "retention" in options else retention,
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"the host of [store] url cannot be read ({error}): write {FORM}") from error


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or 8086
    except ValueError as error:
        raise ConfigurationError(f"the port of an InfluxDB is a number up to 65535: write {FORM}") from error


def _options(text: str) -> dict[str, str]:
    options = dict(parse_qsl(text, keep_blank_values=True))
    unknown = sorted(options.keys() - {"rp", "retention"})
    if unknown:
        raise ConfigurationError(f"an InfluxDB has no option {', '.join(unknown)}: write {FORM}")
    return options


def _retention(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < SHORTEST_RETENTION:
        raise ConfigurationError(f"retention={text}: InfluxDB keeps points for an hour at least")
    return seconds
