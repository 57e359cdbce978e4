"""segflow's network alone, as often as a clip has frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from answers import save_network
from host import Job
from network_segflow import backend_of

from blocks.instance_segmentation.backends.interface import mask_logits
from workflow_engine import Engine


def prepare(*, model_id: str, frames: int) -> Job:
    """Load the model, and take its network out."""
    model = Engine().models.get(model_id, device="cpu")
    backend = model._backend
    side = model.resolution
    batch = np.random.default_rng(0).standard_normal((1, 3, side, side), dtype=np.float32)

    def once() -> Any:
        looked = backend.look(batch)
        return looked, mask_logits(looked.queries[0], backend.mask_maps(looked.features)[0])

    def save(answer: Any, path: str) -> None:
        looked, masks = answer
        save_network(path, logits=looked.logits[0], boxes=looked.boxes[0], masks=masks)

    once()
    return Job(lambda: [once() for _ in range(frames)][-1], save, facts={"backend": backend_of(model)})
