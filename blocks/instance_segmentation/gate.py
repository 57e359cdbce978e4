"""The parity gate: a backend and precision are used once they have found on reference pictures what torch finds.

In float32 a backend may differ by rounding only, in a reduced precision also by a little in scores and outlines, which
is what its speed costs. One effect blurs the first: of two proposals whose scores are equal to rounding either may come
first, and then all queries, which look at each other, change slightly; torch does the same when its input changes by
2e-6. So in float32 the raw outputs must agree on one picture at least, which no error in a graph would let them, and
the objects on all, within limits that such a change keeps. A reduced precision is judged by objects alone; where there
are none it is refused, for then nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import masks

if TYPE_CHECKING:
    from blocks.instance_segmentation.model import Objects, RfDetrSeg, Seen

# Raw outputs agree where so many of the queries differ by rounding only: what the golden detections are held to.
RAW_SHARE = 0.9
RAW_SCORE = 2e-4
RAW_BOX = 1e-4
# Overlap by which a box is taken for the same object's.
SAME = 0.5
SAMPLED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far an object may be from the one that torch finds in float32.

    Attributes:
        score: Difference of scores; an object whose score is nearer than this to the threshold may be lacking.
        box: Of a box's corners, in pixels of a picture brought to 640 pixels.
        iou: Intersection over union of the masks, at least; fewer than ``pixels`` differing pixels are let pass.
        pixels: See ``iou``: a small mask loses much of it by one pixel.
    """

    score: float
    box: float
    iou: float
    pixels: int


# A changed place among proposals moved a score by 0.005, a box by 0.1 px, a mask to an IoU of 0.997 (demo/fasteners).
ROUNDING = Tolerance(score=0.02, box=0.5, iou=0.98, pixels=4)
# OpenVINO's bfloat16 moved a score by 0.03, a box by 1.1 px and a mask to an IoU of 0.96 (demo/fasteners).
REDUCED = Tolerance(score=0.05, box=2.0, iou=0.9, pixels=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate found.

    Attributes:
        holds: Whether the backend may be used.
        reason: Why not, as the end of a sentence; empty when it holds.
        figures: The largest differences seen, and how often objects were compared.
    """

    holds: bool
    reason: str = ""
    figures: dict[str, float] = field(default_factory=dict)


def judge(
    candidate: RfDetrSeg, reference: RfDetrSeg, pictures: Sequence[NDArray[np.uint8]], *, reduced: bool
) -> Verdict:
    """Compare what two forms of one model find on pictures, blue-green-red (H, W, 3)."""
    tolerance = REDUCED if reduced else ROUNDING
    worst = {"compared": 0.0, "score": 0.0, "box": 0.0, "iou": 1.0, "raw_share": 0.0}
    for seen, wanted in zip(candidate.look(pictures), reference.look(pictures), strict=True):
        if not np.isfinite(seen.scores).all():
            return Verdict(holds=False, reason="its outputs are no numbers", figures=worst)
        worst["raw_share"] = max(worst["raw_share"], _raw_share(seen, wanted))
        for one, other, left, right in ((candidate, reference, seen, wanted), (reference, candidate, wanted, seen)):
            reason = _differs(one, left, other, right, tolerance, worst)
            if reason:
                return Verdict(holds=False, reason=reason, figures=worst)
    if not reduced and worst["raw_share"] < RAW_SHARE:
        reason = f"its raw outputs agree in {worst['raw_share']:.0%} of the queries at most"
        return Verdict(holds=False, reason=reason, figures=worst)
    if reduced and not worst["compared"]:
        reason = "the model finds nothing on its reference pictures, by which it is judged; --reference of"
        reason += " segflow models add gives it others"
        return Verdict(holds=False, reason=reason, figures=worst)
    return Verdict(holds=True, figures=worst)


def _raw_share(seen: Seen, wanted: Seen) -> float:
    """Return the share of queries whose scores and boxes agree to rounding."""
    scores = np.abs(seen.scores - wanted.scores).max(axis=1) <= RAW_SCORE
    boxes = np.abs(seen.boxes - wanted.boxes).max(axis=1) <= RAW_BOX
    return float((scores & boxes).mean())


def _differs(
    one: RfDetrSeg, seen: Seen, other: RfDetrSeg, wanted: Seen, tolerance: Tolerance, worst: dict[str, float]
) -> str:
    """Say what is wrong with the counterparts, in ``wanted``, of the objects in ``seen``; update the figures."""
    confidence = one.default_confidence
    objects = one.choose(seen, confidence=confidence, classes=None, max_detections=SAMPLED)
    near = max(confidence - tolerance.score, 0.0)
    counterparts = other.choose(wanted, confidence=near, classes=None, max_detections=SAMPLED)
    scale = 640 / max(seen.size)
    free = set(range(len(counterparts.xyxy)))
    for index in range(len(objects.xyxy)):
        match = _nearest(objects, index, counterparts, free)
        score = float(objects.confidence[index])
        if match is None:
            if score > confidence + tolerance.score:
                return f"an object ({objects.class_names[index]}, score {score:.2f}) has no counterpart"
            continue
        free.remove(match)
        found = {
            "score": abs(score - float(counterparts.confidence[match])),
            "box": float(np.abs(objects.xyxy[index] - counterparts.xyxy[match]).max()) * scale,
        }
        iou, pixels = _mask_difference(objects, index, counterparts, match)
        worst["compared"] += 1
        worst.update({name: max(worst[name], value) for name, value in found.items()})
        worst["iou"] = min(worst["iou"], iou if pixels > tolerance.pixels else 1.0)
    return _beyond(worst, tolerance)


def _beyond(worst: dict[str, float], tolerance: Tolerance) -> str:
    if worst["score"] > tolerance.score:
        return f"a score differs by {worst['score']:.2g}, more than {tolerance.score:g}"
    if worst["box"] > tolerance.box:
        return f"a box differs by {worst['box']:.2g} px, more than {tolerance.box:g}"
    if worst["iou"] < tolerance.iou:
        return f"the masks of an object overlap by {worst['iou']:.3f}, less than {tolerance.iou:g}"
    return ""


def _nearest(objects: Objects, index: int, others: Objects, free: set[int]) -> int | None:
    """Return the free object of the same class whose box overlaps most, if any does by half."""
    same = [i for i in sorted(free) if others.class_id[i] == objects.class_id[index]]
    if not same:
        return None
    overlaps = _box_iou(objects.xyxy[index], others.xyxy[same])
    best = int(overlaps.argmax())
    return same[best] if overlaps[best] >= SAME else None


def _box_iou(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = (high - low).clip(0).prod(axis=1)
    whole = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - shared
    overlaps: NDArray[np.float32] = (shared + 1e-9) / (whole + 1e-9)
    return overlaps


def _mask_difference(objects: Objects, index: int, others: Objects, match: int) -> tuple[float, int]:
    """Return the intersection over union of two masks, and how many pixels differ."""
    assert objects.masks is not None
    assert others.masks is not None
    pair = [masks.window(objects.masks, index), masks.window(others.masks, match)]
    shared, whole = (int(np.count_nonzero(join(pair)[0])) for join in (masks.intersection, masks.union))
    return (shared / whole if whole else 1.0), whole - shared
