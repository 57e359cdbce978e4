"""rfdetr: ``predict`` on an array, with ``inference()`` called first, as its documentation recommends."""

from __future__ import annotations

from typing import Any

import numpy as np
import rfdetr
from answers import fresh, save_detections
from host import Job

CLASSES = {
    "nano": "RFDETRSegNano",
    "small": "RFDETRSegSmall",
    "medium": "RFDETRSegMedium",
    "large": "RFDETRSegLarge",
    "xlarge": "RFDETRSegXLarge",
    "2xlarge": "RFDETRSeg2XLarge",
}


def load(size: str, checkpoint: str, *, optimised: bool) -> Any:
    """Return the model with the weights of a checkpoint."""
    model = getattr(rfdetr, CLASSES[size])(pretrain_weights=checkpoint, device="cpu")
    if optimised:
        model.inference()
    return model


def prepare(*, size: str, checkpoint: str, picture: str, confidence: float, optimised: bool = True) -> Job:
    """Load the model; it reads red-green-blue, so the picture is turned beforehand."""
    model = load(size, checkpoint, optimised=optimised)
    pictures = fresh(np.ascontiguousarray(np.load(picture)[:, :, ::-1]))

    def run() -> Any:
        return model.predict(next(pictures), threshold=confidence, include_source_image=False)

    def save(objects: Any, path: str) -> dict[str, Any]:
        save_detections(
            path, class_id=objects.class_id, score=objects.confidence, xyxy=objects.xyxy, masks=objects.mask
        )
        return {"objects": len(objects)}

    run()
    return Job(run, save)
