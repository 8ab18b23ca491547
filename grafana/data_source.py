"""The InfluxDB of the platform as Grafana is told of it: InfluxQL, on every generation of InfluxDB.

Source: Grafana's provisioning of data sources and its InfluxDB plugin.
"""

from collections.abc import Mapping
from enum import StrEnum

from grafana.queries import DATA_SOURCE_UID
from stores.influx_address import InfluxAddress

PASSWORD_VARIABLE = "HAIDANG_INFLUX_PASSWORD"  # noqa: S105  # the name of a variable, no password
SHORTEST_INTERVAL = "10s"
"""Panels ask for no finer steps."""


class Server(StrEnum):
    """The generation of InfluxDB, which decides how Grafana shows who it is.

    2 and 3 take a token in a header; 2 also needs a DBRP mapping from the database to a bucket.
    """

    V1 = "1"
    V2 = "2"
    V3 = "3"


_SCHEMES = {Server.V2: "Token", Server.V3: "Bearer"}


def data_sources(address: InfluxAddress, server: Server = Server.V1) -> Mapping[str, object]:
    """The provisioning file's content. The password or token is a reference to an environment variable."""
    settings: dict[str, object] = {
        "product": f"InfluxDB OSS {server.value}.x",
        "version": "InfluxQL",
        "dbName": literal(address.database),
        "httpMode": "POST",
        "timeInterval": SHORTEST_INTERVAL,
    }
    source: dict[str, object] = {
        "name": "Hải Đăng",
        "uid": DATA_SOURCE_UID,
        "type": "influxdb",
        "access": "proxy",
        "url": literal(address.base),
        "editable": False,
        "jsonData": settings,
    }
    if server in _SCHEMES:
        settings["httpHeaderName1"] = "Authorization"
        source["secureJsonData"] = {"httpHeaderValue1": f"{_SCHEMES[server]} ${PASSWORD_VARIABLE}"}
    elif address.user:
        source["user"] = literal(address.user)
        source["secureJsonData"] = {"password": f"${PASSWORD_VARIABLE}"}
    return {"apiVersion": 1, "datasources": [source]}


def literal(text: str) -> str:
    """The text as provisioning keeps it: Grafana reads `$NAME` as an environment variable."""
    return text.replace("$", "$$")
