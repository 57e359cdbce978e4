"""Count the objects of each class."""

from __future__ import annotations

from collections import Counter
from typing import Any

from workflow_engine.api import Detections, detections


def count_by_class(predictions: Detections, *, classes: list[str] | None) -> dict[str, Any]:
    """Count all classes found or, if ``classes`` names some, exactly these, a class without objects as 0."""
    found = Counter(detections.class_names(predictions))
    counts = {name: found[name] for name in classes} if classes else dict(found)
    return {"counts": counts, "total": sum(counts.values())}
