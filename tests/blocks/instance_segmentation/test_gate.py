"""The gate lets through what finds the same, and says what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import Backend, Looked
from blocks.instance_segmentation.gate import Verdict, judge
from blocks.instance_segmentation.model import RfDetrSeg

RNG = np.random.default_rng(7)
PICTURES = [RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8) for _ in range(2)]


class Wrong:
    """A backend whose answers are changed on the way."""

    def __init__(
        self,
        backend: Backend,
        change: Callable[[Looked], Looked] = lambda looked: looked,
        change_maps: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda maps: maps,
    ) -> None:
        self.facts, self.batch = backend.facts, backend.batch
        self._backend, self._change, self._change_maps = backend, change, change_maps

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        return self._change(self._backend.look(pixels))

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._change_maps(self._backend.mask_maps(features))

    def save(self, folder: Path) -> None:
        raise AssertionError("what is wrong is not kept")


def keeping(model: RfDetrSeg, confidence: float) -> RfDetrSeg:
    return RfDetrSeg(model._backend, replace(model.contract, default_confidence=confidence))


def verdict(
    model: RfDetrSeg,
    change: Callable[[Looked], Looked] = lambda looked: looked,
    change_maps: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda maps: maps,
    *,
    reduced: bool = False,
    confidence: float = 0.1,
) -> Verdict:
    reference = keeping(model, confidence)
    candidate = RfDetrSeg(Wrong(model._backend, change, change_maps), reference.contract)
    return judge(candidate, reference, PICTURES, reduced=reduced)


def changed(looked: Looked, *, logits: float = 0.0, boxes: float = 0.0) -> Looked:
    return Looked(looked.logits + np.float32(logits), looked.boxes + np.float32(boxes), looked.queries, looked.features)


@pytest.mark.parametrize("reduced", [False, True])
def test_the_same_answers_hold(nano: RfDetrSeg, reduced: bool) -> None:
    found = verdict(nano, reduced=reduced)
    assert found.holds
    assert found.figures["compared"] > 0
    assert (found.figures["score"], found.figures["iou"], found.figures["raw_share"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda looked: changed(looked, logits=0.5), "a score differs by"),
        (lambda looked: changed(looked, boxes=0.002), "a box differs by"),
        (lambda looked: changed(looked, boxes=0.9), "has no counterpart"),
        (lambda looked: changed(looked, logits=-30), "has no counterpart"),
        (lambda looked: changed(looked, logits=float("nan")), "no numbers"),
    ],
    ids=["scores", "boxes", "elsewhere", "lost", "nan"],
)
def test_other_answers_do_not_hold(nano: RfDetrSeg, change: Callable[[Looked], Looked], reason: str) -> None:
    found = verdict(nano, change)
    assert not found.holds
    assert reason in found.reason


def test_other_masks_do_not_hold(nano: RfDetrSeg) -> None:
    found = verdict(nano, change_maps=lambda maps: -maps)
    assert not found.holds
    assert "masks of an object overlap by" in found.reason


def test_objects_too_many_are_found_as_those_lost(nano: RfDetrSeg) -> None:
    scores = np.concatenate([seen.scores.ravel() for seen in nano.look(PICTURES)])
    none_found = float(scores.max()) + 0.001
    found = verdict(nano, lambda looked: changed(looked, logits=2), reduced=True, confidence=none_found)
    assert not found.holds
    assert "has no counterpart" in found.reason


def test_half_precision_is_given_some_room_that_float32_is_not(nano: RfDetrSeg) -> None:
    def slightly(looked: Looked) -> Looked:
        return changed(looked, logits=0.12, boxes=0.001)

    assert verdict(nano, slightly, reduced=True).holds
    assert not verdict(nano, slightly).holds


def test_half_precision_is_refused_where_nothing_can_be_compared(nano: RfDetrSeg) -> None:
    found = verdict(nano, reduced=True, confidence=1.0)
    assert not found.holds
    assert "finds nothing on its reference pictures" in found.reason
    assert "segflow models add" in found.reason


def test_float32_is_judged_by_raw_outputs_where_nothing_is_found(nano: RfDetrSeg) -> None:
    assert verdict(nano, confidence=1.0).holds
    found = verdict(nano, lambda looked: changed(looked, boxes=0.001), confidence=1.0)
    assert not found.holds
    assert "raw outputs agree in 0%" in found.reason


def test_raw_outputs_may_differ_on_some_of_the_pictures(nano: RfDetrSeg) -> None:
    """There two proposals of equal score may have changed places, which moves everything a little."""
    calls: list[int] = []

    def first_only(looked: Looked) -> Looked:
        calls.append(len(looked.logits))
        return changed(looked, logits=0.004) if len(calls) == 1 else looked

    found = verdict(nano, first_only)
    assert found.holds
    assert found.figures["raw_share"] == 1
    assert found.figures["score"] > 0
