"""The two blocks that look for objects: with outlines, or with boxes only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from workflow_engine.api import BlockError, Image, RunContext, detections

if TYPE_CHECKING:
    from blocks.instance_segmentation.model import Objects, RfDetrSeg, Seen


def instance_segmentation(
    images: Sequence[Image],
    *,
    model_id: str,
    confidence: float | None,
    class_filter: list[str] | None,
    max_detections: int,
    resolution: int | None,
    device: str,
    precision: str,
    context: RunContext,
) -> list[dict[str, Any]]:
    """Find the objects of each image, with their masks.

    Raises:
        ModelError: The model is unknown, or cannot be had, read, or used like this.
    """
    model = _model(context, model_id, resolution=resolution, device=device, precision=precision)
    found = (
        model.choose(seen, confidence=confidence, classes=class_filter, max_detections=max_detections)
        for seen in _seen(model, images, context)
    )
    return _results(images, found, model_id, "instance-segmentation", context)


def object_detection(
    images: Sequence[Image],
    *,
    model_id: str,
    confidence: float | None,
    class_filter: list[str] | None,
    max_detections: int,
    resolution: int | None,
    device: str,
    precision: str,
    context: RunContext,
) -> list[dict[str, Any]]:
    """Find the objects of each image, boxes only, which saves the work on masks.

    Raises:
        ModelError: The model is unknown, or cannot be had, read, or used like this.
    """
    model = _model(context, model_id, resolution=resolution, device=device, precision=precision)
    found = (
        model.choose_boxes(seen, confidence=confidence, classes=class_filter, max_detections=max_detections)
        for seen in _seen(model, images, context)
    )
    return _results(images, found, model_id, "object-detection", context)


def _model(context: RunContext, model_id: str, *, resolution: int | None, device: str, precision: str) -> RfDetrSeg:
    from blocks.instance_segmentation.model import RfDetrSeg

    model = context.models.get(model_id, device=device, precision=precision, resolution=resolution)
    if not isinstance(model, RfDetrSeg):
        message = f"The model {model_id!r} is no RF-DETR-Seg, which this block needs."
        raise BlockError(message, hint="Use the block that belongs to the model.", code="model_family", whose="author")
    return model


def _seen(model: RfDetrSeg, images: Sequence[Image], context: RunContext) -> Iterator[Seen]:
    """Yield what the network sees in each image, which it need not look at again when only the choice changes."""
    kept: list[Seen | None] = [context.kept.get(f"seen {number}") for number in range(len(images))]
    looks = model.look([image.pixels for image, seen in zip(images, kept, strict=True) if seen is None])
    for number, known in enumerate(kept):
        seen = next(looks) if known is None else known
        yield seen
        # Not before: the mask maps that were made meanwhile are part of it, and of its size.
        context.kept.put(f"seen {number}", seen)


def _results(
    images: Sequence[Image], found: Iterable[Objects], model_id: str, prediction_type: str, context: RunContext
) -> list[dict[str, Any]]:
    results = []
    for image, objects in zip(images, found, strict=True):
        # Objects are computed as they are asked for, so a run that was cancelled stops between images.
        context.stop.check()
        inference_id = str(uuid4())
        table = detections.build(
            objects.xyxy,
            ancestry=image.ancestry,
            class_id=objects.class_id,
            class_names=objects.class_names,
            confidence=objects.confidence,
            mask=objects.masks,
            prediction_type=prediction_type,
            inference_id=inference_id,
        )
        results.append({"predictions": table, "inference_id": inference_id, "model_id": model_id})
    return results
