"""segflow's network alone: from the normalised picture to classes, boxes and the masks of all queries."""

from __future__ import annotations

from typing import Any

import numpy as np
from answers import save_network
from host import Job

from blocks.instance_segmentation.backends.interface import mask_logits
from workflow_engine import Engine


def prepare(*, model_id: str, pixels: str) -> Job:
    """Load the model on the backend that the environment names, and take its network out."""
    model = Engine().models.get(model_id, device="cpu")
    # There is no public way to the network alone, and no user needs one.
    backend = model._backend
    batch = np.load(pixels)

    def run() -> Any:
        looked = backend.look(batch)
        maps = backend.mask_maps(looked.features)
        return looked, mask_logits(looked.queries[0], maps[0])

    def save(answer: Any, path: str) -> None:
        looked, masks = answer
        save_network(path, logits=looked.logits[0], boxes=looked.boxes[0], masks=masks)

    run()
    return Job(run, save, facts={"backend": backend_of(model)})


def backend_of(model: Any) -> str:
    """Return the name of the backend that a model runs on, which may be torch where another did not pass the gate."""
    return str(type(model._backend).__module__.rpartition(".")[2])
