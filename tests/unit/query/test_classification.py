"""The properties of a classification, single-label and multi-label."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_engine.query import QueryError, apply

SINGLE = {
    "top": "nut",
    "confidence": 0.7,
    "predictions": [
        {"class": "nut", "class_id": 1, "confidence": 0.7},
        {"class": "bolt", "class_id": 0, "confidence": 0.3},
    ],
}
MULTI = {
    "predictions": {
        "washer": {"class_id": 2, "confidence": 0.9},
        "bolt": {"class_id": 0, "confidence": 0.2},
        "nut": {"class_id": 1, "confidence": 0.6},
    },
    "predicted_classes": ["washer", "nut"],
}


@pytest.mark.parametrize(
    ("name", "single", "multi"),
    [
        ("top_class", "nut", ["washer", "nut"]),
        ("top_class_confidence", 0.7, [0.9, 0.6]),
        ("top_class_confidence_single", 0.7, 0.9),
        ("all_classes", ["nut", "bolt"], ["bolt", "nut", "washer"]),
        ("all_confidences", [0.7, 0.3], [0.2, 0.6, 0.9]),
    ],
)
def test_each_property(name: str, single: Any, multi: Any) -> None:
    chain = [{"type": "ClassificationPropertyExtract", "property_name": name}]
    assert apply(chain, SINGLE) == single
    assert apply(chain, MULTI) == multi


def test_nothing_predicted_is_sure_of_nothing() -> None:
    chain = [{"type": "ClassificationPropertyExtract", "property_name": "top_class_confidence_single"}]
    assert apply(chain, {"predictions": {}, "predicted_classes": []}) == 0.0


@pytest.mark.parametrize("value", [None, [], {}, {"predictions": {"nut": 1}, "predicted_classes": ["nut"]}])
def test_anything_else_is_refused(value: Any) -> None:
    chain = [{"type": "ClassificationPropertyExtract", "property_name": "top_class_confidence"}]
    with pytest.raises(QueryError, match="expected a classification") as caught:
        apply(chain, value)
    assert caught.value.code == "query_bad_input"
