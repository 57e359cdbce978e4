"""The two blocks as the engine calls them, and the ecosystem's types that they stand in for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blocks.instance_segmentation.block import instance_segmentation, object_detection
from blocks.instance_segmentation.model import RfDetrSeg
from blocks.instance_segmentation.roboflow import confidence
from tests.blocks.instance_segmentation.tiny import NANO
from tests.blocks.runner import BlockRunner, check_outputs
from workflow_engine.api import BlockError, Detections, Image, RunContext
from workflow_engine.context import Stop
from workflow_engine.errors import RunCancelled
from workflow_engine.manifest import load_entrypoint
from workflow_engine.settings import load

SEGMENTATION = [f"roboflow_core/roboflow_instance_segmentation_model@v{n}" for n in range(1, 5)]
DETECTION = [f"roboflow_core/roboflow_object_detection_model@v{n}" for n in range(1, 4)]
SHORT = ["RoboflowInstanceSegmentationModel", "InstanceSegmentationModel"]
SHORT_DETECTION = ["RoboflowObjectDetectionModel", "ObjectDetectionModel"]

SETTINGS: dict[str, Any] = {
    "model_id": "my-parts/2",
    "confidence": 0.0,
    "class_filter": None,
    "max_detections": 300,
    "resolution": None,
    "device": "cpu",
    "precision": "float32",
}


class OneModel:
    """Lends one model, whatever is asked for, and remembers how it was asked."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def get(self, model_id: str, **how: Any) -> Any:
        self.asked.append((model_id, how))
        return self.model


def context(model: Any, stop: Stop | None = None) -> RunContext:
    return RunContext(settings=load({}), models=OneModel(model), stop=stop or Stop())


def images() -> list[Image]:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    whole = Image.from_array(pixels, id="image")
    part = whole.crop(10, 5, 70, 50, id="crop-1")
    assert part is not None
    return [whole, part]


@pytest.mark.parametrize(
    ("block", "prediction_type"),
    [(instance_segmentation, "instance-segmentation"), (object_detection, "object-detection")],
)
def test_each_image_gives_a_table_of_its_own(block: Any, prediction_type: str, nano: RfDetrSeg) -> None:
    given = images()
    results = block(given, **SETTINGS, context=context(nano))
    for image, result in zip(given, results, strict=True):
        table = result["predictions"]
        assert isinstance(table, Detections)
        assert len(table) == NANO.queries
        assert table.metadata["ancestry"] == image.ancestry
        assert table.metadata["prediction_type"] == prediction_type
        assert table.metadata["inference_id"] == result["inference_id"]
        assert set(table.data["parent_id"]) == {image.ancestry.id}
        assert result["model_id"] == "my-parts/2"
    assert results[0]["inference_id"] != results[1]["inference_id"]
    ids = [row for result in results for row in result["predictions"].data["detection_id"]]
    assert len(set(ids)) == len(ids)


def test_masks_come_with_segmentation_only(nano: RfDetrSeg) -> None:
    image, _ = images()
    (segmented,) = instance_segmentation([image], **SETTINGS, context=context(nano))
    (detected,) = object_detection([image], **SETTINGS, context=context(nano))
    assert segmented["predictions"].mask.shape == (NANO.queries, 60, 80)
    assert detected["predictions"].mask is None


@pytest.mark.parametrize(
    ("block", "type_name"),
    [(instance_segmentation, "core/instance_segmentation@v1"), (object_detection, "core/object_detection@v1")],
)
@pytest.mark.parametrize("confidence", [0.0, 1.0], ids=["objects", "none"])
def test_outputs_are_of_the_declared_kinds(
    block: Any, type_name: str, confidence: float, nano: RfDetrSeg, run: BlockRunner
) -> None:
    kind = run.registry.step_type(type_name)
    for result in block(images(), **{**SETTINGS, "confidence": confidence}, context=context(nano)):
        check_outputs(kind, result)


def test_no_images_give_no_results(nano: RfDetrSeg) -> None:
    assert instance_segmentation([], **SETTINGS, context=context(nano)) == []


def test_the_model_is_asked_for_as_the_step_says(nano: RfDetrSeg) -> None:
    lent = context(nano)
    how = {"resolution": 48, "device": "cpu", "precision": "float32"}
    object_detection(images(), **{**SETTINGS, **how}, context=lent)
    assert isinstance(lent.models, OneModel)
    assert lent.models.asked == [("my-parts/2", how)]


def test_a_model_of_another_family_is_refused() -> None:
    with pytest.raises(BlockError, match="'my-parts/2' is no RF-DETR-Seg"):
        instance_segmentation(images(), **SETTINGS, context=context(object()))


def test_a_cancelled_run_stops_between_images(nano: RfDetrSeg) -> None:
    stop = Stop()
    stop.cancel()
    with pytest.raises(RunCancelled):
        instance_segmentation(images(), **SETTINGS, context=context(nano, stop))


@pytest.mark.parametrize("name", [*SEGMENTATION[:2], *DETECTION[:2], *SHORT, *SHORT_DETECTION])
def test_older_foreign_types_have_the_ecosystems_confidence(name: str, run: BlockRunner) -> None:
    kind = run.registry.step_type(name)
    assert kind.defaults["confidence"] == 0.4
    assert kind.adapter is None
    assert {"iou_threshold", "class_agnostic_nms", "max_candidates", "disable_active_learning"} <= kind.ignored


@pytest.mark.parametrize("name", [*SEGMENTATION[2:], DETECTION[2]])
def test_newer_foreign_types_have_a_mode(name: str, run: BlockRunner) -> None:
    kind = run.registry.step_type(name)
    assert "confidence" not in kind.fields
    assert kind.foreign_defaults == {"confidence_mode": "best", "custom_confidence": 0.4}
    assert kind.adapter == "blocks.instance_segmentation.roboflow:confidence"


@pytest.mark.parametrize("name", [*SEGMENTATION, *DETECTION])
def test_a_foreign_step_needs_a_picture_and_a_model(name: str, run: BlockRunner) -> None:
    assert {field.target for field in run.registry.step_type(name).required} == {"images", "model_id"}


def test_only_the_fourth_answers_in_run_lengths_first(run: BlockRunner) -> None:
    plain, rle = "instance_segmentation_prediction", "rle_instance_segmentation_prediction"
    kinds = [run.registry.step_type(name).outputs["predictions"] for name in SEGMENTATION]
    assert kinds == [(plain,), (plain,), (plain,), (rle, plain)]


@pytest.mark.parametrize("mode", ["best", "default"])
def test_the_models_own_confidence_is_left_to_the_model(mode: str) -> None:
    assert confidence(confidence_mode=mode, custom_confidence=0.9) == {"confidence": None}


def test_a_custom_confidence_is_used_as_it_is_and_must_be_there() -> None:
    assert confidence(confidence_mode="custom", custom_confidence=0.9) == {"confidence": 0.9}
    with pytest.raises(BlockError, match="custom_confidence is null"):
        confidence(confidence_mode="custom", custom_confidence=None)


@pytest.mark.parametrize("name", [*SEGMENTATION[2:], DETECTION[2]])
def test_a_custom_confidence_of_null_is_a_fault_of_the_document(name: str, run: BlockRunner) -> None:
    check = load_entrypoint(str(run.registry.step_type(name).manifest.fields_check))
    with pytest.raises(ValueError, match="custom_confidence is null"):
        check({"confidence_mode": "custom", "custom_confidence": None})
    for fields in ({"confidence_mode": "custom"}, {"custom_confidence": None}, {"confidence_mode": "$inputs.mode"}):
        check(fields)
