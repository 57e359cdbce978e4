"""inference: its pipeline over a clip, with inference-models' RF-DETR-Seg on ONNX Runtime."""

from __future__ import annotations

from typing import Any

from host import Job
from inference import InferencePipeline
from with_inference_models import _onnx


def prepare(*, package: str, confidence: float, clip: str) -> Job:
    """Load the model; the pipeline itself is made for each run, as it serves only one."""
    model = _onnx(package)

    def find(frames: Any) -> list[Any]:
        return [
            model(one.image, input_color_format="bgr", confidence=confidence, mask_format="rle", max_detections=300)[0]
            for one in frames
        ]

    def run() -> dict[str, int]:
        found: list[Any] = []
        pipeline = InferencePipeline.init_with_custom_logic(
            video_reference=clip, on_video_frame=find, on_prediction=lambda prediction, _: found.append(prediction)
        )
        pipeline.start()
        pipeline.join()
        return {"frames": len(found)}

    return Job(run, lambda answer, _: answer)
