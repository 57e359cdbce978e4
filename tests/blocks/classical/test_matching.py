"""A small picture in a large one."""

from __future__ import annotations

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image

BLOCK = "core/template_matching@v1"


def patched() -> tuple[Image, Image]:
    """A picture that holds the template at (10, 20) and, brighter and with some noise, at (50, 30)."""
    scene = picture(seed=2).pixels // 2
    patch = picture(12, 9, seed=5).pixels // 2
    scene[20:32, 10:19] = patch
    noise = np.random.default_rng(0).integers(0, 20, patch.shape)
    scene[30:42, 50:59] = patch + 60 + noise
    return Image.from_array(scene), Image.from_array(patch)


def test_every_place_is_found_with_its_score(run: BlockRunner) -> None:
    image, template = patched()
    result = run(BLOCK, image=image, template=template)
    found = result["predictions"]
    assert result["number_of_matches"] == 2
    assert found.xyxy.tolist() == [[10, 20, 19, 32], [50, 30, 59, 42]]
    assert found.confidence[0] == pytest.approx(1, abs=1e-3)
    assert 0.9 < found.confidence[1] < 0.999
    assert detections.class_names(found) == ["template_match"] * 2
    assert found.class_id.tolist() == [0, 0]
    assert found.mask is None


def test_of_overlapping_matches_the_surest_is_kept(run: BlockRunner) -> None:
    ramp = np.zeros((40, 60), dtype=np.uint8)
    ramp[10:30, 20:40] = 200
    template = Image.from_array(ramp[5:35, 15:45].copy())
    fields = {"image": Image.from_array(ramp), "template": template, "matching_threshold": 0.5}
    every = run(BLOCK, apply_nms=False, **fields)
    best = run(BLOCK, **fields)
    assert every["number_of_matches"] > 20
    assert best["number_of_matches"] == 1
    assert best["predictions"].xyxy.tolist() == [[15, 5, 45, 35]]
    some = run(BLOCK, nms_threshold=0.9, **fields)["number_of_matches"]
    assert 1 < some < every["number_of_matches"]


@pytest.mark.parametrize("limit", [0.0, 0.3, 0.7])
def test_the_kept_ones_are_those_of_the_textbook(run: BlockRunner, limit: float) -> None:
    from supervision import box_iou_batch

    image, template = patched()
    fields = {"image": image, "template": template, "matching_threshold": 0.1}
    every = run(BLOCK, apply_nms=False, **fields)["predictions"]
    overlaps = box_iou_batch(every.xyxy, every.xyxy)
    kept: list[int] = []
    for index in np.argsort(-every.confidence, kind="stable"):
        if all(overlaps[index, other] <= limit for other in kept):
            kept.append(int(index))
    found = run(BLOCK, nms_threshold=limit, **fields)["predictions"]
    assert found.xyxy.tolist() == every.xyxy[sorted(kept)].tolist()


def test_no_place_and_too_large_a_template(run: BlockRunner) -> None:
    image, template = patched()
    for small in (Image.from_array(picture(9, 9, seed=9).pixels), picture(61, 20)):
        result = run(BLOCK, image=image, template=small)
        assert result["number_of_matches"] == len(result["predictions"]) == 0
        assert detections.image_size(result["predictions"]) == (60, 80)
    assert run(BLOCK, image=template, template=template)["number_of_matches"] == 1


def test_too_many_matches_are_refused(run: BlockRunner) -> None:
    image = picture(150, 150)
    with pytest.raises(BlockError, match="at most 10000"):
        run(BLOCK, image=image, template=picture(3, 3), matching_threshold=-1.0, apply_nms=False)
