"""The OpenAPI document: what cannot be said at the endpoints."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from api.shapes import ProblemShape

DESCRIPTION = """
Telemetry of a port and its city: gateways, devices, readings, ships and incidents.

* Times in answers are RFC 3339 in UTC; in queries also relative to now, such as `-1h`.
* Lists answer `{"items": […], "next": cursor or null}`; pass `next` as `cursor` for the next page.
* Every error is an RFC 9457 problem (`application/problem+json`) whose `detail` says what to do.
* `GET /api/v1/live` is a WebSocket: docs/api.md describes its messages.
* There are no accounts yet, so the API serves its own machine only.
"""

TAGS: list[dict[str, Any]] = [
    {"name": "gateways", "description": "The daemons at the quay that read devices."},
    {"name": "devices", "description": "What is read: provisioned here, or declared in a file."},
    {"name": "commands", "description": "What devices can be told, telling it, and who told what."},
    {"name": "readings", "description": "What devices said, newest or over time."},
    {"name": "profiles", "description": "Device models."},
    {"name": "vessels", "description": "The traffic picture and tracks."},
    {"name": "incidents", "description": "What the alert rules found."},
    {"name": "health", "description": "Of the platform itself."},
]

PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


def install_documentation(app: FastAPI) -> None:
    """Makes the application's document complete. It is built when first asked for."""

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=TAGS
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemShape.model_json_schema() | {"title": "Problem"}
    return document
