"""inference-models: RF-DETR-Seg on its torch and its ONNX backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from answers import fresh, save_detections
from host import Job


def prepare(*, backend: str, package: str, picture: str, confidence: float, masks: str) -> Job:
    """Load the weights of a package with ``torch`` or ``onnx``; ``masks`` is the form to give them in, dense or rle."""
    model = (_torch if backend == "torch" else _onnx)(package)
    pictures = fresh(np.load(picture))

    def run() -> Any:
        return model(
            next(pictures), input_color_format="bgr", confidence=confidence, mask_format=masks, max_detections=300
        )[0]

    def save(found: Any, path: str) -> dict[str, Any]:
        save_detections(
            path, class_id=found.class_id, score=found.confidence, xyxy=found.xyxy, masks=_dense(found.mask)
        )
        return {"objects": len(found.confidence)}

    run()
    return Job(run, save)


def _dense(mask: Any) -> Any:
    if isinstance(mask, torch.Tensor):
        return mask.numpy()
    from pycocotools import mask as coco

    return np.stack([coco.decode(row) for row in mask.to_coco_rle_masks()])


def _torch(package: str) -> Any:
    from inference_models.models.rfdetr.rfdetr_instance_segmentation_pytorch import RFDetrForInstanceSegmentationTorch

    model = RFDetrForInstanceSegmentationTorch.from_pretrained(package, device=torch.device("cpu"))
    model.optimize_for_inference()
    return model


def _onnx(package: str) -> Any:
    from inference_models.models.rfdetr.rfdetr_instance_segmentation_onnx import RFDetrForInstanceSegmentationOnnx

    providers = ["CPUExecutionProvider"]
    return RFDetrForInstanceSegmentationOnnx.from_pretrained(
        package, device=torch.device("cpu"), onnx_execution_providers=providers
    )
