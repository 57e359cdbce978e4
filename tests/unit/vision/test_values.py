"""Values of every kind, both ways."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision import detections, masks
from workflow_engine.vision.image import Ancestry, Image, VideoMetadata
from workflow_engine.vision.values import READERS, TABLES, ImageAccess, deserialise, in_root_coordinates, serialise

ACCESS = ImageAccess(limits=Limits(), paths=False, urls=False)
CROP = Ancestry.root("image", (30, 40)).crop("crop", 10, 5, (20, 20))
FRAME = VideoMetadata(video_identifier="cam", frame_number=1, frame_timestamp=datetime(2026, 1, 2, tzinfo=UTC))
TABLE = detections.build(
    [[2, 3, 6, 8]],
    ancestry=CROP,
    class_id=[0],
    class_names=["bolt"],
    confidence=[0.5],
    mask=masks.from_windows([(np.ones((6, 5), bool), 2, 3)], CROP.size),
    detection_ids=["d"],
)


def read(value: Any, *kinds: str, index: tuple[int, ...] = ()) -> Any:
    return deserialise(value, kinds, name="given", index=index, access=ACCESS)


def test_the_first_kind_of_tables_decides_how_masks_are_written() -> None:
    instance, run_lengths = "instance_segmentation_prediction", "rle_instance_segmentation_prediction"
    for kinds, member in (
        ((run_lengths, instance), "rle_mask"),
        ((instance, run_lengths), "points"),
        (("image", "semantic_segmentation_prediction"), "rle_mask"),
        (("object_detection_prediction",), "points"),
        (("*",), "points"),
    ):
        (row,) = serialise(TABLE, kinds, coordinates="own")["predictions"]
        assert {"points", "rle_mask"} & row.keys() == {member}


def test_coordinates_are_the_root_s_or_the_crop_s_own_however_deep() -> None:
    value = {"a": [TABLE, (TABLE,)], "b": 1}
    own = serialise(value, ["*"], coordinates="own")
    root = serialise(value, ["*"], coordinates="parent")
    for written, x, width in ((own, 4.0, 20), (root, 14.0, 40)):
        for table in (written["a"][0], written["a"][1][0]):
            assert table["predictions"][0]["x"] == x
            assert table["image"]["width"] == width
        assert written["b"] == 1
    assert own["a"][0]["predictions"][0]["parent_origin"]["offset_x"] == 10
    assert root["a"][0]["predictions"][0]["parent_id"] == "image"
    moved = in_root_coordinates(value)
    assert isinstance(moved["a"][1], tuple)
    assert moved["a"][1][0].xyxy.tolist() == [[12, 8, 16, 13]]
    assert TABLE.xyxy.tolist() == [[2, 3, 6, 8]]


def test_everything_in_a_value_becomes_plain() -> None:
    image = Image.from_array(np.zeros((4, 4), np.uint8))
    value = {1: [image, None], "video": FRAME, "n": np.float32(1), "t": datetime(2026, 1, 2), "raw": b"a"}
    written = serialise(value, ["*"], coordinates="parent")
    json.dumps(written)
    assert written["1"][0]["type"] == "base64"
    assert written["1"][1] is None
    assert written["video"]["video_identifier"] == "cam"
    assert (written["n"], written["t"], written["raw"]) == (1.0, "2026-01-02T00:00:00", "YQ==")
    assert serialise(None, ["image"], coordinates="parent") is None


def test_secrets_are_masked() -> None:
    assert serialise("abcdefgh", ["secret"], coordinates="parent") == "ab********gh"
    assert serialise("abcdefg", ["secret"], coordinates="parent") == "********"
    assert serialise("abcdefgh", ["string"], coordinates="parent") == "abcdefgh"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("boolean", True, True),
        ("integer", 3, 3),
        ("integer", np.int64(3), 3),
        ("float", 3, 3.0),
        ("float", 2.5, 2.5),
        ("float_zero_to_one", 1, 1.0),
        ("string", "a", "a"),
        ("top_class", "a", "a"),
        ("roboflow_model_id", "a/1", "a/1"),
        ("roboflow_api_key", None, None),
        ("ROBOFLOW_MANAGED_KEY", "k", "k"),
        ("list_of_values", (1, "a"), [1, "a"]),
        ("detections_overlaps", [{}], [{}]),
        ("dictionary", {"a": 1}, {"a": 1}),
        ("timestamp", "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("timestamp", datetime(2026, 1, 2), datetime(2026, 1, 2)),
        ("bytes", "YQ==", b"a"),
        ("bytes", b"a", b"a"),
        ("point", [1, 2.5, 9], (1, 2.5)),
        ("labeled_points", [{"x": 1, "y": 2}, [3, 4, False]], None),
        ("zone", [[0, 0], (4, 0), [4, 3]], [(0, 0), (4, 0), (4, 3)]),
        ("rgb_color", "#ff0000", "#ff0000"),
        ("rgb_color", [1, 2, 3, 4], (1, 2, 3)),
        ("contours", [[[1, 2]]], [[[1, 2]]]),
        ("secret", "abc", "abc"),
        ("*", 7, 7),
        ("some_new_kind", 7, 7),
        ("video_metadata", FRAME.to_json(), FRAME),
    ],
)
def test_values_are_read(kind: str, value: Any, expected: Any) -> None:
    found = read(value, kind)
    if kind == "labeled_points":
        expected = [{"x": 1, "y": 2, "positive": True}, {"x": 3, "y": 4, "positive": False}]
    assert found == expected
    assert type(found) is type(expected)


def test_an_array_is_read() -> None:
    assert read([[1, 2], [3, 4]], "numpy_array").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("boolean", 1, "true or false; found 1"),
        ("integer", True, "a whole number; found True"),
        ("integer", 1.0, "a whole number; found 1.0"),
        ("float", "1", "a number; found '1'"),
        ("float_zero_to_one", 1.5, "a number from 0 to 1; found 1.5"),
        ("float_zero_to_one", float("nan"), "from 0 to 1; found nan"),
        ("string", 1, "text; found 1"),
        ("language_model_output", None, "text; found None"),
        ("roboflow_api_key", 1, "text or null"),
        ("list_of_values", "abc", "a list; found 'abc'"),
        ("dictionary", [1], "an object; found a list"),
        ("timestamp", "soon", "ISO 8601; found 'soon'"),
        ("timestamp", 12, "ISO 8601; found 12"),
        ("bytes", "!!", "base64 text; found '!!'"),
        ("numpy_array", [[1], [1, 2]], "even depth"),
        ("point", [1], "two numbers"),
        ("point", ["1", "2"], "two numbers"),
        ("labeled_points", [{"x": 1}], "objects"),
        ("labeled_points", [[1]], "objects"),
        ("zone", [[0, 0], [1, 1]], "three or more points"),
        ("zone", [[0, 0], [1, 1], 2], "three or more points"),
        ("rgb_color", [1, 2], "three numbers"),
        ("video_metadata", [], "must be an object"),
        ("classification_prediction", {"image": {}, "predictions": []}, "classification must be"),
        ("classification_prediction", [], "classification must be"),
        ("object_detection_prediction", [], "Predictions were expected"),
        ("image", 7, "An image must be given"),
    ],
)
def test_wrong_values_are_refused(kind: str, value: Any, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read(value, kind, index=(0, 2))
    assert expected in caught.value.problem.message
    assert caught.value.problem.at.startswith("/inputs/given/0/2")


WORDS = st.sampled_from(
    [
        *("value", "image", "width", "height", "predictions", "x", "y", "confidence", "class", "class_id", "points"),
        *("rle", "size", "counts", "parent_origin", "offset_x", "keypoints", "top", "video_metadata", "positive"),
    ]
)
NUMBERS = st.integers() | st.sampled_from([10**400, -(2**63), 2**31]) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=8),
    max_leaves=25,
)


@settings(max_examples=500)
@given(JSON, st.sampled_from(["image", "classification_prediction", "video_metadata", *TABLES, *READERS]))
def test_no_value_does_more_than_be_refused(value: Any, kind: str) -> None:
    with suppress(InputError):
        read(value, kind)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["rle", "points", "keypoints", "tracker_id", "rect"], JSON)))
def test_no_row_does_more_than_be_refused(members: dict[str, Any]) -> None:
    row = {"x": 1, "y": 2, "width": 3, "height": 4, "confidence": 0.5, "class": "a", "class_id": 0}
    with suppress(InputError):
        read({"image": {"width": 9, "height": 9}, "predictions": [row | members]}, TABLES[0])


def test_the_first_kind_that_can_read_wins() -> None:
    assert read(3, "string", "float", "integer") == 3.0
    assert read("a", "integer", "some_new_kind") == "a"
    with pytest.raises(
        InputError, match=r"none of its kinds\. As string: .*text; found 3\. As boolean: .*true or false"
    ):
        read(3, "string", "boolean")


def test_tables_are_read_for_every_kind_of_table() -> None:
    written = serialise(TABLE, ["rle_instance_segmentation_prediction"], coordinates="parent")
    for kind in ("object_detection_prediction", "qr_code_detection", "rle_instance_segmentation_prediction"):
        table = read(written, kind, index=(1,))
        assert detections.detection_ids(table) == ["d"]
        assert detections.ancestry_of(table) == Ancestry.root("given.[1]", (30, 40))
    limited = ImageAccess(limits=Limits(image_pixels=1199), paths=False, urls=False)
    with pytest.raises(InputError, match="at most 1199"):
        deserialise(written, ["object_detection_prediction"], name="given", index=(), access=limited)


def test_classifications_are_filled_in() -> None:
    given = {"image": {}, "predictions": {}, "predicted_classes": ["cat"], "parent_id": "p"}
    filled = {"prediction_type": "classification", "inference_id": None, "root_parent_id": "given.[0]"}
    assert read(given, "classification_prediction", index=(0,)) == given | filled
    assert (
        read({"image": {}, "predictions": [], "top": "a", "confidence": 1}, "classification_prediction")["top"] == "a"
    )
