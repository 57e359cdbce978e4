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
    assert len(read.lying_in([5])) == 1
    assert read.lying_in([6]) == []
    assert (read.astray, read.first(0).astray) == (0, 1)
    assert len(read.first(None).images) == 1
    assert read.first(0).images == ()


def test_a_category_goes_by_its_very_name_and_else_by_one_that_differs_in_case_and_blanks() -> None:
    names = ["bolt", "Bolt", " NUT ", "Nut"]
    named = Dataset.model_validate(dataset(categories=[{"id": i, "name": name} for i, name in enumerate(names)]))
    asked = ["bolt", "Bolt", "BOLT", "nut", "Nut", "Nut ", "screw"]
    assert [named.category_named(name) for name in asked] == [0, 1, 1, 3, 3, 3, None]


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        [[0, 0, 9.5, 0, 9, 9], [-1, 0, 120, 0, 9, 9, 5, 5]],
        square(0, 0, 40),
        {"size": [100, 100], "counts": [100, 50, 9850]},
    ],
)
def test_masks_as_coco_writes_them(tmp_path: Path, segmentation: Any) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(dataset({**lying(3, 0, 0), "segmentation": segmentation})))
    assert coco.read(path).annotations[0].segmentation == segmentation


POLYGON = "in the annotation 12, a polygon must be a list of numbers, x and y of three points or more"
IMAGE = {"id": 5, "file_name": "five.png", "width": 100, "height": 100}


@pytest.mark.parametrize(
    ("changed", "more", "said"),
    [
        ({"segmentation": [[1, 1, 9, 9]]}, {}, f"{POLYGON}; found 4 numbers"),
        ({"segmentation": [[0, 0, 9, 0, 9, 9], [0, 0, 9, 0, 9, 9, 1]]}, {}, f"{POLYGON}; found 7 numbers"),
        ({"segmentation": [[]]}, {}, f"{POLYGON}; found 0 numbers"),
        ({"segmentation": [1, 1, 9, 9, 1, 9]}, {}, f"{POLYGON}; found 1 in its place"),
        ({"segmentation": [[0, 0, 9, 0, 9, float("nan")]]}, {}, f"{POLYGON}, each from -1048576 to 1048576; found"),
        ({"segmentation": [[0, 0, 9, 0, 9, "9"]]}, {}, f"{POLYGON}, each from -1048576 to 1048576; found"),
        ({"segmentation": {"counts": "garbage"}}, {}, "in the annotation 12, a mask in run lengths must be {size: "),
        ({"segmentation": {"size": [100, 100], "counts": "gar bage"}}, {}, "not in COCO's compressed form"),
        ({"segmentation": {"size": [100, 100], "counts": [5, 5]}}, {}, "run lengths of a mask do not add up to"),
        ({"segmentation": {"size": [10, 10], "counts": [50, 50]}}, {}, "of size [10, 10] was given for an image of"),
        ({"category_id": 77}, {}, "the category_id 77 of the annotation 12 is no category's id"),
        ({"id": None, "category_id": 77}, {}, "the category_id 77 of the annotation at annotations/0 is no category's"),
        ({}, {"images": [IMAGE, IMAGE]}, "several images have the id 5"),
        ({}, {"categories": [{"id": 3, "name": "nut"}, {"id": 3, "name": "bolt"}]}, "several categories have the id 3"),
    ],
)
def test_what_does_not_go_together_is_said_when_the_file_is_read(
    tmp_path: Path, changed: dict[str, Any], more: dict[str, Any], said: str
) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(dataset({**lying(3, 0, 0), "id": 12, **changed}, **more)))
    with pytest.raises(InputError) as raised:
        coco.read(path)
    (problem,) = raised.value.problems
    assert problem.message.startswith(f"The dataset {path} cannot be used: ")
    assert said in problem.message


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
