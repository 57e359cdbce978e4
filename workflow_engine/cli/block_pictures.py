"""What a block that draws looks like: its first example, run on one picture of parts on a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from workflow_engine.manifest import KINDS, BlockManifest
from workflow_engine.registry import Registry
from workflow_engine.selectors import is_reference

if TYPE_CHECKING:
    from workflow_engine.vision.detections import Detections
    from workflow_engine.vision.image import Image

QUALITY = 80
FRAMES, STEP = 12, (7.0, -4.0)  # a block that remembers sees as many frames, between which objects move so far
LARGEST = 480  # pixels of the longer side


def draws(block: BlockManifest) -> bool:
    """Whether the block has a picture: it draws on one."""
    return block.category == "visualize"


def example_picture(registry: Registry, block: BlockManifest) -> bytes | None:
    """Return what the block's first example draws, as a JPEG file, or ``None`` for a block that does not draw."""
    if not draws(block):
        return None
    from workflow_engine.vision.decode import encode_jpeg

    kind = registry.step_type(block.type)
    function = registry.function(block.type)
    call = function() if block.execution.stateful else function
    optional = {port.name: None for port in block.inputs if not port.required}
    image, objects = scene()
    result: Mapping[str, Any] = {}
    for frame in range(FRAMES) if block.execution.stateful else [FRAMES - 1]:
        given = _arguments(block, image, _moved(objects, FRAMES - 1 - frame))
        result = call(**{**optional, **kind.defaults, **given})
    return encode_jpeg(_small(result[block.outputs[0].name]), QUALITY)


def scene() -> tuple[Image, Detections]:
    """Return the picture, and the objects on it with masks, tracks and key points."""
    from workflow_engine.settings import Limits
    from workflow_engine.vision import detections, detections_json
    from workflow_engine.vision.decode import decode
    from workflow_engine.vision.image import Image

    folder = files("workflow_engine.cli") / "scene"
    pixels = decode((folder / "picture.jpg").read_bytes(), limits=Limits())
    objects = detections_json.from_json(json.loads((folder / "objects.json").read_text("utf-8")), name="image")
    boxes = objects.xyxy
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    return Image.from_array(pixels), detections.with_column(objects, "keypoints_xy", corners)


def _arguments(block: BlockManifest, image: Image, objects: Detections) -> dict[str, Any]:
    """Return the fields of the block's first example, a value of the scene standing for every reference."""
    step = block.examples[0].step
    kinds = {port.name: port.kinds for port in block.inputs}
    properties = block.parameters.properties
    return {
        name: _value(value, kinds[name] if name in kinds else properties[name], name, image, objects)
        for name, value in step.items()
        if name not in ("type", "name")
    }


def _value(value: Any, takes: Sequence[str] | Mapping[str, Any], name: str, image: Image, objects: Detections) -> Any:
    if not isinstance(takes, Mapping):
        return _sample(takes, name, image, objects)
    if is_reference(value):
        return 3 if takes.get("type") == "integer" else _sample(takes[KINDS], name, image, objects)
    items, members = takes.get("items"), takes.get("additionalProperties")
    if isinstance(value, list) and isinstance(items, Mapping) and KINDS in items:
        return [_sample(items[KINDS], f"{name}{index}", image, objects) for index in range(len(value))]
    if isinstance(value, dict) and isinstance(members, Mapping) and KINDS in members:
        return {key: objects if is_reference(one) else one for key, one in value.items()}
    return value


def _sample(kinds: Sequence[str], name: str, image: Image, objects: Detections) -> Any:
    """Return a value of the scene that has one of the kinds."""
    if "image" in kinds:
        return _part(image, objects) if name not in ("image", "images0") else image
    if "numpy_array" in kinds:
        return _odd(image, objects)
    if "classification_prediction" in kinds:
        ranked = [
            {"class": "bolt", "class_id": 0, "confidence": 0.91},
            {"class": "nut", "class_id": 1, "confidence": 0.6},
        ]
        return {"predictions": ranked, "top": "bolt", "confidence": 0.91}
    return (
        objects.select(slice(0, None, 2))
        if name.endswith("_a")
        else objects.select(slice(0, 5))
        if name.endswith("_b")
        else objects
    )


def _part(image: Image, objects: Detections) -> Image:
    """Return one object cut out of the picture, on a transparent ground."""
    from dataclasses import replace

    import numpy as np

    from workflow_engine.vision import masks

    assert objects.mask is not None
    inside, x, y = masks.window(objects.mask, 0)
    crop = image.crop(x, y, x + inside.shape[1], y + inside.shape[0], id="part")
    assert crop is not None
    return replace(crop, alpha=inside[: crop.height, : crop.width].astype(np.uint8) * 255)


def _odd(image: Image, objects: Detections) -> Any:
    """Return a map, 0 to 1, of how odd the picture is: some objects are, in their middle most."""
    import cv2
    import numpy as np

    odd = np.zeros((image.height, image.width), dtype=np.float32)
    for x1, y1, x2, y2 in objects.xyxy[::3].astype(int).tolist():
        cv2.ellipse(odd, ((x1 + x2) // 2, (y1 + y2) // 2), ((x2 - x1) // 2, (y2 - y1) // 2), 0, 0, 360, (1.0,), -1)
    return cv2.GaussianBlur(odd, (0, 0), 12)


def _moved(objects: Detections, frames: int) -> Detections:
    """Return the objects where they were some frames ago."""
    from workflow_engine.vision import detections

    return detections.replace(objects, xyxy=objects.xyxy - [frames * STEP[0], frames * STEP[1]] * 2)


def _small(image: Image) -> Any:
    import cv2

    scale = min(1.0, LARGEST / max(image.width, image.height))
    size = (round(image.width * scale), round(image.height * scale))
    return cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA)
