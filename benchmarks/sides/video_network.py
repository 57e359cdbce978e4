"""segflow's network alone, as often as a clip has frames; with the clip, that is decoded beside it and thrown away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import numpy as np
from answers import save_network
from av.video.reformatter import VideoReformatter
from host import Job
from network_segflow import backend_of

from blocks.instance_segmentation.backends.interface import mask_logits
from workflow_engine import Engine


def prepare(*, model_id: str, frames: int, clip: str | None = None) -> Job:
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

    def run() -> Any:
        with ThreadPoolExecutor(1) as beside:
            decoded = None if clip is None else beside.submit(_decode, clip)
            answers = [once() for _ in range(frames)]
        if decoded is not None and decoded.result() != frames:
            raise RuntimeError(f"The clip has {decoded.result()} frames, not {frames}.")
        return answers[-1]

    once()
    return Job(run, save, facts={"backend": backend_of(model)})


def _decode(clip: str) -> int:
    """Decode a clip on one thread, to what a workflow is given; return how many frames it has."""
    to_bgr = VideoReformatter()
    with av.open(clip) as container:
        container.streams.video[0].thread_type = "NONE"
        frames = container.decode(video=0)
        return sum(to_bgr.reformat(frame, format="bgr24").to_ndarray().ndim == 3 for frame in frames)
