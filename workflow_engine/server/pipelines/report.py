"""How a pipeline is doing, in the ecosystem's words: its speed, its sources, and what happened to them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from workflow_engine.server.pipelines.order import Order
from workflow_engine.stream.frame import Notice
from workflow_engine.stream.run import FrameResult, VideoRun

RECENT = 64
"""Results over which speed is told."""
MOST_UPDATES = 100

_EVENTS = {
    "lost": "SOURCE_CONNECTION_LOST",
    "resumed": "SOURCE_CONNECTION_SUCCESS",
    "failed": "SOURCE_CONNECTION_ATTEMPT_FAILED",
    "damaged": "VIDEO_DAMAGED",
    "empty": "VIDEO_EMPTY",
    "step_failed": "INFERENCE_ERROR",
    "ended": "PIPELINE_FAILED",
}
_SEVERITIES = {
    "resumed": logging.INFO,
    "failed": logging.ERROR,
    "step_failed": logging.ERROR,
    "ended": logging.ERROR,
}


class Report:
    """Collects what there is to say of a run; one thread notes results, another asks."""

    def __init__(self, run: VideoRun, order: Order) -> None:
        """Report on a run."""
        self._run, self._order = run, order
        self._moments: deque[float] = deque(maxlen=RECENT)
        self._recent: dict[str, deque[tuple[float, float | None]]] = {
            source: deque(maxlen=RECENT) for source in run.sources
        }
        self._notices: deque[Notice] = deque(maxlen=MOST_UPDATES)
        self.paused = False
        self.over = False

    def note(self, result: FrameResult) -> None:
        """Note the speed of a result."""
        live = result.info.file is None
        age = (datetime.now(UTC) - result.video.frame_timestamp).total_seconds() if live else None
        self._moments.append(time.monotonic())
        self._recent[result.source].append((result.elapsed, age))

    def notify(self, notice: Notice) -> None:
        """Note what happened to a source."""
        self._notices.append(notice)

    def to_json(self) -> dict[str, Any]:
        """Return the report."""
        return {
            "video_source_status_updates": [_update(notice) for notice in tuple(self._notices)],
            "latency_reports": list(self._latencies()),
            "inference_throughput": self._throughput(),
            "sources_metadata": list(self._sources()),
            "completion_statistics": self._accounts(),
        }

    def _throughput(self) -> float:
        moments = tuple(self._moments)
        length = moments[-1] - moments[0] if moments else 0.0
        return (len(moments) - 1) / length if length else 0.0

    def _latencies(self) -> Iterator[dict[str, Any]]:
        for source, account in self._run.accounts.items():
            recent = tuple(self._recent[source])
            yield {
                "source_id": int(source),
                "frame_decoding_latency": account.decode_seconds / account.read if account.read else None,
                "inference_latency": _mean(elapsed for elapsed, _ in recent),
                "e2e_latency": _mean(age for _, age in recent if age is not None),
            }

    def _sources(self) -> Iterator[dict[str, Any]]:
        for (source, (_, info)), reference in zip(self._run.sources.items(), self._order.shown, strict=True):
            yield {
                "source_id": int(source),
                "source_reference": reference,
                "source_properties": info
                and {
                    "width": info.width,
                    "height": info.height,
                    "total_frames": info.total_frames,
                    "is_file": info.file is not None,
                    "fps": info.fps,
                },
                "buffer_filling_strategy": self._order.filling,
                "buffer_consumption_strategy": self._order.consumption,
                "state": self._state(source, opened=info is not None),
            }

    def _state(self, source: str, *, opened: bool) -> str:
        if source in self._run.failures:
            return "ERROR"
        ended = self._run.ended
        if self.over or (source in ended and len(ended) < len(self._recent)):  # the last frame of all may still run
            return "ENDED"
        if self.paused:
            return "PAUSED"
        if not opened:
            return "INITIALISING"
        last = next((one.code for one in reversed(tuple(self._notices)) if one.source == source), "")
        return "RESTARTING" if last == "lost" else "RUNNING"

    def _accounts(self) -> list[dict[str, Any]]:
        """What became of the frames of each source; the numbers of frames add up to those read when it has ended."""
        return [{"source_id": int(source), **asdict(account)} for source, account in self._run.accounts.items()]


def _update(notice: Notice) -> dict[str, Any]:
    return {
        "timestamp": notice.moment.isoformat(),
        "severity": _SEVERITIES.get(notice.code, logging.WARNING),
        "event_type": _EVENTS.get(notice.code, notice.code.upper()),
        "payload": {"message": notice.message, "source_id": int(notice.source)},
        "context": "video_source",
    }


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return fmean(found) if found else None
