"""Average precision on counted cases, and what a dataset's file must be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workflow_engine import coco
from workflow_engine.coco import Dataset, Found, average_precision
from workflow_engine.errors import InputError, WorkflowError
from workflow_engine.vision import masks


def square(x: int, y: int, side: int) -> dict[str, Any]:
    table = masks.from_windows([(np.ones((side, side), dtype=np.bool_), x, y)], (100, 100))
    return masks.to_rle(table, 0)


def lying(category: int, x: int, y: int, side: int = 40) -> dict[str, Any]:
    polygon = [x, y, x + side, y, x + side, y + side, x, y + side]
    return {"image_id": 5, "category_id": category, "bbox": [x, y, side, side], "segmentation": [polygon]}


def found(category: int, x: int, y: int, *, score: float, side: int = 40) -> Found:
    mask = square(x, y, side)
    box = (float(x), float(y), float(side), float(side))
    return Found(image_id=5, category_id=category, score=score, bbox=box, mask=mask, area=side * side)


def dataset(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 5, "file_name": "five.png", "width": 100, "height": 100}],
        "annotations": list(annotations),
        "categories": [{"id": 3, "name": "nut"}, {"id": 9, "name": "Bolt"}],
        **more,
    }


TWO = Dataset.model_validate(dataset(lying(3, 0, 0), lying(9, 50, 50)))


@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_everything_found_and_nothing_else_is_one(kind: coco.Kind) -> None:
    figures = average_precision(TWO, [5], [found(3, 0, 0, score=0.9), found(9, 50, 50, score=0.1)], kind)
    assert (figures.ap, figures.ap50, figures.ap75, figures.ar) == (1, 1, 1, 1)
    assert (figures.ap_small, figures.ap_medium, figures.ap_large) == (None, 1, None)
    assert figures.classes == {3: (1, 1), 9: (1, 1)}


@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_nothing_found_is_nothing(kind: coco.Kind) -> None:
    figures = average_precision(TWO, [5], [], kind)
    assert (figures.ap, figures.ar) == (0, 0)


def test_one_of_two_classes_is_half_and_a_surer_wrong_one_halves_it_again() -> None:
    right, wrong = found(3, 0, 0, score=0.5), found(3, 50, 0, score=0.9)
    assert average_precision(TWO, [5], [right], "segm").ap == pytest.approx(0.5)
    assert average_precision(TWO, [5], [right, wrong], "segm").ap == pytest.approx(0.25)


def test_an_overlap_counts_up_to_itself() -> None:
    # 40 x 40 against 40 x 36 of it: an overlap of 0.9, so found at 9 of the 10 from 0.50 to 0.95.
    short = masks.to_rle(masks.from_windows([(np.ones((36, 40), dtype=np.bool_), 0, 0)], (100, 100)), 0)
    one = Found(image_id=5, category_id=3, score=1.0, bbox=(0.0, 0.0, 40.0, 36.0), mask=short, area=40 * 36)
    only = Dataset.model_validate(dataset(lying(3, 0, 0)))
    assert average_precision(only, [5], [one], "segm").ap == pytest.approx(0.9)
    assert average_precision(only, [5], [one], "bbox").ap == pytest.approx(0.9)


def test_a_class_without_objects_has_no_figure_and_pictures_not_looked_at_do_not_count() -> None:
    other = {**lying(3, 0, 0), "image_id": 6}
    pictures = [{"id": number, "file_name": f"{number}.png", "width": 100, "height": 100} for number in (5, 6)]
    two = Dataset.model_validate(dataset(lying(3, 0, 0), other, images=pictures))
    figures = average_precision(two, [5], [found(3, 0, 0, score=1.0)], "segm")
    assert figures.ap == 1
    assert figures.classes[9] == (None, None)
    assert average_precision(two, [5, 6], [found(3, 0, 0, score=1.0)], "segm").ap == pytest.approx(0.5, abs=0.01)


def test_a_dataset_keeps_its_first_pictures_and_knows_its_categories(tmp_path: Path) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(dataset(lying(3, 0, 0), info={}, licenses=[])))
    read = coco.read(path)
    assert read.has_masks
    assert read.by_name == {"nut": 3, "bolt": 9}
    assert len(read.first(None).images) == 1
    assert read.first(0).images == ()
    boxes_only = Dataset.model_validate(dataset({**lying(3, 0, 0), "segmentation": []}))
    assert not boxes_only.has_masks


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "at its beginning"),
        ("{}", "at images, field required"),
        (json.dumps(dataset({"image_id": 1, "category_id": 3, "bbox": [1, 2, 3]})), "at annotations/0/bbox/3"),
    ],
)
def test_what_is_no_dataset_is_said_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(content)
    with pytest.raises(InputError, match="is no dataset in COCO's format") as raised:
        coco.read(path)
    assert said in raised.value.problem.message


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"nowhere\.json cannot be read: no such file"):
        coco.read("nowhere.json")


def test_without_pycocotools_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coco, "find_spec", lambda _name: None)
    with pytest.raises(WorkflowError, match=r"pip install 'segflow\[evaluate\]'"):
        coco.require()
