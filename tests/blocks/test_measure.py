"""Areas, sizes and distances."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections

IMAGE = picture(120, 160)


def turned(angle: float, size: tuple[int, int] = (60, 20)) -> Detections:
    """One object whose mask is a rectangle turned by an angle, in an image of 120 x 160."""
    corners = cv2.boxPoints(((80, 60), size, angle))
    one = table(IMAGE, [(*corners.min(axis=0), *corners.max(axis=0))])
    return detections.replace(one, mask=masks.from_polygons([corners], (120, 160)))


def test_the_area_of_masks_in_pixels_and_units(run: BlockRunner) -> None:
    objects = table(IMAGE, [(10, 10, 30, 40), (50, 50, 54, 54)])
    found = run("core/mask_area_measurement@v1", predictions=objects, pixels_per_unit=2)["predictions"]
    assert objects.mask is not None
    assert found.data["area_px"].tolist() == masks.area(objects.mask).tolist()
    assert found.data["area_converted"].tolist() == [area / 4 for area in found.data["area_px"]]
    assert "area_px" not in objects.data


@pytest.mark.parametrize("unit", [0, -3])
def test_the_box_stands_in_for_an_empty_mask_and_one_for_a_senseless_unit(run: BlockRunner, unit: int) -> None:
    boxes = table(IMAGE, [(10, 10, 30, 40)], with_masks=False)
    for objects in (boxes, detections.with_masks(boxes, (120, 160))):
        found = run("core/mask_area_measurement@v1", predictions=objects, pixels_per_unit=unit)["predictions"]
        assert (found.data["area_px"].tolist(), found.data["area_converted"].tolist()) == ([600], [600])


def sizes(run: BlockRunner, objects: Detections, reference: Any, dimensions: Any) -> Any:
    return run(
        "core/size_measurement@v1",
        object_predictions=objects,
        reference_predictions=reference,
        reference_dimensions=dimensions,
    )["dimensions"]


@pytest.mark.parametrize("dimensions", ["6, 2", [6, 2]])
def test_boxes_are_measured_with_the_surest_reference(run: BlockRunner, dimensions: Any) -> None:
    objects = table(IMAGE, [(0, 0, 30, 40)], with_masks=False)
    boxes = [(0, 0, 5, 5), (0, 0, 60, 20)]
    reference = table(IMAGE, boxes, confidence=[0.3, 0.9], with_masks=False)
    assert sizes(run, objects, reference, dimensions) == [{"width": 3, "height": 4, "longer": 4, "shorter": 3}]


def test_a_polygon_is_a_reference_too(run: BlockRunner) -> None:
    objects = table(IMAGE, [(0, 0, 30, 40)], with_masks=False)
    (size,) = sizes(run, objects, [[10, 10], [70, 10], [70, 30], [10, 30]], "6,2")
    assert size == pytest.approx({"width": 3, "height": 4, "longer": 4, "shorter": 3})


@pytest.mark.parametrize(("angle", "width", "height"), [(0, 6, 2), (30, 6, 2), (60, 2, 6), (90, 2, 6), (120, 2, 6)])
def test_the_side_closest_to_the_horizontal_is_the_width(
    run: BlockRunner, angle: float, width: float, height: float
) -> None:
    reference = table(IMAGE, [(0, 0, 10, 10)], with_masks=False)
    (size,) = sizes(run, turned(angle), reference, [1, 1])
    assert (size["width"], size["height"]) == pytest.approx((width, height), abs=0.15)
    assert (size["longer"], size["shorter"]) == (max(size["width"], size["height"]), min(size["width"], size["height"]))


def test_what_has_no_area_has_no_size(run: BlockRunner) -> None:
    objects = detections.with_masks(table(IMAGE, [(0, 0, 30, 40)], with_masks=False), (120, 160))
    assert sizes(run, objects, table(IMAGE, [(0, 0, 10, 10)]), [1, 1]) == [None]
    flat = table(IMAGE, [(5, 5, 5, 9)], with_masks=False)
    for reference in (detections.empty(IMAGE.ancestry), flat, objects, [[1, 1], [5, 5]], []):
        assert sizes(run, objects, reference, [1, 1]) is None


@pytest.mark.parametrize("dimensions", ["5.0", "5,0", "a,b", "1,2,3"])
def test_a_size_that_is_none_is_refused(run: BlockRunner, dimensions: str) -> None:
    with pytest.raises(BlockError, match="two positive numbers"):
        sizes(run, turned(0), turned(0), dimensions)


def test_a_reference_that_is_no_polygon_is_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="must be a polygon"):
        sizes(run, turned(0), [[1, 2, 3], [4, 5, 6]], [1, 1])


def distance(run: BlockRunner, objects: Detections, axis: str = "horizontal", **fields: Any) -> Any:
    calibration = {"calibration_method": "pixel to centimeter", "pixel_ratio": 10, **fields}
    return run(
        "core/distance_measurement@v1",
        predictions=objects,
        object_1_class_name="bolt",
        object_2_class_name="nut",
        reference_axis=axis,
        **calibration,
    )


@pytest.mark.parametrize("names", [["bolt", "nut"], ["nut", "bolt"]])
def test_the_gap_between_the_nearest_edges(run: BlockRunner, names: list[str]) -> None:
    objects = table(IMAGE, [(10.4, 10, 30.4, 40), (55, 60, 70, 80)], names=names)
    assert distance(run, objects) == {"distance_cm": 2.5, "distance_pixel": 25}
    assert distance(run, objects, "vertical") == {"distance_cm": 2.0, "distance_pixel": 20}


def test_no_gap_on_the_axis_is_no_distance(run: BlockRunner) -> None:
    objects = table(IMAGE, [(10, 10, 30, 40), (20, 60, 70, 80)])
    assert distance(run, objects) == {"distance_cm": 0, "distance_pixel": 0}
    assert distance(run, objects, "vertical")["distance_pixel"] == 20


def test_rows_count_up_to_where_both_classes_have_been_met(run: BlockRunner) -> None:
    boxes = [(0, 0, 10, 10), (20, 0, 30, 10), (50, 0, 60, 10), (90, 0, 99, 10)]
    objects = table(IMAGE, boxes, names=["bolt", "bolt", "nut", "bolt"])
    assert distance(run, objects)["distance_pixel"] == 20


def test_an_object_of_known_size_calibrates(run: BlockRunner) -> None:
    boxes = [(10, 10, 30, 40), (55, 60, 70, 80), (100, 100, 110, 120)]
    objects = table(IMAGE, boxes, names=["bolt", "nut", "washer"])
    by_reference: dict[str, Any] = {
        "calibration_method": "reference object",
        "reference_width": 1,
        "reference_height": 1,
    }
    found = distance(run, objects, **by_reference, reference_object_class_name="washer")
    assert found == {"distance_cm": 25 / 15, "distance_pixel": 25}
    assert distance(run, objects, **by_reference) == {"distance_cm": None, "distance_pixel": 25}


def test_a_missing_class_gives_nothing(run: BlockRunner) -> None:
    for objects in (table(IMAGE, [(10, 10, 30, 40)]), detections.empty(IMAGE.ancestry)):
        assert distance(run, objects) == {"distance_cm": None, "distance_pixel": None}


def test_distances_are_rounded_half_to_even(run: BlockRunner) -> None:
    objects = table(IMAGE, [(0, 0, 10.5, 10), (20.5, 0, 30, 10)])
    assert distance(run, objects)["distance_pixel"] == int(np.rint(20.5) - np.rint(10.5))
