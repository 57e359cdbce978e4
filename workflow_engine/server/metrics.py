"""Figures for Prometheus: what was answered, how long it took, and how full the server is.

Labels take few values whatever clients send: routes by their template, known methods, block types up to a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MOST_BLOCKS = 100
_OTHER = "other"


class Metrics:
    """The figures of one server."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "segflow_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "segflow_request_seconds", "Time to answer.", ("route",), buckets=_SECONDS, registry=registry
        )
        self._queued = Histogram(
            "segflow_queue_seconds", "Time that runs waited for a slot.", buckets=_SECONDS, registry=registry
        )
        self._steps = Summary("segflow_step_seconds", "Time of steps that ended well.", ("block",), registry=registry)
        self._failures = Counter("segflow_step_failures", "Steps that failed.", ("block",), registry=registry)
        self._lost = Counter("segflow_workers_lost", "Workers that ended and were replaced.", registry=registry)
        self._blocks: set[str] = set()

    def gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show ``value`` as it is whenever the figures are read."""
        Gauge(f"segflow_{name}", meaning, registry=self._registry).set_function(value)

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method if method in _METHODS else _OTHER, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def ran(self, steps: Iterable[Mapping[str, Any]], *, queued: float) -> None:
        """Count the steps of a run that waited ``queued`` seconds for its slot."""
        self._queued.observe(queued)
        for step in steps:
            block = self._known(step["block"])
            if step["failed"]:
                self._failures.labels(block).inc()
            else:
                self._steps.labels(block).observe(step["seconds"])

    def lost_worker(self) -> None:
        """Count a worker that has ended."""
        self._lost.inc()

    def text(self) -> bytes:
        """Return the figures in Prometheus' text format."""
        return generate_latest(self._registry)

    def _known(self, block: str) -> str:
        if len(self._blocks) < _MOST_BLOCKS:
            self._blocks.add(block)
        return block if block in self._blocks else _OTHER
