"""Whether two contestants found the same; nothing is timed before they did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCORE = 2e-4
BOX = 0.05 / 640  # of the picture's width
MASK_IOU = 0.995
LOGIT = 5e-3


class Disagreement(Exception):
    """Two contestants gave different answers; what they take cannot be compared."""


def same_detections(first: Path, second: Path, *, box: float | None = None) -> None:
    """Compare two files of detections.

    Args:
        first: The reference.
        second: What is held against it.
        box: Pixels that a box's corner may be off, where the usual tolerance is too strict, as for rounded boxes.

    Raises:
        Disagreement: Naming the first thing that differs.
    """
    a, b = np.load(first), np.load(second)
    _require(len(a["score"]) == len(b["score"]), f"{len(a['score'])} objects against {len(b['score'])}")
    _require(a["class_id"].tolist() == b["class_id"].tolist(), "other classes")
    _near("scores", a["score"], b["score"], SCORE)
    _require(a["shape"].tolist() == b["shape"].tolist(), f"masks of {a['shape']} against {b['shape']}")
    width = int(a["shape"][2])
    _near("boxes", a["xyxy"], b["xyxy"], BOX * width if box is None else box)
    overlaps = _overlaps(a["masks"], b["masks"])
    worst = float(overlaps.min(initial=1.0))
    _require(worst >= MASK_IOU, f"masks with an overlap of only {worst:.4f}")


def same_network(first: Path, second: Path, *, objects: int = 20) -> None:
    """Compare what two networks gave for the ``objects`` best queries, whatever order the queries are in.

    Raises:
        Disagreement: Naming the first thing that differs.
    """
    a, b = (_best(np.load(path), objects) for path in (first, second))
    _near("logits", a["logits"], b["logits"], LOGIT)
    _near("boxes", a["boxes"], b["boxes"], 1e-4)
    overlaps = _overlaps(*(np.packbits(one["masks"] > 0, axis=-1).reshape(objects, -1) for one in (a, b)))
    _require(float(overlaps.min()) >= MASK_IOU, f"masks with an overlap of only {overlaps.min():.4f}")


def same_pictures(first: NDArray[np.uint8], second: NDArray[np.uint8], *, share: float = 0.0) -> None:
    """Compare two pictures; ``share`` of their values may differ, as by another rounding.

    Raises:
        Disagreement: If they differ in more.
    """
    _require(first.shape == second.shape, f"pictures of {first.shape} against {second.shape}")
    differing = float(np.mean(first != second))
    _require(differing <= share, f"pictures that differ in {differing:.2%} of their values")


def _best(found: Any, objects: int) -> dict[str, NDArray[Any]]:
    order = np.argsort(-found["logits"].max(axis=1), kind="stable")[:objects]
    return {name: found[name][order] for name in ("logits", "boxes", "masks")}


def _overlaps(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the overlap of each pair of packed masks; two empty ones agree."""
    both = np.array([np.bitwise_count(x & y).sum() for x, y in zip(a, b, strict=True)], dtype=np.float64)
    either = np.array([np.bitwise_count(x | y).sum() for x, y in zip(a, b, strict=True)], dtype=np.float64)
    return np.divide(both, either, out=np.ones_like(both), where=either > 0)


def _near(what: str, a: NDArray[Any], b: NDArray[Any], most: float) -> None:
    off = float(np.abs(a.astype(np.float64) - b).max(initial=0.0))
    _require(off <= most, f"{what} that are {off:.3g} apart where {most:.3g} is allowed")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Disagreement(otherwise)
