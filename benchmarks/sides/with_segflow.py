"""segflow: one picture through a workflow that has only the segmentation step, as a user would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from answers import fresh, save_detections
from host import Job
from network_segflow import backend_of

from workflow_engine import Workflow

DOCUMENT = Path(__file__).parents[1] / "workflows" / "find.json"


def prepare(*, model_id: str, picture: str, confidence: float, precision: str = "float32", dense: bool = False) -> Job:
    """Load the model; ``dense`` also turns the masks, which stay compact otherwise, into whole pictures."""
    document = json.loads(DOCUMENT.read_text())
    document["steps"][0]["precision"] = precision
    workflow = Workflow(document)
    session = workflow.session()
    pictures = fresh(np.load(picture))

    def run() -> Any:
        given = {"image": next(pictures), "model": model_id, "confidence": confidence}
        objects = session.run(given)["objects"]
        return (objects, np.asarray(objects.mask)) if dense else (objects, None)

    def save(answer: Any, path: str) -> dict[str, Any]:
        objects, _ = answer
        masks = np.asarray(objects.mask)
        save_detections(path, class_id=objects.class_id, score=objects.confidence, xyxy=objects.xyxy, masks=masks)
        return {"objects": len(objects)}

    run()
    return Job(run, save, facts={"backend": backend_of(workflow.engine.models.get(model_id, precision=precision))})
