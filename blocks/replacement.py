"""Give objects the classes that a second look at their crops found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from workflow_engine.api import BlockError, Detections, detections

Class: TypeAlias = tuple[str, int, float]  # name, id, confidence
Answer: TypeAlias = Mapping[str, Any] | Sequence[str] | str | None


def detections_classes_replacement(
    object_detection_predictions: Detections | None,
    classification_predictions: Sequence[Answer],
    *,
    fallback_class_name: str | None,
    fallback_class_id: int | None,
) -> dict[str, Detections | None]:
    """Replace class and confidence of the objects by what their crops were classified as; those without are left out.

    A classification belongs to the object whose id is its ``parent_id``; texts, and lists of which the first text
    counts, belong to the objects in their order. Where an answer is empty, the fallback class stands in, if there is
    one. The objects get new ids.

    Raises:
        BlockError: A classification is not of the form that classification has.
    """
    table = object_detection_predictions
    if table is None:
        return {"predictions": None}
    fallback = _fallback(fallback_class_name, fallback_class_id)
    answers = _in_order(table, classification_predictions)
    found = [(_class_of(answer) or fallback) if known else None for known, answer in answers]
    kept = [index for index, one in enumerate(found) if one is not None]
    names, ids, confidences = _columns(one for one in found if one is not None)
    replaced = detections.replace(
        table.select(np.array(kept, dtype=np.int64)),
        class_id=np.array(ids, dtype=np.int64),
        confidence=np.array(confidences, dtype=np.float64),
    )
    columns = {"class_name": names, "detection_id": detections.fresh_ids(len(kept))}
    return {"predictions": detections.with_columns(replaced, columns)}


def _columns(classes: Iterable[Class]) -> tuple[list[str], list[int], list[float]]:
    given = list(classes)
    return [name for name, _, _ in given], [id for _, id, _ in given], [confidence for _, _, confidence in given]


def _fallback(name: str | None, id: int | None) -> Class | None:
    if not name:
        return None
    return name, sys.maxsize if id is None or id < 0 else id, 0.0


def _in_order(table: Detections, answers: Sequence[Answer]) -> list[tuple[bool, Answer]]:
    """Return for every object whether there is an answer, and the answer."""
    if any(isinstance(answer, str | Sequence) for answer in answers):
        padded = [*answers, *[None] * len(table)]
        return [(True, answer) for answer in padded[: len(table)]]
    by_parent = {answer.get("parent_id"): answer for answer in answers if isinstance(answer, Mapping)}
    return [(id in by_parent, by_parent.get(id)) for id in detections.detection_ids(table)]


def _class_of(answer: Answer) -> Class | None:
    """Return the leading class of one answer; ``None`` when it names none."""
    if isinstance(answer, Mapping):
        return _classified(answer)
    text = answer if isinstance(answer, str) else next(iter(answer or ()), None)
    return (text, 0, 1.0) if isinstance(text, str) else None


def _classified(answer: Mapping[str, Any]) -> Class | None:
    try:
        predictions = answer["predictions"]
        if "top" in answer:  # one class: a list of all, the most likely one named
            listed = [(one["class"], one["class_id"], one["confidence"]) for one in predictions]
            return next((one for one in listed if one[0] == answer["top"]), None)
        said = [(name, predictions[name]) for name in answer["predicted_classes"]]
        likely = [(name, one["class_id"], one["confidence"]) for name, one in said]
        return max(likely, key=lambda one: one[2], default=None)
    except (KeyError, TypeError) as error:
        message = f"A classification lacks {error}, or its predictions are not as a classification has them."
        hint = "Feed the answers of a classification model, or texts."
        raise BlockError(message, hint=hint, code="bad_value", whose="author") from error
