"""Traces for OpenTelemetry: a span per request and, below it, one per step of its run.

Workers tell when steps ended and how long they took, so every span is made here, after the fact.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from workflow_engine.errors import Problem, WorkflowError


class Traces:
    """Sends spans to a collector."""

    def __init__(self, endpoint: str) -> None:
        """Send to ``endpoint``, the address of an OTLP collector over HTTP, such as http://localhost:4318/v1/traces.

        Raises:
            WorkflowError: If OpenTelemetry is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            message, hint = "Traces want OpenTelemetry, which is not installed.", "pip install 'segflow[otel]'"
            raise WorkflowError(Problem(code="extra_missing", message=message, hint=hint, whose="operator")) from error
        self._provider = TracerProvider(resource=Resource.create({"service.name": "segflow"}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self._provider.get_tracer("segflow")
        self._propagator = TraceContextTextMapPropagator()

    def record(
        self, scope: Scope, *, route: str, status: int, seconds: float, steps: Iterable[Mapping[str, Any]]
    ) -> None:
        """Make the spans of a request that is over; they belong to the trace that its ``traceparent`` names."""
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.status import Status, StatusCode

        ended = time.time()
        caller = self._propagator.extract({"traceparent": Headers(scope=scope).get("traceparent", "")})
        about = {
            "http.request.method": scope["method"],
            "http.route": route,
            "http.response.status_code": status,
            "segflow.request_id": scope["state"]["request_id"],
        }
        name = f"{scope['method']} {route}"
        request = self._tracer.start_span(name, context=caller, start_time=_ns(ended - seconds), attributes=about)
        within = set_span_in_context(request)
        for step in steps:
            about = {"segflow.step": step["step"], "segflow.block": step["block"]}
            started = _ns(step["ended"] - step["seconds"])
            span = self._tracer.start_span("step", context=within, start_time=started, attributes=about)
            if step["failed"]:
                span.set_status(Status(StatusCode.ERROR))
            span.end(_ns(step["ended"]))
        if status >= 500:
            request.set_status(Status(StatusCode.ERROR))
        request.end(_ns(ended))

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
