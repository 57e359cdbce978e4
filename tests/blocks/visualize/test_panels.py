"""Pictures in pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine import Engine
from workflow_engine.errors import BlockError
from workflow_engine.settings import load
from workflow_engine.vision.image import Image

PLAIN = Image.from_array(np.full((60, 80, 3), 50, dtype=np.uint8))
RED = Image.from_array(np.tile(np.array([0, 0, 255], dtype=np.uint8), (10, 10, 1)))


def red_pixels(result: dict[str, Image]) -> NDArray[np.bool_]:
    red: NDArray[np.bool_] = (result["image"].pixels == (0, 0, 255)).all(axis=2)
    return red


def extent(marked: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(marked)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def test_a_crop_is_enlarged_onto_its_object(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(30, 30, 40, 40)])
    fields = {"position": "CENTER", "scale_factor": 2.0, "border_thickness": 1}
    pixels = run("core/crop_visualization@v1", image=image, predictions=objects, **fields)["image"].pixels
    changed = (pixels != image.pixels).any(axis=2)
    assert extent(changed) == (25, 25, 46, 46)
    assert pixels[25, 30].tolist() == [251, 81, 163]
    inner = pixels[27:44, 27:44].astype(float)
    assert abs(inner.mean() - image.pixels[31:39, 31:39].mean()) < 12


def test_crops_are_taken_from_the_image_as_it_was(run: BlockRunner) -> None:
    image = PLAIN
    objects = table(image, [(10, 10, 20, 20), (12, 12, 22, 22)])
    pixels = run("core/crop_visualization@v1", image=image, predictions=objects, border_thickness=1)["image"].pixels
    assert (pixels[0, 8:20] == 50).all()


def test_a_crop_too_small_to_see_is_left_out(run: BlockRunner) -> None:
    objects = table(PLAIN, [(10, 10, 12, 12)], with_masks=False)
    result = run("core/crop_visualization@v1", image=PLAIN, predictions=objects, scale_factor=0.4)
    assert (result["image"].pixels == 50).all()


def test_a_crop_too_large_to_make_is_refused(run: BlockRunner) -> None:
    image = picture(900, 900)
    objects = table(image, [(-5, -5, 905, 905)], with_masks=False)
    with pytest.raises(BlockError, match="at most 100000000"):
        run("core/crop_visualization@v1", image=image, predictions=objects, scale_factor=20.0)


@pytest.mark.parametrize(
    ("at", "expected"), [((5, 7), (5, 7, 25, 27)), ((-5, -7), (55, 33, 75, 53)), ((70, 50), (70, 50, 80, 60))]
)
def test_an_icon_at_one_place(run: BlockRunner, at: tuple[int, int], expected: tuple[int, ...]) -> None:
    place = {"x_position": at[0], "y_position": at[1], "icon_width": 20, "icon_height": 20}
    assert (
        extent(red_pixels(run("core/icon_visualization@v1", image=PLAIN, icon=RED, mode="static", **place))) == expected
    )


def test_an_icon_keeps_its_proportions(run: BlockRunner) -> None:
    fields = {"mode": "static", "x_position": 0, "y_position": 0, "icon_width": 40, "icon_height": 20}
    marked = red_pixels(run("core/icon_visualization@v1", image=PLAIN, icon=RED, **fields))
    assert extent(marked) == (10, 0, 30, 20)


def test_an_icon_on_every_object(run: BlockRunner) -> None:
    objects = table(PLAIN, [(10, 20, 30, 40), (60, 30, 70, 50)])
    fields: dict[str, Any] = {"icon_width": 4, "icon_height": 4, "position": "CENTER"}
    marked = red_pixels(run("core/icon_visualization@v1", image=PLAIN, icon=RED, predictions=objects, **fields))
    assert marked.sum() == 32
    assert marked[28:32, 18:22].all()
    assert marked[38:42, 63:67].all()
    assert not red_pixels(run("core/icon_visualization@v1", image=PLAIN, icon=RED, **fields)).any()


def test_an_icon_shows_the_image_through(run: BlockRunner) -> None:
    alpha = np.full((10, 10), 255, dtype=np.uint8)
    alpha[:, :5], alpha[5:] = 0, 51
    icon = replace(RED, alpha=alpha)
    place = {"mode": "static", "x_position": 0, "y_position": 0, "icon_width": 10, "icon_height": 10}
    pixels = run("core/icon_visualization@v1", image=PLAIN, icon=icon, **place)["image"].pixels
    assert pixels[2, 2].tolist() == [50, 50, 50]
    assert pixels[2, 7].tolist() == [0, 0, 255]
    assert pixels[8, 7].tolist() == [40, 40, 91]


def test_a_grid_has_as_many_columns_as_rows(run: BlockRunner) -> None:
    images = [Image.from_array(np.full((20, 40, 3), value, dtype=np.uint8), id=str(value)) for value in (10, 20, 30)]
    shown = run("core/grid_visualization@v1", images=images, width=80, height=80)["image"]
    assert shown.pixels.shape == (80, 80, 3)
    assert [int(shown.pixels[y, x, 0]) for y, x in ((20, 20), (20, 60), (60, 20), (60, 60))] == [10, 20, 30, 0]
    assert (shown.pixels[:10] == 0).all(), "a flat picture is in the middle of its cell"
    assert shown.ancestry.id == "10"


def test_a_grid_takes_grey_pictures_and_leaves_cells_of_missing_ones_empty(run: BlockRunner) -> None:
    grey = Image.from_array(np.full((20, 20), 200, dtype=np.uint8))
    shown = run("core/grid_visualization@v1", images=[None, grey], width=40, height=40)["image"].pixels
    assert (shown[:20, :20] == 0).all()
    assert (shown[:20, 20:] == 200).all()
    empty = run("core/grid_visualization@v1", images=[None], width=40, height=40)["image"]
    assert not empty.pixels.any()


def test_a_grid_of_something_else_is_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="images only; found str"):
        run("core/grid_visualization@v1", images=["photo.jpg"])


def through_the_engine(*steps: dict[str, Any]) -> Any:
    engine = Engine(load({"HOME": "/nowhere"}))
    outputs = [{"type": "JsonField", "name": "image", "selector": f"$steps.{steps[-1]['name']}.image"}]
    inputs = [{"type": "WorkflowImage", "name": "image"}]
    document = {"version": "1.0", "inputs": inputs, "steps": list(steps), "outputs": outputs}
    (result,) = engine.session(engine.compile(document)).run({"image": PLAIN.pixels}, serialised=False).outputs
    return result["image"]


def test_a_document_may_say_that_there_are_no_objects() -> None:
    step = {"type": "IconVisualization", "name": "icon", "mode": "static", "predictions": None}
    assert through_the_engine(step | {"image": "$inputs.image", "icon": "$inputs.image"}).width == 80


def test_a_grid_of_the_images_of_a_list() -> None:
    size = {"slice_width": 40, "slice_height": 30}
    slices = {"type": "roboflow_core/image_slicer@v1", "name": "slices", "image": "$inputs.image", **size}
    listed = {"type": "core/dimension_collapse@v1", "name": "list", "data": "$steps.slices.slices"}
    grid = {"type": "roboflow_core/grid_visualization@v1", "name": "grid", "width": 64, "height": 64}
    shown = through_the_engine(slices, listed, grid | {"images": "$steps.list.output"})
    assert shown.pixels.shape == (64, 64, 3)
    assert (shown.pixels == 50).any()
