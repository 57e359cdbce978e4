"""What lies on what."""

from __future__ import annotations

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.vision import detections, masks

IMAGE = picture()
TRAY = (10, 10, 50, 50)


@pytest.mark.parametrize(
    ("box", "by_centre", "by_touch"),
    [
        ((20, 20, 30, 30), True, True),
        ((40, 40, 58, 58), True, True),
        ((40, 40, 60, 60), False, True),  # its centre lies on the very corner of the tray
        ((50, 20, 60, 30), False, True),  # the edges meet
        ((51, 20, 60, 30), False, False),
        ((0, 0, 80, 60), True, True),
    ],
)
def test_an_object_lies_on_another(
    run: BlockRunner, box: tuple[int, int, int, int], by_centre: bool, by_touch: bool
) -> None:
    objects = table(IMAGE, [box, TRAY], names=["nut", "washer"])
    for kind, expected in (("Center Overlap", by_centre), ("Any Overlap", by_touch)):
        found = run("core/overlap@v1", predictions=objects, overlap_type=kind, overlap_class_name="washer")["overlaps"]
        assert detections.class_names(found) == ["nut"] * expected


def test_rows_keep_their_order_and_come_once(run: BlockRunner) -> None:
    boxes = [(20, 20, 30, 30), TRAY, (21, 21, 30, 30), (12, 12, 48, 48), (70, 50, 75, 55)]
    objects = table(IMAGE, boxes, names=["nut", "washer", "bolt", "washer", "nut"])
    found = run("core/overlap@v1", predictions=objects, overlap_class_name="washer")["overlaps"]
    assert found.xyxy.tolist() == [[20, 20, 30, 30], [21, 21, 30, 30]]
    assert len(run("core/overlap@v1", predictions=objects, overlap_class_name="screw")["overlaps"]) == 0


def test_the_covered_share_is_that_of_the_first_object(run: BlockRunner) -> None:
    first = table(IMAGE, [(10, 10, 30, 30), (60, 10, 70, 20)], with_masks=False)
    second = table(IMAGE, [(20, 10, 60, 30)], with_masks=False)
    (pair,) = run("core/overlap_analysis@v1", reference_predictions=first, candidate_predictions=second)["overlaps"]
    assert pair == {
        "reference_class": "bolt",
        "reference_confidence": 0.9,
        "reference_detection_id": detections.detection_ids(first)[0],
        "candidate_class": "bolt",
        "candidate_confidence": 0.9,
        "candidate_detection_id": detections.detection_ids(second)[0],
        "overlap_ratio": 0.5,
    }
    (other,) = run("core/overlap_analysis@v1", reference_predictions=second, candidate_predictions=first)["overlaps"]
    assert other["overlap_ratio"] == 0.25


def test_outlines_count_where_there_are_masks(run: BlockRunner) -> None:
    """Triangles in the lower left of two boxes side by side do not meet as much as the boxes do."""
    first, second = table(IMAGE, [(10, 10, 31, 31)]), table(IMAGE, [(10, 0, 31, 21)])
    (pair,) = run("core/overlap_analysis@v1", reference_predictions=first, candidate_predictions=second)["overlaps"]
    # The outline runs through pixel centres: legs of 20, and of 10 where the two meet.
    assert pair["overlap_ratio"] == pytest.approx((10 * 10 / 2) / (20 * 20 / 2))
    assert run(
        "core/overlap_analysis@v1", reference_predictions=first, candidate_predictions=second, min_overlap=0.26
    ) == {"overlaps": []}


def test_a_mask_without_an_area_gives_way_to_the_box(run: BlockRunner) -> None:
    first = table(IMAGE, [(10, 10, 30, 30)])
    nothing = detections.replace(first, mask=None)
    first = detections.with_masks(nothing, masks.image_size(first.mask)) if first.mask is not None else first
    (pair,) = run("core/overlap_analysis@v1", reference_predictions=first, candidate_predictions=nothing)["overlaps"]
    assert pair["overlap_ratio"] == 1


def test_nothing_overlaps_nothing(run: BlockRunner) -> None:
    nothing, one = detections.empty(IMAGE.ancestry), table(IMAGE, [TRAY])
    for first, second in ((nothing, one), (one, nothing), (nothing, nothing)):
        fields = {"reference_predictions": first, "candidate_predictions": second}
        assert run("core/overlap_analysis@v1", **fields) == {"overlaps": []}
