"""The application: routes over one engine, and what every request passes before them."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from workflow_engine import __version__
from workflow_engine.errors import WorkflowError
from workflow_engine.server.answers import internal_error, misdirected, misshapen, refusal
from workflow_engine.server.limits import Intake, LocalOnly, RequestId
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.observed import Observed
from workflow_engine.server.pipelines.keeper import Pipelines
from workflow_engine.server.routes import docs, health, introspection, library, models, workflows
from workflow_engine.server.routes import pipelines as video
from workflow_engine.server.traces import Traces
from workflow_engine.server.work import Workers
from workflow_engine.workflow import Engine


def create_app(
    engine: Engine, workers: Workers, pipelines: Pipelines, metrics: Metrics, traces: Traces | None = None
) -> FastAPI:
    """Return the application that serves ``engine``, which should not trust its callers, by its processes."""
    settings = engine.settings
    app = FastAPI(title="segflow", version=__version__, docs_url=None, redoc_url=None)

    routers = [  # in the order of how often they are asked for
        health.router(app.version, settings.unsafe, workers, metrics),
        *(routes.router(workers) for routes in (workflows, library, introspection, models)),
        video.router(workers, pipelines),
        docs.router(app.title, app.openapi_url or ""),
    ]

    async def lost(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException), "registered for nothing else"
        return misdirected(request, error.status_code, (route for router in routers for route in router.routes))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, WorkflowError), "registered for nothing else"
        return refusal(error, request.scope, debug=settings.debug)

    app.add_exception_handler(WorkflowError, refused)
    app.add_exception_handler(HTTPException, lost)
    app.add_exception_handler(RequestValidationError, misshapen)
    app.add_exception_handler(Exception, internal_error)
    guard = [Depends(HTTPBearer(auto_error=False))] if settings.api_token else []  # described only: Intake checks
    for router in routers:
        _entitle(router)
        app.include_router(router, dependencies=guard)
    app.add_middleware(Intake, settings=settings, workers=workers)
    if settings.api_token is None:
        app.add_middleware(LocalOnly, names=settings.server_names)
    app.add_middleware(Observed, metrics=metrics, traces=traces)
    app.add_middleware(RequestId)
    return app


def _entitle(router: APIRouter) -> None:
    """Give every route the first sentence of its description as its title."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.summary = route.description.partition("\n")[0].partition(". ")[0].rstrip(".")
