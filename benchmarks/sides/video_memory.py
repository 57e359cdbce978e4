"""segflow: one clip again and again in one run, all drawn and written, with the process's memory every second."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from host import Job

from workflow_engine import Workflow
from workflow_engine.stream.files import FileSource
from workflow_engine.stream.frame import Frame
from workflow_engine.stream.sinks.queued import Queued
from workflow_engine.stream.sinks.video import AnnotatedVideo

PARTS = 4


class Endless(FileSource):
    """A file that begins again when it is over."""

    def frames(self, stopped: threading.Event, tell: Any) -> Generator[Frame, None, None]:
        """Yield frame after frame, numbered on."""
        number, offset = 0, 0.0
        while not stopped.is_set():
            seconds = 0.0
            for frame in super().frames(stopped, tell):
                number, seconds = number + 1, offset + frame.seconds
                yield replace(frame, number=number, seconds=seconds, info=replace(frame.info, file=None))
            offset = seconds + 0.04


def prepare(*, document: str, model_id: str, confidence: float, clip: str, out: str, seconds: float) -> Job:
    """Read the workflow, whose run loads the model."""
    workflow = Workflow(json.loads(Path(document).read_text()))
    given = {"model": model_id, "confidence": confidence}

    def run() -> dict[str, float]:
        sink = Queued(AnnotatedVideo(Path(out), "picture", sources=1), called=out)
        sizes, frames, began = [], 0, time.monotonic()
        with workflow.video(Endless(Path(clip)), parameters=given) as results:
            for frame in results:
                sink.write(frame)
                frames += 1
                if time.monotonic() - began > len(sizes):
                    sizes.append(resident())
                if len(sizes) > seconds:
                    results.stop()
        sink.close()
        # The first quarter is for what is loaded and allocated once; the next is what the last is held against.
        part = len(sizes) // PARTS
        return {
            "frames": frames,
            "early": statistics.median(sizes[part : 2 * part]),
            "late": statistics.median(sizes[-part:]),
            "highest": max(sizes),
        }

    return Job(run, lambda answer, _: answer, timed=lambda answer: answer)


def resident() -> float:
    """Return the megabytes of memory that this process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
