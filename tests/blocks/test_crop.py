"""Cropping: what is cut, what stays of it, and where it says it came from."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image, VideoMetadata


def test_one_crop_per_object_in_order_rounded_half_to_even(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(10.5, 11.5, 30.2, 40.7), (2, 3, 9, 8)])
    first, second = run("core/dynamic_crop@v1", images=image, predictions=objects)
    np.testing.assert_array_equal(first["crops"].pixels, image.pixels[12:41, 10:30])
    np.testing.assert_array_equal(second["crops"].pixels, image.pixels[3:8, 2:9])


def test_a_crop_knows_where_it_lies(run: BlockRunner) -> None:
    outer = picture().crop(5, 6, 75, 56, id="outer")
    assert outer is not None
    objects = table(outer, [(10, 12, 30, 40)])
    (result,) = run("core/dynamic_crop@v1", images=outer, predictions=objects)
    ancestry = result["crops"].ancestry
    assert ancestry.id == detections.detection_ids(objects)[0]
    assert (ancestry.parent_offset, ancestry.parent_size) == ((10, 12), (50, 70))
    assert (ancestry.root_id, ancestry.root_offset, ancestry.root_size) == ("image", (15, 18), (60, 80))


def test_the_object_is_given_in_the_crop_s_coordinates(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(10, 12, 30, 40)])
    (result,) = run("core/dynamic_crop@v1", images=image, predictions=objects)
    found = result["predictions"]
    assert found.xyxy.tolist() == [[0, 0, 20, 28]]
    assert found.data["parent_id"].tolist() == [result["crops"].ancestry.id]
    assert detections.ancestry_of(found) == result["crops"].ancestry
    np.testing.assert_array_equal(dense(found, 0), dense(objects, 0)[12:40, 10:30])
    np.testing.assert_array_equal(dense(detections.to_root(found), 0), dense(objects, 0))


def test_a_box_over_the_edge_is_clamped_and_one_outside_gives_nothing(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(-8, -5, 20, 30), (100, 100, 120, 130)])
    inside, outside = run("core/dynamic_crop@v1", images=image, predictions=objects)
    np.testing.assert_array_equal(inside["crops"].pixels, image.pixels[:30, :20])
    assert inside["predictions"].xyxy.tolist() == [[-8, -5, 20, 30]]
    assert outside == {"crops": None, "predictions": None}


def test_no_objects_no_crops(run: BlockRunner) -> None:
    image = picture()
    assert run("core/dynamic_crop@v1", images=image, predictions=detections.empty(image.ancestry)) == []


@pytest.mark.parametrize("grey", [False, True])
def test_the_background_is_mixed_with_a_colour(run: BlockRunner, grey: bool) -> None:
    image = picture(grey=grey)
    objects = table(image, [(10, 12, 30, 40)])
    options = {"mask_opacity": 0.25, "background_color": [200, 100, 0]}
    (result,) = run("core/dynamic_crop@v1", images=image, predictions=objects, **options)
    inside = dense(objects, 0)[12:40, 10:30]
    pixels = image.pixels[12:40, 10:30].astype(float)
    pixels = np.repeat(pixels[..., None], 3, axis=2) if grey else pixels
    expected = np.where(inside[..., None], pixels, 0.75 * pixels + 0.25 * np.array([0, 100, 200]))
    assert np.abs(result["crops"].pixels - expected).max() <= 0.5


def test_objects_without_masks_keep_their_background(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(10, 12, 30, 40)], with_masks=False)
    (result,) = run("core/dynamic_crop@v1", images=image, predictions=objects, mask_opacity=1)
    np.testing.assert_array_equal(result["crops"].pixels, image.pixels[12:40, 10:30])


def test_an_unreadable_colour_is_refused_even_without_objects(run: BlockRunner) -> None:
    image = picture()
    with pytest.raises(BlockError, match="'mauve' is not a colour"):
        run(
            "core/dynamic_crop@v1",
            images=image,
            predictions=detections.empty(image.ancestry),
            background_color="mauve",
        )


def test_a_fixed_rectangle_in_pixels(run: BlockRunner) -> None:
    image = picture()
    crop = run("core/absolute_static_crop@v1", images=image, x_center=40, y_center=30, width=21, height=10)["crops"]
    np.testing.assert_array_equal(crop.pixels, image.pixels[25:35, 30:51])
    assert crop.ancestry.id.startswith("absolute_static_crop.")
    assert crop.ancestry.parent_offset == (30, 25)


def test_a_fixed_rectangle_is_clamped_and_nothing_outside(run: BlockRunner) -> None:
    image = picture()
    corner = {"x_center": 2, "y_center": 2, "width": 20, "height": 20}
    crop = run("core/absolute_static_crop@v1", images=image, **corner)["crops"]
    np.testing.assert_array_equal(crop.pixels, image.pixels[:12, :12])
    assert run("core/absolute_static_crop@v1", images=image, **(corner | {"x_center": 500}))["crops"] is None


@pytest.mark.parametrize(
    "name", ["core/relative_static_crop@v1", "roboflow_core/relative_statoic_crop@v1", "RelativeStaticCrop"]
)
def test_a_fixed_rectangle_in_fractions_is_clamped(run: BlockRunner, name: str) -> None:
    image = picture()
    crop = run(name, images=image, x_center=0.1, y_center=0.5, width=0.5, height=0.3)["crops"]
    np.testing.assert_array_equal(crop.pixels, image.pixels[21:39, :28])
    assert crop.ancestry.id.startswith("relative_static_crop.")


def test_a_fixed_crop_of_a_frame_is_a_video_of_its_own(run: BlockRunner) -> None:
    video = VideoMetadata(video_identifier="line 1", frame_number=7, frame_timestamp=datetime(2026, 1, 1), fps=25)
    frame = Image.from_array(picture().pixels, video=video)
    crop = run("core/relative_static_crop@v1", images=frame, x_center=0.5, y_center=0.5, width=0.5, height=0.5)["crops"]
    assert crop.video.video_identifier == f"line 1 | crop: {crop.ancestry.id}"
    assert (crop.video.frame_number, crop.video.fps) == (7, 25)
