"""Keep some of the objects, or change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workflow_engine.api import BlockError, Detections, apply, detections


def transform_detections(
    predictions: Detections, *, operations: Sequence[Mapping[str, Any]], operations_parameters: Mapping[str, Any]
) -> dict[str, Detections]:
    """Send the objects through a chain of operations that ends in objects.

    Raises:
        BlockError: The chain ends in something else, or one of its operations fails.
    """
    result = apply(operations, predictions, parameters=operations_parameters)
    if not isinstance(result, Detections):
        last = operations[-1]["type"]
        message = f"The operations end in {last}, which gives {type(result).__name__} where objects are expected."
        hint = "Use the Property block for values that are computed from objects."
        raise BlockError(message, hint=hint, code="query_operation", whose="author")
    return {"predictions": result}


def filter_by_class_confidence(
    predictions: Detections, *, class_thresholds: Mapping[str, float], default_threshold: float
) -> dict[str, Detections]:
    """Keep the objects whose confidence is at least the threshold of their class, which is named as text."""
    if predictions.confidence is None:
        raise BlockError("The objects have no confidence, so there is nothing to compare with a threshold.")
    names = detections.class_names(predictions)
    by_name = {str(name): threshold for name, threshold in class_thresholds.items()}
    thresholds = np.array([by_name.get(name, default_threshold) for name in names], dtype=float)
    return {"predictions": predictions.select(predictions.confidence >= thresholds)}
