"""The table of objects: building, merging, moving between a crop and the whole image."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervision import Detections

from workflow_engine.vision import detections, masks
from workflow_engine.vision.image import Ancestry

PHOTO = Ancestry.root("photo", (30, 40))


def table(count: int = 2, *, ancestry: Ancestry = PHOTO, masked: bool = True, **fields: Any) -> Detections:
    """Rows with boxes (2i, i) to (2i + 4, i + 3), each with a filled mask."""
    boxes = [(2 * i, i, 2 * i + 4, i + 3) for i in range(count)]
    filled = [(np.ones((4, 5), bool), 2 * i, i) for i in range(count)]
    return detections.build(
        boxes,
        ancestry=ancestry,
        class_id=list(range(count)),
        class_names=[f"c{i}" for i in range(count)],
        confidence=[0.5] * count,
        mask=masks.from_windows(filled, ancestry.size) if masked else None,
        **fields,
    )


def dense(found: Detections) -> Any:
    assert found.mask is not None
    return masks.compact(found.mask).to_dense()


def test_a_table_knows_where_its_rows_were_found() -> None:
    found = table(inference_id="i", detection_ids=["a", "b"], tracker_id=[7, 8])
    assert detections.ancestry_of(found) == PHOTO
    assert detections.image_size(found) == (30, 40)
    assert detections.class_names(found) == ["c0", "c1"]
    assert detections.detection_ids(found) == ["a", "b"]
    assert found.metadata["prediction_type"] == "instance-segmentation"
    assert found.metadata["inference_id"] == "i"
    assert list(found.data["parent_id"]) == ["photo", "photo"]


def test_rows_are_selected_with_plain_indexing() -> None:
    found = table(3, detection_ids=["a", "b", "c"])
    for index in ([2], np.array([False, False, True]), slice(2, 3)):
        chosen = found[index]
        assert isinstance(chosen, Detections)
        assert detections.detection_ids(chosen) == ["c"]
        assert detections.ancestry_of(chosen) == PHOTO
        assert np.array_equal(dense(chosen), dense(found)[2:])
    none = found[np.zeros(3, bool)]
    assert isinstance(none, Detections)
    assert len(none) == 0
    assert detections.image_size(none) == (30, 40)


def test_an_empty_table_keeps_the_size_of_its_image() -> None:
    none = detections.empty(PHOTO, masks=True)
    assert len(none) == 0
    assert detections.image_size(none) == (30, 40)
    assert none.mask is not None
    assert detections.empty(PHOTO, prediction_type="object-detection").mask is None


def test_a_table_made_elsewhere_is_read_too() -> None:
    bare = Detections(xyxy=np.zeros((2, 4)), class_id=np.array([3, 4]))
    assert detections.class_names(bare) == ["3", "4"]
    assert len(set(detections.detection_ids(bare))) == 2
    assert detections.ancestry_of(bare) is None
    assert detections.image_size(bare) is None
    assert detections.to_root(bare) is bare
    masked = Detections(xyxy=np.zeros((1, 4)), mask=np.zeros((1, 5, 6), bool))
    assert detections.image_size(masked) == (5, 6)
    assert detections.class_names(masked) == [""]


def test_columns_are_added_to_a_copy() -> None:
    found = table()
    ragged = [[[1, 2], [3, 4], [5, 6]], [[7, 8]]]
    other = detections.with_column(found, "polygon", ragged)
    assert detections.column(found, "polygon") is None
    assert list(other.data["polygon"]) == ragged
    assert other.select([1]).data["polygon"][0] == [[7, 8]]
    with pytest.raises(ValueError, match="'speed' has 1 values for 2 rows"):
        detections.with_column(found, "speed", [1.0])


def test_replacing_a_field_keeps_the_rest() -> None:
    found = table()
    other = detections.replace(found, confidence=np.array([0.1, 0.2]))
    other.data["class_name"] = np.array(["x", "y"])
    other.metadata.clear()
    assert detections.class_names(found) == ["c0", "c1"]
    assert detections.ancestry_of(found) == PHOTO


def test_merging_keeps_the_columns_that_all_have() -> None:
    crop = PHOTO.crop("crop", 3, 4, (10, 12))
    first = detections.with_column(table(2, tracker_id=[1, 2]), "speed", np.array([1.0, 2.0]))
    second = table(1, ancestry=crop)
    merged = detections.merge([detections.empty(crop), first, second])
    assert detections.ancestry_of(merged) == crop
    assert detections.class_names(merged) == ["c0", "c1", "c0"]
    assert list(merged.data["parent_id"]) == ["photo", "photo", "crop"]
    assert merged.tracker_id is None
    assert "speed" not in merged.data
    assert dense(merged).shape == (3, 10, 12)
    assert np.array_equal(dense(merged)[:2], dense(first)[:, :10, :12])


def test_merging_ragged_rows_and_nothing() -> None:
    first = detections.with_column(table(1), "keypoints_xy", np.zeros((1, 2, 2)))
    second = detections.with_column(table(1, masked=False), "keypoints_xy", np.ones((1, 3, 2)))
    merged = detections.merge([first, second])
    assert [points.shape for points in merged.data["keypoints_xy"]] == [(2, 2), (3, 2)]
    assert merged.mask is None
    assert len(detections.merge([])) == 0
    assert detections.ancestry_of(detections.merge([detections.empty(PHOTO)])) == PHOTO


def test_a_row_is_seen_in_its_crop() -> None:
    found = detections.with_column(table(2), "keypoints_xy", np.full((2, 1, 2), 5.0))
    ancestry = PHOTO.crop("crop", 3, 2, (3, 3))
    seen = detections.crop(found, 1, 3, 2, 6, 5, ancestry)
    assert seen.xyxy.tolist() == [[-1, -1, 3, 2]]
    assert np.array_equal(seen.data["keypoints_xy"], [[[2.0, 3.0]]])
    assert detections.ancestry_of(seen) == ancestry
    assert list(seen.data["parent_id"]) == ["crop"]
    assert np.array_equal(dense(seen)[0], dense(found)[1, 2:5, 3:6])
    assert np.array_equal(detections.to_root(seen).xyxy, found.xyxy[1:])


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12))
def test_going_to_the_root_pastes_the_masks(x: int, y: int, height: int, width: int) -> None:
    crop = PHOTO.crop("outer", x // 2, y // 2, (15, 15)).crop("inner", x - x // 2, y - y // 2, (height, width))
    found = table(3, ancestry=crop)
    canvas = np.zeros((3, 60, 60), bool)
    canvas[:, y : y + height, x : x + width] = dense(found)
    moved = detections.to_root(found)
    assert np.array_equal(dense(moved), canvas[:, :30, :40])
    assert np.array_equal(moved.xyxy, found.xyxy + np.array([x, y, x, y]))
    assert detections.ancestry_of(moved) == PHOTO
    assert set(moved.data["parent_id"]) == {"photo"}
    assert detections.to_root(moved) is moved


def test_every_position_goes_to_the_root() -> None:
    found = table(1, ancestry=PHOTO.crop("crop", 10, 20, (8, 8)), masked=False)
    for name in ("polygon", "rect", "xyxyxyxy"):
        found = detections.with_column(found, name, np.array([[[0, 0], [4, 0], [4, 3], [0, 3]]]))
    found = detections.with_column(found, "polygon", [[[0, 0], [4, 0], [4, 3]]])
    moved = detections.to_root(found)
    for name in ("rect", "xyxyxyxy"):
        assert np.array_equal(moved.data[name], [[[10, 20], [14, 20], [14, 23], [10, 23]]])
    assert moved.data["polygon"][0].tolist() == [[10, 20], [14, 20], [14, 23]]


def test_an_empty_table_goes_to_the_root() -> None:
    moved = detections.to_root(detections.empty(PHOTO.crop("crop", 1, 2, (8, 8)), masks=True))
    assert detections.image_size(moved) == (30, 40)


def test_a_scaled_view_is_brought_back() -> None:
    crop = changed(PHOTO.crop("crop", 10, 20, (16, 20)), scale=2.0)
    found = table(1, ancestry=crop)
    moved = detections.to_root(found)
    assert moved.xyxy.tolist() == [[10, 20, 12, 22]]
    assert dense(moved)[0].nonzero()[0].max() == 21
    assert dense(moved).sum() == 6


def test_a_part_is_placed_on_the_whole() -> None:
    part = PHOTO.crop("part", 10, 20, (8, 9))
    found = detections.placed(table(3, ancestry=part), 10, 20, PHOTO)
    assert found.xyxy.tolist() == [[10, 20, 14, 23], [12, 21, 16, 24], [14, 22, 18, 25]]
    assert detections.ancestry_of(found) == PHOTO
    assert found.data["parent_id"].tolist() == ["photo"] * 3
    expected = np.zeros((30, 40), bool)
    expected[21:25, 12:17] = True
    np.testing.assert_array_equal(dense(found)[1], expected)
    nothing = detections.placed(detections.empty(part, masks=True), 10, 20, PHOTO)
    assert (len(nothing), detections.image_size(nothing)) == (0, (30, 40))


def test_a_table_without_masks_gets_empty_ones() -> None:
    plain = detections.with_masks(table(masked=False), (30, 40))
    assert plain.mask is not None
    assert masks.area(plain.mask).tolist() == [0, 0]
    given_masks = table()
    assert detections.with_masks(given_masks, (30, 40)) is given_masks
