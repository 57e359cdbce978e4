"""What a value's digest tells apart, what a cache keeps, and what it makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

from workflow_engine import ResultCache
from workflow_engine.cache import Shelf, sealed
from workflow_engine.digest import Opaque, digest
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image

NOISE = np.random.default_rng(7).integers(0, 255, (40, 60, 3), dtype=np.uint8)
IMAGE = Image.from_array(NOISE)
TABLE = detections.build(
    [[1, 2, 3, 4]],
    ancestry=IMAGE.ancestry,
    class_id=[0],
    class_names=["nut"],
    confidence=[0.5],
    mask=np.eye(40, 60, dtype=bool)[None],
    inference_id="i",
    detection_ids=["d"],
)
DIFFERENT: list[Any] = [
    None, True, 1, 1.0, "1", b"1", [], {}, [1], (), [[1], 2], [1, [2]], ["ab", "c"], ["a", "bc"], {"a": 1}, {1: "a"},
    {"a": 1, "b": 2}, {"b": 2, "a": 1}, {1, 2}, {1, 3}, Path("a"),
    datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC),
    NOISE, NOISE.astype(np.int16), NOISE.reshape(60, 40, 3), NOISE[::-1], np.array(["a", None], dtype=object),
    np.float64(1), IMAGE, Image.from_array(NOISE, id="other"), replace(IMAGE, encoded="x"), TABLE,
    detections.with_column(TABLE, "area", np.array([2.0])), detections.replace(TABLE, mask=None),
]  # fmt: skip


def test_different_values_have_different_digests() -> None:
    found = [digest(value) for value in DIFFERENT]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (IMAGE, Image.from_array(NOISE.copy())),
        (NOISE[:, ::2], NOISE[:, ::2].copy()),
        (TABLE, detections.replace(TABLE)),
        ({3, 1, 2}, {2, 3, 1}),
    ],
    ids=["image", "view", "table", "set"],
)
def test_equal_values_have_one_digest(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)


def circle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    "value",
    [object(), len, int, Mapping, re, Lock(), re.compile("a"), circle(), [1, {"a": object()}]],
    ids=["object", "function", "class", "abstract class", "module", "lock", "pattern", "circle", "object inside"],
)
def test_what_does_not_show_its_content_has_no_digest(value: Any) -> None:
    with pytest.raises(Opaque):
        digest(value)
    assert sealed(value) > 0


def test_an_open_file_has_no_digest(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as file, pytest.raises(Opaque):
        digest(file)


def test_a_digest_gives_up_on_too_much() -> None:
    assert digest(NOISE, most=10_000) == digest(NOISE)
    with pytest.raises(Opaque):
        digest([NOISE, NOISE], most=10_000)


def test_what_is_kept_cannot_be_written_to_and_a_view_counts_as_what_it_is_a_part_of() -> None:
    whole = NOISE.copy()
    crop = whole[:5, :5]
    assert sealed([{"crop": Image.from_array(crop)}]) > whole.nbytes
    for array in (whole, crop):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_results_unused_longest_go_when_there_are_too_many_bytes() -> None:
    cache = ResultCache(limit=3 * 8_500)
    for name in (b"a", b"b", b"c"):
        cache.put(name, NOISE.copy())
    assert cache.get(b"a") is not None
    cache.put(b"d", NOISE.copy())
    assert cache.get(b"b") is None
    assert all(cache.get(name) is not None for name in (b"a", b"c", b"d"))
    assert 3 * NOISE.nbytes <= cache.nbytes <= 3 * 8_500


def test_what_is_too_large_by_itself_replaces_nothing_else() -> None:
    cache = ResultCache(limit=8_500)
    cache.put(b"a", NOISE.copy())
    cache.put(b"b", [NOISE.copy(), NOISE.copy()])
    assert cache.get(b"a") is not None
    assert cache.get(b"b") is None


def test_a_result_that_is_put_again_counts_once() -> None:
    cache = ResultCache()
    for text in ("a", "b"):
        cache.put(b"key", [text] * 100)
    assert cache.get(b"key")[0] == "b"
    assert cache.nbytes < 2_000


def test_a_shelf_by_itself_keeps_nothing() -> None:
    shelf = Shelf()
    shelf.put("a", 1)
    assert shelf.get("a") is None
