"""The pages: `/` shows the port live, `/docs` the API. Each is one file and needs nothing from outside."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response

router = APIRouter(include_in_schema=False)

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@router.get("/")
async def index() -> Response:
    """The duty officer's page."""
    return _page("index.html")


@router.get("/docs")
async def documentation() -> Response:
    """The API's documentation, from /openapi.json."""
    return _page("docs.html")


def _page(name: str) -> Response:
    text, policy = _read(name)
    return Response(text, media_type="text/html", headers={"Content-Security-Policy": policy})


@cache
def _read(name: str) -> tuple[str, str]:
    """A page, and the policy that lets nothing run in it but what stands in it."""
    text = (files("api.pages") / name).read_text("utf-8")
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, content in _INLINE.findall(text):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    policy = (
        f"default-src 'none'; img-src data:; connect-src 'self'; script-src {' '.join(hashes['script'])}; "
        f"style-src {' '.join(hashes['style'])}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy
