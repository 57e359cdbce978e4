"""RF-DETR-Seg against what upstream's package answered with the same weights on the same picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco

from blocks.instance_segmentation.family import FAMILY
from blocks.instance_segmentation.labels import COCO
from blocks.instance_segmentation.model import Objects
from tests.conformance.golden_rfdetr.make_weights import build_state_dict
from workflow_engine.vision.masks import to_rle

GOLDEN = Path(__file__).parent / "golden_rfdetr"
SIZES = [path.stem for path in sorted((GOLDEN / "expected").glob("*.json"))]

SCORE, BOX, MASK_IOU = 2e-4, 0.05, 0.995


BACKENDS = ("torch", "openvino", "onnx")


def found(size: str, backend: str, threshold: float, tmp_path: Path) -> Objects:
    """Go the way of a user's file: a checkpoint of upstream's is converted, loaded, and asked about the picture."""
    checkpoint, folder = tmp_path / "checkpoint.pth", tmp_path / "model"
    torch.save({"model": build_state_dict(GOLDEN / "keys" / f"{size}.json")}, checkpoint)
    folder.mkdir()
    contract = FAMILY.convert(checkpoint, folder, model_type=size, labels="coco", published=None)
    model = FAMILY.load(folder, contract, device="cpu", precision="float32", resolution=None, backend=backend)
    # The gate would step back from a backend that fails, and nothing were tested.
    assert backend in type(model._backend).__module__
    picture = cv2.imread(str(GOLDEN / "image.png"))
    assert picture is not None
    (objects,) = model.predict([picture.astype(np.uint8)], confidence=threshold, classes=None, max_detections=300)
    return objects


@pytest.mark.golden
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", SIZES)
def test_finds_what_upstream_finds(size: str, backend: str, tmp_path: Path) -> None:
    expected = json.loads((GOLDEN / "expected" / f"{size}.json").read_text())
    objects = found(size, backend, expected["threshold"], tmp_path)
    rows = expected["detections"]
    assert objects.class_id.tolist() == [row["class_id"] for row in rows]
    assert objects.class_names == [row["class_name"] for row in rows] == [COCO.get(row["class_id"], "") for row in rows]
    np.testing.assert_allclose(objects.confidence, [row["score"] for row in rows], atol=SCORE, rtol=0)
    np.testing.assert_allclose(objects.xyxy, [row["box"] for row in rows], atol=BOX, rtol=0)
    assert objects.masks is not None
    for i, row in enumerate(rows):
        mask = to_rle(objects.masks, i)
        if row["mask_area"]:
            assert coco.iou([mask], [row["mask_rle"]], [0])[0, 0] >= MASK_IOU
        else:
            assert coco.area(mask) == 0
