"""A plane seen from straight above."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from blocks.perspective import quadrilateral
from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, dense, picture, table
from workflow_engine import Workflow
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.workflow import Engine

IMAGE = picture(120, 160)
PLANE = [[20, 100], [50, 20], [110, 20], [140, 100]]
SQUARE = [[30, 109], [30, 10], [129, 10], [129, 109]]


def corrected(run: BlockRunner, objects: Detections | None = None, plane: Any = None, **fields: Any) -> Any:
    size = {"transformed_rect_width": 100, "transformed_rect_height": 100}
    plane = SQUARE if plane is None else plane
    given = {"images": IMAGE, "predictions": objects, "perspective_polygons": plane}
    return run("core/perspective_correction@v1", **{**size, **given, **fields})


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("backwards", [False, True])
def test_corners_may_come_in_any_order(turn: int, backwards: bool) -> None:
    given = PLANE[::-1] if backwards else PLANE
    assert quadrilateral.read([*given[turn:], *given[:turn]]).tolist() == PLANE


@pytest.mark.parametrize(
    "given",
    [
        [PLANE],
        [[PLANE]],
        [[[0, 0], [5, 0], [0, 5]], [[1, 1], [9, 1], [9, 9], [1, 9]], PLANE],
        [np.array(PLANE)],
        np.array([PLANE]),
    ],
)
def test_the_largest_polygon_of_four_corners_is_taken(given: Any) -> None:
    assert quadrilateral.read(given).tolist() == PLANE


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[[0, 0], [5, 0], [0, 5]]], "None of the polygons has four corners"),
        ([[PLANE], [PLANE]], "one polygon, a list of points"),
        ([["a", "b"]], "one polygon, a list of points"),
        ([[0, 0], [1, 1], [2, 2], [0, 5]], "lie on a line"),
        ([[0, 0], [5, 0], [5, 5], [5, 5]], "lie on a line"),
    ],
)
def test_what_is_no_quadrilateral_is_refused(given: Any, message: str) -> None:
    with pytest.raises(BlockError, match=message):
        quadrilateral.read(given)


def test_an_upright_square_is_only_moved(run: BlockRunner) -> None:
    objects = table(IMAGE, [(40, 30, 60, 70)])
    result = corrected(run, objects, warp_image=True)
    np.testing.assert_array_equal(result["warped_image"].pixels, IMAGE.pixels[10:110, 30:130])
    found = result["corrected_coordinates"]
    assert found.xyxy.tolist() == [[10, 20, 29, 59]]  # the outline goes through the last pixels of the mask
    np.testing.assert_array_equal(dense(found, 0), dense(objects, 0)[10:110, 30:130])
    assert (result["extended_transformed_rect_width"], result["extended_transformed_rect_height"]) == (100, 100)


def test_corners_of_the_plane_become_those_of_the_rectangle(run: BlockRunner) -> None:
    boxes = [(x - 1, y - 1, x + 1, y + 1) for x, y in PLANE]
    objects = table(IMAGE, boxes, with_masks=False)
    found = corrected(run, objects, PLANE, transformed_rect_width=200)["corrected_coordinates"]
    centres = (found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2
    np.testing.assert_allclose(centres, [(0, 99), (0, 0), (199, 0), (199, 99)], atol=2.5)


def test_boxes_reach_beyond_and_masks_are_cut(run: BlockRunner) -> None:
    objects = table(IMAGE, [(20, 0, 140, 120)])
    found = corrected(run, objects)["corrected_coordinates"]
    assert found.xyxy.tolist() == [[-10, -10, 109, 109]]
    assert found.mask is not None
    assert masks.image_size(found.mask) == (100, 100)


def test_an_empty_mask_stays_empty_and_its_box_moves(run: BlockRunner) -> None:
    objects = detections.with_masks(table(IMAGE, [(40, 30, 60, 70)], with_masks=False), (120, 160))
    found = corrected(run, objects)["corrected_coordinates"]
    assert found.xyxy.tolist() == [[10, 20, 30, 60]]
    assert not dense(found, 0).any()


def test_points_move_along(run: BlockRunner) -> None:
    objects = detections.with_column(table(IMAGE, [(40, 30, 60, 70)]), "keypoints_xy", np.array([[(40.0, 30.0)]]))
    found = corrected(run, objects)["corrected_coordinates"]
    assert found.data["keypoints_xy"][0].tolist() == [[10, 20]]
    assert np.asarray(objects.data["keypoints_xy"]).tolist() == [[[40, 30]]]


def test_without_objects_there_is_the_image(run: BlockRunner) -> None:
    result = corrected(run)
    assert result["corrected_coordinates"] is None
    assert result["warped_image"] is IMAGE
    found = corrected(run, detections.empty(IMAGE.ancestry, masks=True))["corrected_coordinates"]
    assert (len(found), detections.image_size(found)) == (0, (120, 160))


@pytest.mark.parametrize("grey", [False, True])
def test_a_plane_is_warped_to_a_rectangle(run: BlockRunner, grey: bool) -> None:
    pixels = np.zeros((120, 160) if grey else (120, 160, 3), np.uint8)
    cv2.fillPoly(pixels, [np.array(PLANE)], 255 if grey else (255, 255, 255))
    image = IMAGE.with_pixels(pixels)
    warped = corrected(run, plane=PLANE, images=image, warp_image=True, transformed_rect_width=50)["warped_image"]
    assert warped.pixels.shape[:2] == warped.ancestry.size == (100, 50)
    assert warped.pixels.mean() > 245
    assert warped.ancestry.id == image.ancestry.id


@pytest.mark.parametrize(
    ("anchor", "box", "size"),
    [
        ("CENTER", (40, 30, 60, 70), (100, 100)),
        ("CENTER", (0, 30, 20, 70), (120, 100)),  # its centre lies 20 pixels left of a plane of 99
        ("BOTTOM_RIGHT", (40, 30, 149, 70), (120, 100)),
        ("BOTTOM_CENTER", (40, 30, 60, 119), (100, 110)),
        ("ALL", (10, 0, 60, 119), (120, 120)),
    ],
)
def test_the_plane_grows_to_contain_objects(run: BlockRunner, anchor: str, box: Any, size: tuple[int, int]) -> None:
    objects = table(IMAGE, [box], with_masks=False)
    result = corrected(run, objects, extend_perspective_polygon_by_detections_anchor=anchor, warp_image=True)
    assert (result["extended_transformed_rect_width"], result["extended_transformed_rect_height"]) == size
    assert (result["warped_image"].width, result["warped_image"].height) == size


def test_a_slanted_side_grows_along_its_neighbours(run: BlockRunner) -> None:
    """A point left of a trapezium: the side moves to it, its corners along top and bottom."""
    corners = quadrilateral.read(PLANE)
    objects = table(IMAGE, [(5, 55, 15, 65)], with_masks=False)
    found, growth = quadrilateral.grown(corners, objects, "CENTER")
    assert found[2:].tolist() == PLANE[2:]
    assert (found[:2, 1] == [100, 20]).all()
    assert growth == (20 - found[0, 0], 0)
    assert cv2.pointPolygonTest(found.astype(np.float32), (10, 60), True) == pytest.approx(0, abs=1)


def test_a_crowd_all_of_it_is_contained(run: BlockRunner) -> None:
    objects = crowd(IMAGE, 12, with_masks=False)
    fields = {"extend_perspective_polygon_by_detections_anchor": "ALL"}
    result = corrected(run, objects, **fields)
    width, height = result["extended_transformed_rect_width"], result["extended_transformed_rect_height"]
    boxes = result["corrected_coordinates"].xyxy
    assert boxes.min() >= -1
    assert (boxes[:, 2:] <= (width + 1, height + 1)).all()


def test_what_cannot_be_is_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="at most 40000000 are allowed"):
        corrected(run, transformed_rect_width=100_000, transformed_rect_height=100_000)
    objects = table(IMAGE, [(1, 1, 9, 9)], with_masks=False)
    with pytest.raises(BlockError, match="no centre of mass"):
        corrected(run, objects, extend_perspective_polygon_by_detections_anchor="CENTER_OF_MASS")


def test_the_zone_of_an_object_is_the_plane(run: BlockRunner) -> None:
    """Each image has its own plane: the zones of a step go from image to image with it."""
    pixels = np.zeros((2, 120, 160, 3), np.uint8)
    planes = [PLANE, [[30, 90], [40, 30], [120, 35], [150, 110]]]
    for one, plane in zip(pixels, planes, strict=True):
        cv2.fillPoly(one, [np.array(plane)], (255, 255, 255))
    tables = [
        detections.replace(table(IMAGE, [(0, 0, 160, 120)]), mask=masks.from_polygons([np.array(plane)], (120, 160)))
        for plane in planes
    ]
    steps = [
        {
            "type": "core/dynamic_zone@v1",
            "name": "zone",
            "predictions": "$inputs.court",
            "required_number_of_vertices": 4,
        },
        {
            "type": "core/perspective_correction@v1",
            "name": "above",
            "images": "$inputs.image",
            "perspective_polygons": "$steps.zone.zones",
            "transformed_rect_width": 60,
            "transformed_rect_height": 40,
            "warp_image": True,
        },
    ]
    court = {"type": "WorkflowBatchInput", "name": "court", "kind": ["instance_segmentation_prediction"]}
    workflow = {
        "version": "1.0",
        "inputs": [{"type": "WorkflowImage", "name": "image"}, court],
        "steps": steps,
        "outputs": [{"type": "JsonField", "name": "picture", "selector": "$steps.above.warped_image"}],
    }
    engine = Engine(run.context.settings, registry=run.registry)
    results = engine.session(engine.compile(workflow)).run({"image": list(pixels), "court": tables}).outputs
    for result in results:
        assert result["picture"].pixels.shape == (40, 60, 3)
        assert result["picture"].pixels.mean() > 245


@pytest.mark.parametrize("warp", [True, False])
def test_whether_to_warp_may_be_a_parameter_of_the_run(warp: bool) -> None:
    step = {
        "type": "roboflow_core/perspective_correction@v1",
        "name": "plane",
        "images": "$inputs.image",
        "perspective_polygons": [[0, 0], [30, 0], [30, 20], [0, 20]],
        "transformed_rect_width": 50,
        "transformed_rect_height": 60,
        "warp_image": "$inputs.warp",
    }
    document = {
        "version": "1.0",
        "inputs": [{"type": "WorkflowImage", "name": "image"}, {"type": "WorkflowParameter", "name": "warp"}],
        "steps": [step],
        "outputs": [{"type": "JsonField", "name": "image", "selector": "$steps.plane.warped_image"}],
    }
    shown = Workflow(document).run(image=np.zeros((40, 80, 3), np.uint8), warp=warp)["image"]
    assert (shown.width, shown.height) == ((50, 60) if warp else (80, 40))
