"""Boards and their data source as code. `write_provisioning` writes the files Grafana starts from."""

from grafana.data_source import Server
from grafana.ships import MapView
from grafana.write import write_provisioning

__all__ = ["MapView", "Server", "write_provisioning"]
