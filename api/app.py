"""Puts the API together from its parts."""

from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI

from api import health, pages, profiles, rules, stream
from api.asked import refuse_unknown
from api.devices import commands, readings
from api.devices import endpoints as devices
from api.documentation import PROBLEM, install_documentation
from api.gateways import endpoints as gateways
from api.guard import Guard
from api.incidents import endpoints as incidents
from api.parts import Parts
from api.problems import install_problems
from api.vessels import endpoints as vessels
from api.vessels import track

__all__ = ["PREFIX", "Parts", "create_app"]

PREFIX = "/api/v1"


def create_app(parts: Parts) -> FastAPI:
    """The ASGI application on these parts. Whoever starts it also runs `parts.live`."""
    app = FastAPI(
        title="Hải Đăng",
        version=version("haidang"),
        docs_url=None,
        redoc_url=None,
        responses=PROBLEM,
    )
    app.state.parts = parts
    v1 = APIRouter(prefix=PREFIX)
    for slice_ in (gateways, devices, commands, readings, profiles, vessels, track, incidents, rules):
        v1.include_router(slice_.router, dependencies=[Depends(refuse_unknown)])
    v1.include_router(stream.router)
    app.include_router(v1)
    app.include_router(health.router)
    app.include_router(pages.router)
    app.add_middleware(Guard)
    install_problems(app)
    install_documentation(app)
    return app
