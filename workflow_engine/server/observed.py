"""Every request is seen once: one line in the log, one count in the metrics, one trace where traces are wanted."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workflow_engine.server.logs import FIELDS
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.traces import Traces

_log = logging.getLogger("segflow.access")
NO_ROUTE = "none"
"""What stands for the route of a request that fits no route, or was refused before it got there."""
CLIENT_LEFT = 499


class Observed:
    """Tells of a request when it is over. Its path may hold anything, so only the route's template is told."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces | None) -> None:
        self._app, self._metrics, self._traces = app, metrics, traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status = CLIENT_LEFT  # unless something is answered

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, noted)
        except Exception:
            status = 500
            raise
        finally:
            self._tell(scope, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        queued, steps = state.get("queue_seconds"), state.get("steps", ())
        self._metrics.answered(method=scope["method"], route=route, status=status, seconds=seconds)
        if queued is not None:
            self._metrics.ran(steps, queued=queued)
        told: dict[str, Any] = {"request_id": state["request_id"], "route": route, "status": status}
        told |= {"seconds": round(seconds, 4), "queue_seconds": round(queued or 0.0, 4)}
        _log.info("%s", scope["method"], extra={FIELDS: told})
        if self._traces is not None:
            self._traces.record(scope, route=route, status=status, seconds=seconds, steps=steps)
