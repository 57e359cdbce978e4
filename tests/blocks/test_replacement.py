"""Classes from a second look at the crops."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

IMAGE = picture()
OBJECTS = table(IMAGE, [(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10)])
IDS = detections.detection_ids(OBJECTS)


def replaced(run: BlockRunner, answers: list[Any], objects: Detections | None = OBJECTS, **fallback: Any) -> Any:
    return run(
        "core/detections_classes_replacement@v1",
        object_detection_predictions=objects,
        classification_predictions=answers,
        **fallback,
    )["predictions"]


def single(parent: str, top: str, confidence: float = 0.7) -> dict[str, Any]:
    others = [{"class": "zebra", "class_id": 8, "confidence": 0.1}]
    return {
        "parent_id": parent,
        "top": top,
        "confidence": confidence,
        "predictions": [{"class": top, "class_id": 5, "confidence": confidence}, *others] if top else [],
    }


def rows(found: Detections) -> list[tuple[str, int, float]]:
    assert found.class_id is not None
    assert found.confidence is not None
    return list(zip(detections.class_names(found), found.class_id.tolist(), found.confidence.tolist(), strict=True))


def test_classifications_find_their_objects_by_id(run: BlockRunner) -> None:
    found = replaced(run, [single(IDS[2], "cat"), single("other", "dog"), single(IDS[0], "cow", 0.4)])
    assert rows(found) == [("cow", 5, 0.4), ("cat", 5, 0.7)]
    assert found.xyxy.tolist() == [[0, 0, 10, 10], [40, 0, 50, 10]]
    assert not {*detections.detection_ids(found)} & {*IDS}
    assert detections.class_names(OBJECTS) == ["bolt", "nut", "washer"]


def test_the_surest_of_several_classes(run: BlockRunner) -> None:
    said = {"cat": {"class_id": 1, "confidence": 0.6}, "dog": {"class_id": 2, "confidence": 0.8}}
    said["cow"] = {"class_id": 3, "confidence": 0.9}  # not among those predicted
    answer = {"parent_id": IDS[1], "predictions": said, "predicted_classes": ["cat", "dog"]}
    assert rows(replaced(run, [answer])) == [("dog", 2, 0.8)]


@pytest.mark.parametrize(
    "empty", [single(IDS[1], ""), {"parent_id": IDS[1], "predictions": {}, "predicted_classes": []}]
)
def test_an_empty_classification_gets_the_fallback_and_a_missing_one_does_not(run: BlockRunner, empty: Any) -> None:
    answers = [single(IDS[0], "cat"), empty, None]
    assert rows(replaced(run, answers)) == [("cat", 5, 0.7)]
    assert rows(replaced(run, answers, fallback_class_name="unknown", fallback_class_id=9))[1:] == [("unknown", 9, 0)]


def test_texts_belong_to_the_objects_in_order(run: BlockRunner) -> None:
    answers = ["A1", None, ["B2", "C3"]]
    assert rows(replaced(run, answers)) == [("A1", 0, 1.0), ("B2", 0, 1.0)]
    with_fallback = rows(replaced(run, [[], *answers[:1]], fallback_class_name="?", fallback_class_id=-1))
    assert with_fallback == [("?", sys.maxsize, 0.0), ("A1", 0, 1.0), ("?", sys.maxsize, 0.0)]


def test_more_answers_than_objects_do_no_harm(run: BlockRunner) -> None:
    assert detections.class_names(replaced(run, list("abcde"))) == ["a", "b", "c"]


@pytest.mark.parametrize("answers", [[], [None, None, None]])
def test_no_answers_leave_an_empty_table_of_the_same_image(run: BlockRunner, answers: list[Any]) -> None:
    found = replaced(run, answers)
    assert (len(found), detections.image_size(found)) == (0, (60, 80))


def test_no_objects_at_all(run: BlockRunner) -> None:
    assert replaced(run, ["a"], objects=None) is None
    assert len(replaced(run, ["a"], objects=detections.empty(IMAGE.ancestry))) == 0


@pytest.mark.parametrize("broken", [{"predictions": [{"class": "a"}], "top": "a"}, {"predictions": 3, "top": "a"}])
def test_what_is_no_classification_is_refused(run: BlockRunner, broken: dict[str, Any]) -> None:
    with pytest.raises(BlockError, match="A classification lacks"):
        replaced(run, [{"parent_id": IDS[0], **broken}])
