"""Masks leave as outlines or as run lengths, as the document asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workflow_engine import CompileError, DefinitionError, Engine
from workflow_engine import settings as engine_settings
from workflow_engine.vision import masks

RING = np.ones((9, 9), dtype=np.bool_)
RING[3:6, 3:6] = False


def document(**asked: str) -> dict[str, Any]:
    tables = {"type": "WorkflowBatchInput", "name": "found", "kind": ["instance_segmentation_prediction"]}
    nothing = {"type": "core/property_definition@v1", "name": "same", "data": "$inputs.found", "operations": []}
    outputs = [
        {"type": "JsonField", "name": "found", "selector": "$inputs.found", **asked},
        {"type": "JsonField", "name": "same", "selector": "$steps.same.output", **asked},
    ]
    return {"version": "1.0", "inputs": [tables], "steps": [nothing], "outputs": outputs}


def found() -> dict[str, Any]:
    rle = masks.to_rle(masks.from_windows([(RING, 5, 4)], (20, 30)), 0)
    row = {"x": 9.5, "y": 8.5, "width": 9, "height": 9, "confidence": 0.9, "class": "washer", "class_id": 2}
    return {"image": {"width": 30, "height": 20}, "predictions": [{**row, "rle": rle}]}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(engine_settings.load({"HOME": "/nowhere"}))


def run(engine: Engine, **asked: str) -> list[dict[str, Any]]:
    outputs = engine.session(engine.compile(document(**asked))).run({"found": found()}, serialised=True)
    return [outputs[name]["predictions"][0] for name in ("found", "same")]


def test_masks_are_outlines_unless_asked_otherwise(engine: Engine) -> None:
    for row in run(engine):
        assert {(p["x"], p["y"]) for p in row["points"]} == {(5, 4), (5, 12), (13, 12), (13, 4)}
        assert "rle_mask" not in row


def test_run_lengths_keep_the_hole(engine: Engine) -> None:
    for row in run(engine, mask_format="rle"):
        assert "points" not in row
        mask = masks.from_rle([row["rle_mask"]], (20, 30))
        assert masks.area(mask).tolist() == [72]


def test_another_format_is_refused_in_a_sentence(engine: Engine) -> None:
    with pytest.raises((DefinitionError, CompileError), match="mask_format"):
        run(engine, mask_format="png")
