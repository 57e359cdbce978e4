"""segflow: a clip through a workflow, from the file to the results and, if wanted, to an annotated video."""

from __future__ import annotations

import json
from pathlib import Path

from host import Job

from workflow_engine import Workflow
from workflow_engine.stream.sinks.queued import Queued
from workflow_engine.stream.sinks.video import AnnotatedVideo


def prepare(*, document: str, model_id: str, confidence: float, clip: str, out: str | None = None) -> Job:
    """Read the workflow, whose first run loads the model; with ``out`` the pictures that it draws are written there."""
    workflow = Workflow(json.loads(Path(document).read_text()))
    given = {"model": model_id, "confidence": confidence}

    def run() -> dict[str, int]:
        sinks = [] if out is None else [Queued(AnnotatedVideo(Path(out), "picture", sources=1), called=out)]
        with workflow.video(clip, parameters=given) as frames:
            for frame in frames:
                for sink in sinks:
                    sink.write(frame)
        for sink in sinks:
            sink.close()
        return {"frames": frames.accounts["0"].processed}

    return Job(run, lambda answer, _: answer)
