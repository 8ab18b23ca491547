"""Boards and their data source as code. `write_provisioning` writes the files Grafana starts from."""

import warnings

with warnings.catch_warnings():
    # Classic boards are meant: every Grafana reads them. On import the SDK advises its next format.
    warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
    from grafana.data_source import Server
    from grafana.ships import MapView
    from grafana.write import write_provisioning

__all__ = ["MapView", "Server", "write_provisioning"]
