"""Values of every kind through JSON and back, wherever they are found and however they nest."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.blocks.scenes import CLASSES, picture
from workflow_engine.settings import Limits
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Ancestry
from workflow_engine.vision.values import READERS, TEXTS, ImageAccess, deserialise, in_root_coordinates, serialise

ACCESS = ImageAccess(limits=Limits(), paths=False, urls=False)
HEIGHT, WIDTH = 40, 50
RUN_LENGTHS, POLYGONS = "rle_instance_segmentation_prediction", "instance_segmentation_prediction"

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=4), parts, max_size=3),
    max_leaves=8,
)
POINTS = st.tuples(NUMBERS, NUMBERS)
BY_KIND: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "float_zero_to_one": st.floats(0, 1),
    **dict.fromkeys(TEXTS, st.text(max_size=20)),
    **dict.fromkeys(("roboflow_api_key", "ROBOFLOW_MANAGED_KEY"), st.none() | st.text(max_size=20)),
    "dictionary": st.dictionaries(st.text(max_size=4), PLAIN, max_size=3),
    **dict.fromkeys(
        ("list_of_values", "detections_overlaps", "action_recognition_prediction"), st.lists(PLAIN, max_size=3)
    ),
    "timestamp": st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    "bytes": st.binary(max_size=40),
    "point": POINTS,
    "labeled_points": st.lists(st.fixed_dictionaries({"x": NUMBERS, "y": NUMBERS, "positive": st.booleans()})),
    "zone": st.lists(POINTS, min_size=3, max_size=6),
    "rgb_color": st.text(max_size=8) | st.tuples(*[st.integers(0, 255)] * 3),
}


def through_json(value: Any, *kinds: str) -> Any:
    written = json.loads(json.dumps(serialise(value, kinds, coordinates="own")))
    return deserialise(written, kinds, name="photo", index=(), access=ACCESS)


def test_every_kind_that_is_read_is_tried() -> None:
    assert BY_KIND.keys() | {"numpy_array"} == READERS.keys()


@pytest.mark.parametrize("kind", BY_KIND)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_value_comes_back_as_it_was(kind: str, data: st.DataObject) -> None:
    value = data.draw(BY_KIND[kind])
    found = through_json(value, kind)
    assert found == value
    assert type(found) is type(value)


@settings(deadline=None, max_examples=40)
@given(value=arrays.arrays(np.float64, arrays.array_shapes(max_dims=3, max_side=3), elements=st.floats(-1e6, 1e6)))
def test_an_array_comes_back_as_it_was(value: Any) -> None:
    assert np.array_equal(through_json(value, "numpy_array"), value)


@st.composite
def crops(draw: st.DrawFn) -> Ancestry:
    """A view cut out of a photo, up to three times one out of the other."""
    view, height, width = Ancestry.root("photo", (HEIGHT, WIDTH)), HEIGHT, WIDTH
    for level in range(draw(st.integers(0, 3))):
        x, y = draw(st.integers(0, width - 10)), draw(st.integers(0, height - 10))
        width, height = draw(st.integers(10, width - x)), draw(st.integers(10, height - y))
        view = view.crop(f"crop {level}", x, y, (height, width))
    return view


@st.composite
def tables(draw: st.DrawFn) -> Detections:
    """Objects with masks of any shape, holes and all, on a photo or a crop of it."""
    view = draw(crops())
    height, width = view.size
    windows: list[masks.Window] = []
    for _ in range(draw(st.integers(0, 3))):
        x, y = draw(st.integers(0, width - 4)), draw(st.integers(0, height - 4))
        sides = draw(st.integers(4, min(12, height - y))), draw(st.integers(4, min(12, width - x)))
        pixels = draw(arrays.arrays(bool, sides))
        pixels[0, 0] = pixels[-1, -1] = True  # so that the box of the mask is that of the object
        windows.append((pixels, x, y))
    names = [draw(st.sampled_from(CLASSES)) for _ in windows]
    return detections.build(
        [(x, y, x + pixels.shape[1] - 1, y + pixels.shape[0] - 1) for pixels, x, y in windows],
        ancestry=view,
        class_id=[CLASSES.index(name) for name in names],
        class_names=names,
        confidence=[draw(st.floats(0, 1, width=32)) for _ in windows],
        mask=masks.from_windows(windows, view.size),
    )


def dense(table: Detections) -> Any:
    return np.asarray(table.mask) if len(table) else None


@settings(deadline=None, max_examples=60)
@given(table=tables())
def test_a_table_comes_back_with_its_masks_by_run_lengths(table: Detections) -> None:
    found = through_json(table, RUN_LENGTHS)
    assert np.array_equal(found.xyxy, table.xyxy)
    assert np.array_equal(dense(found), dense(table))
    assert list(found.confidence) == list(table.confidence)  # type: ignore[arg-type]
    assert detections.detection_ids(found) == detections.detection_ids(table)
    assert detections.image_size(found) == detections.image_size(table)
    assert not len(table) or detections.ancestry_of(found) == detections.ancestry_of(table)


@settings(deadline=None, max_examples=60)
@given(table=tables())
def test_an_outline_that_was_read_is_written_the_same_again(table: Detections) -> None:
    once = through_json(table, POLYGONS)
    twice = through_json(once, POLYGONS)
    assert serialise(twice, [POLYGONS], coordinates="own") == serialise(once, [POLYGONS], coordinates="own")
    assert len(once) <= len(table)


@settings(deadline=None, max_examples=60)
@given(table=tables())
def test_coordinates_of_the_root_are_own_ones_moved_by_where_the_view_lies(table: Detections) -> None:
    view = detections.ancestry_of(table)
    assert view is not None
    own, root = (serialise(table, [RUN_LENGTHS], coordinates=system) for system in ("own", "parent"))
    x, y = view.root_offset
    assert [(row["x"], row["y"]) for row in root["predictions"]] == [
        (row["x"] + x, row["y"] + y) for row in own["predictions"]
    ]
    assert root["image"] == {"width": WIDTH, "height": HEIGHT}
    assert own["image"] == {"width": view.size[1], "height": view.size[0]}
    pasted = np.zeros((len(table), HEIGHT, WIDTH), bool)
    if len(table):
        pasted[:, y : y + view.size[0], x : x + view.size[1]] = dense(table)
        assert np.array_equal(dense(in_root_coordinates(table)), pasted)


THINGS = st.recursive(
    PLAIN
    | tables()
    | st.floats()
    | st.binary(max_size=4)
    | st.datetimes()
    | st.sampled_from([picture(4, 5), picture(4, 5, grey=True), np.arange(3), np.float32(2), np.array("text"), {1, 2}]),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.tuples(parts, parts)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), parts, max_size=3)
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=100)
@given(value=THINGS, system=st.sampled_from(["own", "parent"]))
def test_everything_can_be_written_and_what_is_written_stays_as_it_is(value: Any, system: Any) -> None:
    written = serialise(value, ["*"], coordinates=system)
    json.dumps(written)
    orjson.dumps(written)
    again = serialise(written, ["*"], coordinates=system)
    assert repr(again) == repr(written)


@pytest.mark.parametrize("length", range(12))
def test_no_secret_of_any_length_can_be_read_back(length: int) -> None:
    secret = "abcdefghijkl"[:length]
    written = serialise(secret, ["secret"], coordinates="own")
    assert set(written) <= {"*", *secret[:2], *secret[-2:]}
    assert written.count("*") == 8
