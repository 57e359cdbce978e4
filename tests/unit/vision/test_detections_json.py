"""The table of objects as JSON: members and their order, what is required, what is left out, what survives."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervision import Detections

from workflow_engine.errors import InputError
from workflow_engine.query import apply
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections_json import from_json, to_json
from workflow_engine.vision.image import Ancestry

PHOTO = Ancestry.root("image", (120, 160))


def row(**members: Any) -> dict[str, Any]:
    plain = {"x": 60.0, "y": 40.0, "width": 60.0, "height": 40.0, "confidence": 0.9, "class": "car", "class_id": 1}
    return plain | {"detection_id": "d-1"} | members


def sent(*rows: dict[str, Any], width: int | None = 160, height: int | None = 120) -> dict[str, Any]:
    return {"image": {"width": width, "height": height}, "predictions": list(rows)}


def corners(*points: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x, y in points]


SQUARE = corners((30, 20), (30, 60), (90, 60), (90, 20))


def cars(ancestry: Ancestry, x: int, y: int) -> Detections:
    """One car with a mask of 61 columns and 41 rows at (x, y)."""
    return detections.build(
        [[x, y, x + 60, y + 40]],
        ancestry=ancestry,
        class_id=[1],
        class_names=["car"],
        confidence=[0.9],
        mask=masks.from_windows([(np.ones((41, 61), bool), x, y)], ancestry.size),
        detection_ids=["d-1"],
    )


def test_a_row_has_its_members_in_order() -> None:
    expected = {
        "image": {"width": 160, "height": 120},
        "predictions": [
            {
                "width": 60.0,
                "height": 40.0,
                "x": 60.0,
                "y": 40.0,
                "confidence": 0.9,
                "class_id": 1,
                "points": corners((30.0, 20.0), (30.0, 60.0), (90.0, 60.0), (90.0, 20.0)),
                "class": "car",
                "detection_id": "d-1",
                "parent_id": "image",
            }
        ],
    }
    assert json.dumps(to_json(cars(PHOTO, 30, 20))) == json.dumps(expected)


def test_every_optional_member_has_its_place() -> None:
    table = detections.replace(cars(PHOTO.crop("crop", 20, 10, (90, 130)), 30, 20), tracker_id=np.array([7]))
    columns: dict[str, Any] = {
        "nearest_target_distance": [None],
        "area_converted": np.array([2.5]),
        "area_px": np.array([9.0], dtype=np.float32),
        "smoothed_speed": np.array([0.5]),
        "smoothed_velocity": np.array([[0.5, 0.0]]),
        "speed": np.array([1.0]),
        "velocity": np.array([[1.0, 0.0]]),
        "data": ["decoded"],
        "keypoints_xy": np.array([[[5, 6], [0, 0]]]),
        "keypoints_confidence": np.array([[0.5, 0]]),
        "keypoints_class_id": np.array([[3, -1]]),
        "keypoints_class_name": np.array([["nose", None]], dtype=object),
        "width": np.array([11.0]),
        "height": np.array([12.0]),
        "rect": np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], dtype=np.float16),
        "angle": np.array([90.0]),
        "polygon": [[[1.4, 2.6], [3, 4], [5, 6]]],
        "time_in_zone": np.array([4.0]),
        "path_deviation": np.array([3.0]),
    }
    for name, values in columns.items():
        table = detections.with_column(table, name, values)
    (written,) = to_json(table)["predictions"]
    origin = {"offset_x": 20, "offset_y": 10, "width": 160, "height": 120}
    expected = {
        "width": 11.0,
        "height": 12.0,
        "x": 60.0,
        "y": 40.0,
        "confidence": 0.9,
        "class_id": 1,
        "points": corners((1.4, 2.6), (3.0, 4.0), (5.0, 6.0)),
        "tracker_id": 7,
        "class": "car",
        "detection_id": "d-1",
        "path_deviation": 3.0,
        "time_in_zone": 4.0,
        "polygon": [[1, 3], [3, 4], [5, 6]],
        "angle": 90.0,
        "rect": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
        "parent_id": "crop",
        "parent_origin": origin,
        "root_parent_id": "image",
        "root_parent_origin": origin,
        "keypoints": [{"class_id": 3, "class": "nose", "confidence": 0.5, "x": 5, "y": 6}],
        "data": "decoded",
        "velocity": [1.0, 0.0],
        "speed": 1.0,
        "smoothed_velocity": [0.5, 0.0],
        "smoothed_speed": 0.5,
        "area_px": 9.0,
        "area_converted": 2.5,
        "nearest_target_distance": None,
    }
    assert json.dumps(written) == json.dumps(expected)
    read = to_json(from_json(to_json(table), name="predictions"))
    assert read["predictions"][0].keys() == written.keys()
    unchanged = written.keys() - {"x", "y", "points"}
    assert {name: read["predictions"][0][name] for name in unchanged} == {name: written[name] for name in unchanged}


def test_run_lengths_take_the_place_of_points_at_the_end_of_the_row() -> None:
    crop = PHOTO.crop("crop", 20, 20, (80, 120))
    table = detections.build(
        [[50, 35, 70, 45]],
        ancestry=crop,
        class_id=[1],
        class_names=["car"],
        confidence=[0.9],
        mask=masks.from_windows([(np.ones((11, 21), bool), 50, 35)], crop.size),
        detection_ids=["d-1"],
    )
    own = to_json(table, rle=True)["predictions"][0]
    assert list(own)[-1] == "rle_mask"
    assert "points" not in own
    assert own["rle_mask"] == {"size": [80, 120], "counts": "Sn3;U2000000000000000000000000000000000000000]i3"}
    root = to_json(detections.to_root(table), rle=True)["predictions"][0]
    assert root["rle_mask"]["size"] == [120, 160]
    whole = masks.from_rle([root["rle_mask"]], (120, 160)).to_dense()[0]
    assert whole[55:66, 70:91].all()
    assert whole.sum() == 231


def test_a_mask_without_pixels_keeps_its_row() -> None:
    table = detections.replace(
        cars(PHOTO, 30, 20), mask=masks.from_windows([(np.zeros((3, 3), bool), 0, 0)], (120, 160))
    )
    assert to_json(table)["predictions"][0]["points"] == []


def test_an_empty_table_keeps_the_size_of_the_image() -> None:
    crop = detections.empty(PHOTO.crop("crop", 5, 5, (10, 20)), masks=True)
    assert to_json(crop) == sent(width=20, height=10)
    assert to_json(detections.to_root(crop)) == sent()
    assert to_json(from_json(sent(), name="p")) == sent()
    nothing = sent(width=None, height=None)
    assert to_json(from_json(nothing, name="p")) == nothing


def test_a_table_made_elsewhere_is_written_too() -> None:
    bare = Detections(xyxy=np.array([[10, 20, 30, 60]], dtype=np.float32), class_id=np.array([4]))
    (written,) = to_json(bare)["predictions"]
    assert written.pop("detection_id")
    box = {"width": 20.0, "height": 40.0, "x": 20.0, "y": 40.0}
    assert written == box | {"confidence": None, "class_id": 4, "class": "4"}


def test_a_table_is_passed_through() -> None:
    table = cars(PHOTO, 30, 20)
    assert from_json(table, name="p") is table


@pytest.mark.parametrize("member", ["x", "y", "width", "height", "confidence", "class", "class_id"])
def test_required_members(member: str) -> None:
    broken = row()
    del broken[member]
    with pytest.raises(InputError, match="is required") as caught:
        from_json(sent(row(), broken), name="p", at="/inputs/p")
    assert caught.value.problem.at == f"/inputs/p/predictions/1/{member}"
    assert caught.value.problem.code == "input_invalid"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (7, "At the top: expected an object, got 7"),
        ({"predictions": []}, "/image is required"),
        ({"image": {"width": 3, "height": 4}}, "/predictions is required"),
        (sent(width=0), "At /image/width: expected a number above 0, got 0"),
        (sent(row(), width=None, height=None), "must be numbers"),
        (sent(width=2**21), "/image/width: expected a number of at most 1048576"),
        (sent(row(x="60")), 'expected a number, got "60"'),
        (sent(row(x=float("nan"))), "expected a number, got NaN"),
        (sent(row(class_id=True)), "expected a whole number, got true"),
        (sent(row(**{"class": 3})), "expected text, got 3"),
        (sent(row(points=[{"x": 1}])), "points/0/y is required"),
        (sent(row(rle={"size": [3, 3], "counts": "9"})), r"size \[3, 3\] was given for an image of size \[120, 160\]"),
        (sent(row(speed=1.0), row(detection_id="d-2")), "first row .* has 'speed'.*'d-2' lacks it"),
        (sent(row(keypoints=[]), row(detection_id="d-2")), "has 'keypoints'"),
    ],
)
def test_what_is_refused(value: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        from_json(value, name="p")


def test_an_image_that_is_too_large_is_refused_before_masks_are_drawn() -> None:
    wide = sent(row(points=corners((0, 0), (9e5, 0), (9e5, 9e5))), width=10**6, height=10**6)
    with pytest.raises(InputError, match="at most 1000000 are allowed") as caught:
        from_json(wide, name="p", max_pixels=10**6)
    assert caught.value.problem.code == "image_too_large"


def test_a_table_with_too_many_rows_is_refused() -> None:
    three = sent(*(row(detection_id=f"d-{i}") for i in range(3)))
    assert len(from_json(three, name="p", max_rows=3)) == 3
    with pytest.raises(InputError, match="3 rows; at most 2") as caught:
        from_json(three, name="p", max_rows=2)
    assert (caught.value.problem.code, caught.value.problem.at) == ("table_too_large", "/predictions")


@pytest.mark.parametrize(
    "members",
    [
        {"x": 1e308},
        {"class_id": 2**63},
        {"tracker_id": -(2**70)},
        {"points": corners((0, 0), (1e301, 0), (0, 5))},
        {"rle": {"size": [2**70, 3], "counts": "1"}},
        {"parent_origin": {"offset_x": 2**31, "offset_y": 0, "width": 9, "height": 9}},
        {"root_parent_origin": {"offset_x": 0, "offset_y": 0, "width": 2**31, "height": 9}},
    ],
)
def test_numbers_beyond_all_measure_are_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"a number of at (least|most)"):
        from_json(sent(row(**members)), name="p")


def test_many_large_masks_are_drawn_one_after_the_other() -> None:
    size = 1000, 1000
    full = {"size": list(size), "counts": [0, 1_000_000]}
    tracemalloc.start()
    table = from_json(sent(*(row(rle=full) for _ in range(50)), width=1000, height=1000), name="p")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert masks.area(table.mask).tolist() == [1_000_000] * 50  # type: ignore[arg-type]


def test_rows_with_two_points_are_left_out() -> None:
    table = from_json(sent(row(points=SQUARE[:2]), row(points=SQUARE, detection_id="d-2")), name="p")
    assert detections.detection_ids(table) == ["d-2"]
    none = from_json(sent(row(points=[])), name="p")
    assert len(none) == 0
    assert detections.image_size(none) == (120, 160)


def test_the_sides_of_the_boxes_are_columns_of_a_table_that_is_read() -> None:
    rows = [{"x": 9, "y": 9, "width": w, "height": 4, "confidence": 1, "class": "a", "class_id": 0} for w in (8, 6.5)]
    table = from_json({"image": {"width": 20, "height": 20}, "predictions": rows}, name="predictions")
    sides = [
        apply([{"type": "DetectionsPropertyExtract", "property_name": name}], table) for name in ("width", "height")
    ]
    assert sides == [[8, 6.5], [4, 4]]


def test_columns_that_some_rows_lack_are_dropped() -> None:
    table = from_json(sent(row(points=SQUARE, tracker_id=3), row()), name="p")
    assert table.mask is None
    assert table.tracker_id is None
    assert table.metadata["prediction_type"] == "object-detection"
    origin = {"offset_x": 0, "offset_y": 0, "width": 9, "height": 9}
    half = from_json(sent(row(parent_id="c", parent_origin=origin, root_parent_origin=origin), row()), name="p")
    ancestry = detections.ancestry_of(half)
    assert ancestry is not None
    assert ancestry.is_root


def test_names_default_to_the_input() -> None:
    table = from_json(
        sent(row(detection_id="d-1"), {k: v for k, v in row().items() if k != "detection_id"}), name="p.[0]"
    )
    assert list(table.data["parent_id"]) == ["p.[0]", "p.[0]"]
    ids = detections.detection_ids(table)
    assert ids[0] == "d-1"
    assert len(ids[1]) == 36
    written = to_json(from_json(sent(row(parent_id="photo")), name="p"))["predictions"][0]
    assert (written["parent_id"], written["root_parent_id"]) == ("photo", "p")
    assert "parent_origin" not in written


def test_masks_are_read_in_every_form() -> None:
    table = cars(PHOTO, 30, 20)
    rle = masks.to_rle(table.mask, 0)  # type: ignore[arg-type]
    runs = {"size": [120, 160], "counts": [30 * 120 + 20] + [41, 79] * 60 + [41, 69 * 120 + 59]}
    for members in ({"points": SQUARE}, {"rle": rle}, {"rle_mask": rle}, {"rle": runs}):
        read = from_json(sent(row(**members)), name="p")
        assert read.mask is not None
        assert masks.to_rle(read.mask, 0) == rle, members
        assert read.metadata["prediction_type"] == "instance-segmentation"


def test_a_crop_keeps_its_place_through_json() -> None:
    inner = PHOTO.crop("outer", 10, 20, (90, 140)).crop("inner", 3, 4, (80, 130))
    written = to_json(cars(inner, 30, 20))
    read = from_json(written, name="p")
    assert detections.ancestry_of(read) == inner
    assert to_json(read) == written
    assert to_json(detections.to_root(read))["predictions"][0]["x"] == 73.0


@given(st.data())
def test_rectangles_survive_exactly(data: st.DataObject) -> None:
    rectangles = []
    for _ in range(data.draw(st.integers(1, 4))):
        x, y = data.draw(st.integers(0, 150)), data.draw(st.integers(0, 110))
        rectangles.append((x, y, data.draw(st.integers(x, 159)), data.draw(st.integers(y, 119))))
    table = detections.build(
        rectangles,
        ancestry=PHOTO,
        class_id=range(len(rectangles)),
        class_names=["a"] * len(rectangles),
        confidence=np.linspace(0, 1, len(rectangles)),
        mask=masks.from_windows(
            [(np.ones((d - b + 1, c - a + 1), bool), a, b) for a, b, c, d in rectangles], PHOTO.size
        ),
    )
    read = from_json(json.loads(json.dumps(to_json(table))), name="image")
    assert np.array_equal(read.xyxy, table.xyxy)
    assert np.array_equal(read.confidence, table.confidence)  # type: ignore[arg-type]
    assert np.array_equal(read.mask.to_dense(), table.mask.to_dense())  # type: ignore[union-attr]
    assert to_json(read) == to_json(table)
