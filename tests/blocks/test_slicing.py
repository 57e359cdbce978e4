"""Tiles: where they lie, and how what is found on them comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.slicing import TILES, image_slicer
from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, dense, picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image
from workflow_engine.workflow import Engine

IMAGE = picture(60, 80)


def places(slices: list[dict[str, Image]]) -> list[tuple[int, int, int, int]]:
    """x, y, width and height of every tile in its parent."""
    return [(*one["slices"].ancestry.parent_offset, one["slices"].width, one["slices"].height) for one in slices]


def slices(run: BlockRunner, image: Image = IMAGE, block: str = "core/image_slicer@v1", **fields: Any) -> Any:
    without_overlap = {"overlap_ratio_width": 0, "overlap_ratio_height": 0}
    return run(block, image=image, **{**without_overlap, **fields})


def seen_on(tile: Image, objects: Detections) -> Detections:
    """What a model would find on a tile: the objects as far as they show there."""
    x, y = tile.ancestry.parent_offset
    parts = [
        detections.crop(objects, index, x, y, x + tile.width, y + tile.height, tile.ancestry)
        for index in range(len(objects))
    ]
    shown = []
    for part in parts:
        assert part.mask is not None
        pixels, left, top = masks.window(part.mask, 0)
        if pixels.any():
            rows, columns = np.nonzero(pixels)
            box = [left + columns.min(), top + rows.min(), left + columns.max() + 1, top + rows.max() + 1]
            shown.append(detections.replace(part, xyxy=np.array([box], dtype=float)))
    return detections.merge([detections.empty(tile.ancestry, masks=True), *shown])


def test_tiles_at_the_border_keep_their_size(run: BlockRunner) -> None:
    found = slices(run, slice_width=50, slice_height=40, overlap_ratio_width=0.2)
    assert places(found) == [(0, 0, 50, 40), (30, 0, 50, 40), (0, 20, 50, 40), (30, 20, 50, 40)]
    np.testing.assert_array_equal(found[3]["slices"].pixels, IMAGE.pixels[20:60, 30:80])
    assert len({one["slices"].ancestry.id for one in found}) == 4


def test_tiles_at_the_border_are_cut_off_in_the_older_block(run: BlockRunner) -> None:
    found = run(
        "roboflow_core/image_slicer@v1",
        images=IMAGE,
        slice_width=50,
        slice_height=40,
        overlap_ratio_width=0.2,
        overlap_ratio_height=0.25,
    )
    assert places(found)[:2] == [(0, 0, 50, 40), (40, 0, 40, 40)]
    assert places(found)[2:] == [(0, 30, 50, 30), (40, 30, 40, 30)]


def test_a_tile_larger_than_the_image_is_the_image(run: BlockRunner) -> None:
    assert places(slices(run, slice_width=640, slice_height=640, overlap_ratio_width=0.5)) == [(0, 0, 80, 60)]


def test_tiles_of_a_crop_know_the_whole_way(run: BlockRunner) -> None:
    crop = IMAGE.crop(10, 20, 60, 60, id="crop")
    assert crop is not None
    last = slices(run, crop, slice_width=30, slice_height=40)[-1]["slices"]
    assert (last.ancestry.parent_offset, last.ancestry.root_offset) == ((20, 0), (30, 20))


def test_absurd_tiles_are_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="10100 tiles"):
        slices(run, picture(101, 100), slice_width=1, slice_height=1)
    # A ratio that an earlier step computed reaches the block as it is.
    sizes: dict[str, Any] = {"slice_width": 40, "slice_height": 40, "overlap_ratio_height": 0.0, "border": "cut off"}
    with pytest.raises(BlockError, match="would never move on"):
        image_slicer(IMAGE, overlap_ratio_width=1.0, **sizes)


@pytest.mark.parametrize("strategy", ["none", "nms", "nmm"])
def test_an_object_on_one_tile_comes_back_as_it_was(run: BlockRunner, strategy: str) -> None:
    objects = table(IMAGE, [(10, 12, 30, 35), (50, 5, 70, 25)])
    tiles = [one["slices"] for one in slices(run, slice_width=40, slice_height=60)]
    found = run(
        "core/detections_stitch@v1",
        reference_image=IMAGE,
        predictions=[seen_on(tile, objects) for tile in tiles],
        overlap_filtering_strategy=strategy,
    )["predictions"]
    order = np.argsort(found.xyxy[:, 0])
    for index, row in enumerate(order):
        np.testing.assert_array_equal(dense(found, int(row)), dense(objects, index))
    assert detections.class_names(found.select(order)) == ["bolt", "nut"]
    assert detections.ancestry_of(found) == IMAGE.ancestry
    assert found.data["parent_id"].tolist() == ["image", "image"]


def test_an_object_cut_by_two_tiles_becomes_one_again(run: BlockRunner) -> None:
    objects = table(IMAGE, [(20, 10, 65, 50)])
    tiles = [one["slices"] for one in slices(run, slice_width=50, slice_height=60, overlap_ratio_width=0.5)]
    parts = [seen_on(tile, objects) for tile in tiles]
    assert [len(part) for part in parts] == [1, 1, 1]
    fields = {"reference_image": IMAGE, "predictions": parts, "iou_threshold": 0.3}
    whole = run("core/detections_stitch@v1", **fields, overlap_filtering_strategy="nmm", overlap_metric="IOS")
    assert len(whole["predictions"]) == 1
    np.testing.assert_array_equal(dense(whole["predictions"], 0), dense(objects, 0))
    assert whole["predictions"].xyxy.tolist() == [[20, 10, 60, 50]]
    surest = run("core/detections_stitch@v1", **fields, overlap_filtering_strategy="nms", overlap_metric="IOS")
    assert len(surest["predictions"]) == 1
    assert len(run("core/detections_stitch@v1", **fields, overlap_filtering_strategy="none")["predictions"]) == 3


def test_objects_of_other_classes_stay_apart(run: BlockRunner) -> None:
    first = table(IMAGE, [(20, 10, 60, 50)], names=["bolt"])
    second = table(IMAGE, [(20, 10, 60, 50)], names=["nut"])
    for strategy in ("nms", "nmm"):
        found = run(
            "core/detections_stitch@v1",
            reference_image=IMAGE,
            predictions=[first, second],
            overlap_filtering_strategy=strategy,
        )
        assert sorted(detections.class_names(found["predictions"])) == ["bolt", "nut"]


def test_boxes_without_masks_are_told_apart_by_their_boxes(run: BlockRunner) -> None:
    objects = table(IMAGE, [(10, 10, 30, 30), (11, 10, 31, 30)], names=["bolt", "bolt"], with_masks=False)
    found = run("core/detections_stitch@v1", reference_image=IMAGE, predictions=[objects])["predictions"]
    assert found.xyxy.tolist() == [[10, 10, 30, 30]]


def test_a_crowd_on_many_tiles_keeps_every_mask_within_the_image(run: BlockRunner) -> None:
    objects = crowd(IMAGE, 30)
    tiles = [one["slices"] for one in slices(run, slice_width=30, slice_height=30, overlap_ratio_width=0.3)]
    predictions = [seen_on(tile, objects) for tile in tiles]
    found = run(
        "core/detections_stitch@v1",
        reference_image=IMAGE,
        predictions=predictions,
        overlap_filtering_strategy="nmm",
        overlap_metric="IOS",
        iou_threshold=0.1,
    )["predictions"]
    assert found.mask is not None
    assert masks.image_size(found.mask) == (60, 80)
    covered = np.any([dense(found, index) for index in range(len(found))], axis=0)
    np.testing.assert_array_equal(covered, np.any([dense(objects, index) for index in range(30)], axis=0))


NOWHERE = detections.replace(detections.empty(IMAGE.ancestry), metadata={})
"""What nothing found is when its JSON tells no size."""


@pytest.mark.parametrize("predictions", [[], [detections.empty(IMAGE.ancestry, masks=True)] * 2, [NOWHERE]])
def test_nothing_found_keeps_the_size_of_the_image(run: BlockRunner, predictions: list[Detections]) -> None:
    found = run("core/detections_stitch@v1", reference_image=IMAGE, predictions=predictions)["predictions"]
    assert (len(found), detections.image_size(found)) == (0, (60, 80))


def test_tables_that_do_not_go_together_are_refused(run: BlockRunner) -> None:
    masked, plain = table(IMAGE, [(1, 1, 9, 9)]), table(IMAGE, [(1, 1, 9, 9)], with_masks=False)
    with pytest.raises(BlockError, match="1 of 2 tiles have masks"):
        run("core/detections_stitch@v1", reference_image=IMAGE, predictions=[masked, plain])
    with pytest.raises(BlockError, match="do not say where"):
        run("core/detections_stitch@v1", reference_image=IMAGE, predictions=[detections.replace(plain, metadata={})])


def test_a_workflow_finds_on_tiles_what_lies_on_the_image(run: BlockRunner) -> None:
    """Four marks, one of them on the border of the tiles, found by their looks on each tile."""
    mark = np.random.default_rng(9).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    pixels = np.full((60, 80, 3), 128, np.uint8)
    places = [(3, 5), (36, 26), (70, 2), (61, 50)]
    for x, y in places:
        pixels[y : y + 8, x : x + 8] = mark
    tiles = {"slice_width": 40, "slice_height": 30, "overlap_ratio_width": 0.3, "overlap_ratio_height": 0.3}
    steps = [
        {"type": "core/image_slicer@v1", "name": "tiles", "image": "$inputs.image", **tiles},
        {
            "type": "core/template_matching@v1",
            "name": "marks",
            "image": "$steps.tiles.slices",
            "template": "$inputs.mark",
            "matching_threshold": 0.95,
        },
        {
            "type": "core/detections_stitch@v1",
            "name": "whole",
            "reference_image": "$inputs.image",
            "predictions": "$steps.marks.predictions",
        },
    ]
    workflow = {
        "version": "1.0",
        "inputs": [{"type": "WorkflowImage", "name": "image"}, {"type": "WorkflowParameter", "name": "mark"}],
        "steps": steps,
        "outputs": [{"type": "JsonField", "name": "found", "selector": "$steps.whole.predictions"}],
    }
    engine = Engine(run.context.settings, registry=run.registry)
    session = engine.session(engine.compile(workflow))
    (outputs,) = session.run({"image": pixels, "mark": Image.from_array(mark)}, serialised=True).outputs
    rows = outputs["found"]["predictions"]
    corners = [(row["x"] - row["width"] / 2, row["y"] - row["height"] / 2) for row in rows]
    assert sorted(corners) == sorted(places)
    assert {row["parent_id"] for row in rows} == {"image"}
    assert outputs["found"]["image"] == {"width": 80, "height": 60}


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    tile=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    overlap=st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)),
    border=st.sampled_from(sorted(TILES)),
)
def test_tiles_lie_within_the_image_and_leave_nothing_out(
    size: tuple[int, int], tile: tuple[int, int], overlap: tuple[float, float], border: str
) -> None:
    covered = np.zeros(size, dtype=bool)
    for one in image_slicer(
        picture(*size),
        slice_width=tile[1],
        slice_height=tile[0],
        overlap_ratio_width=overlap[1],
        overlap_ratio_height=overlap[0],
        border=border,
    ):
        part = one["slices"]
        assert part is not None
        x, y = part.ancestry.parent_offset
        if border == "full size":
            assert part.ancestry.size == (min(tile[0], size[0]), min(tile[1], size[1]))
        covered[y : y + part.height, x : x + part.width] = True
    assert covered.all()
