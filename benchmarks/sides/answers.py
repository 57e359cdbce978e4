"""What all sides do alike: how a picture comes, and the form in which answers are compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def fresh(pixels: Any) -> Iterator[Any]:
    """Yield a picture again and again, its first pixel changed each time, so that nobody can answer from memory."""
    turn = 0
    while True:
        pixels[0, 0] = turn % 256
        turn += 1
        yield pixels


def save_detections(path: str, *, class_id: Any, score: Any, xyxy: Any, masks: Any) -> None:
    """Write objects by falling score: ids (N,), scores (N,), boxes (N, 4), masks (N, H, W)."""
    planes = np.asarray(masks, dtype=bool)
    order = np.argsort(-np.asarray(score), kind="stable")
    np.savez(
        path,
        class_id=np.asarray(class_id)[order],
        score=np.asarray(score)[order],
        xyxy=np.asarray(xyxy)[order],
        shape=planes.shape,
        masks=np.packbits(planes[order].reshape(len(planes), -1), axis=1),
    )


def save_network(path: str, *, logits: Any, boxes: Any, masks: Any) -> None:
    """Write what the network gives for one picture: (Q, classes), (Q, 4), (Q, m, m)."""
    np.savez(path, logits=np.asarray(logits), boxes=np.asarray(boxes), masks=np.asarray(masks))
