"""The page of the API: Swagger UI from a package's files, so that it needs no network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}


def router(title: str, openapi: str) -> APIRouter:
    """Return the page at ``/docs`` and its files; ``openapi`` is the path of the description that it shows."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def page() -> HTMLResponse:
        """The page, whose addresses are relative, so that it works behind a proxy's prefix too."""
        return get_swagger_ui_html(
            openapi_url=f".{openapi}",
            title=f"{title}: HTTP API",
            swagger_js_url="./docs/swagger-ui-bundle.js",
            swagger_css_url="./docs/swagger-ui.css",
            swagger_favicon_url="./docs/favicon-32x32.png",
            swagger_ui_parameters={"validatorUrl": None, "docExpansion": "list", "defaultModelsExpandDepth": 0},
        )

    @routes.get("/")
    async def start() -> Response:
        """Where a browser gets that is given no more than the server's address."""
        return Response(status_code=307, headers={"location": "./docs"})  # relative, as above

    for name, media_type in FILES.items():
        content = (files("fastapi_swagger") / "resources" / name).read_bytes()
        routes.add_api_route(f"/docs/{name}", _file(content, media_type), methods=["GET"])
    return routes


def _file(content: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def file() -> Response:
        return Response(content, media_type=media_type, headers={"cache-control": "max-age=86400"})

    return file
