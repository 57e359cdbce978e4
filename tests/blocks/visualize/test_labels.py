"""What labels say, and where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from blocks.visualize.fonts import font_file
from blocks.visualize.label_texts import CONTENTS, label_texts
from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.errors import BlockError
from workflow_engine.registry import Registry, built_in
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image

LABEL = "core/label_visualization@v1"


def objects(**options: Any) -> Detections:
    boxes = [(10, 12, 30, 47), (40.6, 5, 60, 9.8)]
    return table(picture(), boxes, names=["nut", "bolt"], confidence=[0.875, 0.5], **options)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("Class", ["nut", "bolt"]),
        ("Confidence", ["0.88", "0.50"]),
        ("Class and Confidence", ["nut 0.88", "bolt 0.50"]),
        ("Index", ["0", "1"]),
        ("Dimensions", ["20, 29 20x35", "50, 7 19x4"]),
        ("Area", ["510", "15"]),
        ("Area (mask)", ["Area (mask): N/A"] * 2),
        ("Area (converted)", ["Area (conv): N/A"] * 2),
        ("Tracker Id", ["No Tracker ID"] * 2),
        ("Time In Zone", ["In zone: N/A"] * 2),
    ],
)
def test_the_texts_of_plain_objects(content: str, texts: list[str]) -> None:
    assert label_texts(objects(), content) == texts


def test_the_texts_of_what_other_blocks_add() -> None:
    found = objects(tracker_id=[7, 12])
    for name, values in {"area_px": [12, 3.5], "area_converted": [1.2, 0.4], "time_in_zone": [0, 1.234]}.items():
        found = detections.with_column(found, name, values)
    found = detections.with_column(found, "note", ["torn", ""])
    found = detections.with_column(found, "speed", np.array([1.5, 0.0]))
    assert label_texts(found, "Tracker Id") == ["7", "12"]
    assert label_texts(found, "Area (mask)") == ["Area (mask): 12.00", "Area (mask): 3.50"]
    assert label_texts(found, "Area (converted)") == ["Area (conv): 1.20", "Area (conv): 0.40"]
    assert label_texts(found, "Time In Zone") == ["In zone: N/A", "In zone: 1.23s"]
    assert label_texts(found, "note") == ["torn", ""]
    assert label_texts(found, "speed") == ["1.5", ""]


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(BlockError, match="cannot show 'weight'") as caught:
        label_texts(objects(), "weight")
    assert "Class and Confidence" in caught.value.hint
    assert "detection_id" in caught.value.hint
    assert label_texts(detections.empty(picture().ancestry), "weight") == []


def test_the_form_offers_every_content() -> None:
    manifest = Registry([built_in()]).step_type(LABEL).manifest
    assert [choice["const"] for choice in manifest.parameters.properties["text"]["x-choices"]] == list(CONTENTS)


def plate(run: BlockRunner, block: str = LABEL, **fields: Any) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Return the box (x1, y1, x2, y2) of the pixels that changed, and the picture."""
    image = picture(200, 300)
    pixels = run(block, image=image, **fields)["image"].pixels
    ys, xs = np.nonzero((pixels != image.pixels).any(axis=2))
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]), pixels


@pytest.mark.parametrize(
    ("position", "side"), [("TOP_LEFT", [100, None, None, 101]), ("BOTTOM_RIGHT", [None, 120, 181, None])]
)
def test_the_plate_stands_at_the_anchor(run: BlockRunner, position: str, side: list[int | None]) -> None:
    found = table(picture(200, 300), [(100, 100, 180, 120)], names=["nut"])
    box, pixels = plate(run, predictions=found, text_position=position, text_color="#00ff00")
    assert all(expected is None or expected == edge for expected, edge in zip(side, box.tolist(), strict=True))
    inside = pixels[box[1] : box[3], box[0] : box[2]].reshape(-1, 3)
    assert (64, 64, 255) in set(map(tuple, inside.tolist()))
    assert (inside[:, 1] > 200).any()


def test_the_centre_of_mass_is_the_mask_s_or_the_box_s(run: BlockRunner) -> None:
    image = picture(200, 300)
    for with_masks, center in ((True, (115, 140)), (False, (130, 130))):
        found = table(image, [(100, 100, 160, 160)], with_masks=with_masks)
        box, _ = plate(run, predictions=found, text_position="CENTER_OF_MASS", text_scale=0.3, text_padding=2)
        middle = (box[:2] + box[2:]) / 2
        assert np.abs(middle - center).max() <= 6, (with_masks, middle)


def test_automatic_size_follows_the_image(run: BlockRunner) -> None:
    found = table(picture(200, 300), [(50, 100, 180, 120)])
    manual, automatic = (
        plate(run, "roboflow_core/label_visualization@v2", predictions=found, text_size_mode=mode, text_scale=2)[0]
        for mode in ("Manual", "Automatic")
    )
    assert automatic[2] - automatic[0] < manual[2] - manual[0]


def test_a_grey_image_takes_the_colours(run: BlockRunner) -> None:
    image = picture(grey=True)
    assert run(LABEL, image=image, predictions=objects())["image"].pixels.shape == (60, 80, 3)


def rich(run: BlockRunner, **fields: Any) -> NDArray[np.bool_]:
    image = Image.from_array(np.full((120, 200, 3), 50, dtype=np.uint8))
    objects = table(image, [(60, 80, 100, 110)], names=["nut"], confidence=[0.87])
    pixels = run("core/rich_label_visualization@v1", image=image, predictions=objects, **fields)["image"].pixels
    changed: NDArray[np.bool_] = (pixels != 50).any(axis=2)
    return changed


def height(changed: NDArray[np.bool_]) -> int:
    return int(changed.any(axis=1).sum())


def width(changed: NDArray[np.bool_]) -> int:
    return int(changed.any(axis=0).sum())


def test_a_rich_label_grows_with_its_font(run: BlockRunner) -> None:
    small, large = rich(run, font_size=12), rich(run, font_size=30)
    assert width(large) > 1.5 * width(small)
    assert np.flatnonzero(small.any(axis=1)).max() <= 80, "above the box"


def test_a_rich_label_fits_the_image(run: BlockRunner) -> None:
    assert width(rich(run, text_size_mode="Automatic", font_size=14)) == width(rich(run, font_size=8))


def test_a_rich_label_is_wrapped(run: BlockRunner) -> None:
    one = rich(run, text="Class and Confidence", text_padding=4)
    two = rich(run, text="Class and Confidence", text_padding=4, max_line_length=4)
    assert height(two) > height(one)
    assert width(two) < width(one)


def test_an_unknown_letter_is_drawn_too(run: BlockRunner) -> None:
    image = Image.from_array(np.full((120, 200, 3), 50, dtype=np.uint8))
    objects = detections.with_column(table(image, [(60, 80, 100, 110)]), "class_name", ["Ж"])
    other = detections.with_column(objects, "class_name", ["Щ"])
    one, two = (run("core/rich_label_visualization@v1", image=image, predictions=o)["image"] for o in (objects, other))
    assert (one.pixels != two.pixels).any()


@pytest.mark.parametrize(("family", "file"), [("Geist Mono", "DejaVuSansMono.ttf"), ("Inter", "DejaVuSans.ttf")])
def test_a_font_that_is_not_here_gives_way(family: str, file: str) -> None:
    font_file.cache_clear()
    assert font_file(family).name in (file, f"{family.replace(' ', '')}-Regular.ttf")
    assert font_file("DejaVu Serif").name == "DejaVuSerif.ttf"


def test_the_area_of_objects_without_masks_is_that_of_their_boxes() -> None:
    assert label_texts(objects(with_masks=False), "Area") == ["700", "93"]
