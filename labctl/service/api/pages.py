"""Serve the page for the phone: a handful of fixed files, no path of anybody's choosing."""

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

import labctl

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/phone.css": ("phone.css", "text/css; charset=utf-8"),
    "/phone.js": ("phone.js", "text/javascript; charset=utf-8"),
    "/charts.js": ("charts.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/manifest.webmanifest": ("manifest.webmanifest", "application/manifest+json"),
}


def page_router() -> APIRouter:
    """Return the addresses of the page; they hold no data and need no token."""
    router = APIRouter(include_in_schema=False)
    # the faces stand above the service: their files are read, their code is not imported
    folder = Path(labctl.__file__).parent / "web" / "static"
    for address, (name, kind) in FILES.items():
        router.add_api_route(
            address, _page((folder / name).read_bytes(), kind), methods=["GET", "HEAD"]
        )
    return router


def _page(content: bytes, kind: str) -> Callable[[], Response]:
    def page() -> Response:
        return Response(content, media_type=kind)

    return page
