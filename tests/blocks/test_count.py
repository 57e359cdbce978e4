"""Counting by class."""

from __future__ import annotations

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.vision import detections

BOXES = [(0, 0, 10, 10), (20, 0, 40, 10), (5, 20, 15, 50)]


@pytest.mark.parametrize(
    ("classes", "counts"),
    [
        (None, {"nut": 2, "bolt": 1}),
        ([], {"nut": 2, "bolt": 1}),
        (["bolt"], {"bolt": 1}),
        (["washer", "nut"], {"washer": 0, "nut": 2}),
    ],
)
def test_counts(run: BlockRunner, classes: list[str] | None, counts: dict[str, int]) -> None:
    objects = table(picture(), BOXES, names=["nut", "bolt", "nut"])
    result = run("core/count_by_class@v1", predictions=objects, classes=classes)
    assert result == {"counts": counts, "total": sum(counts.values())}
    assert list(result["counts"]) == list(counts)


def test_nothing_to_count(run: BlockRunner) -> None:
    none = detections.empty(picture().ancestry)
    assert run("core/count_by_class@v1", predictions=none) == {"counts": {}, "total": 0}
