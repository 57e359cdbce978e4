"""Pictures, weights and workflows that every contestant is given alike; made once, kept in the work folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "conformance" / "golden_rfdetr"
PHOTO = ROOT / "examples" / "many_fasteners" / "trays.jpg"
SIZES = ("nano", "small", "medium", "large", "xlarge", "2xlarge")
RESOLUTION = {"nano": 312, "small": 384, "medium": 432, "large": 504, "xlarge": 624, "2xlarge": 768}
PICTURES = {"480 x 640": (480, 640), "1080 x 1920": (1080, 1920), "2160 x 3840": (2160, 3840)}
OBJECTS = 20


def picture(folder: Path, height: int, width: int) -> Path:
    """Return the file of one picture's pixels, blue-green-red ``uint8`` (height, width, 3)."""
    file = folder / f"{height}x{width}.npy"
    if not file.exists():
        photo = cv2.imread(str(PHOTO))
        assert photo is not None
        np.save(file, cv2.resize(photo, (width, height), interpolation=cv2.INTER_CUBIC))
    return file


def pictures(folder: Path, count: int) -> Path:
    """Return a folder of that many different JPEG files, 480 x 640, cut from one photo."""
    place = folder / f"pictures-{count}"
    if not place.exists():
        photo = cv2.imread(str(PHOTO))
        assert photo is not None
        place.mkdir()
        for number, view in enumerate(_views(photo, count)):
            cv2.imwrite(str(place / f"{number:03}.jpg"), view)
    return place


def _views(photo: NDArray[Any], count: int) -> Iterator[NDArray[Any]]:
    large = cv2.resize(photo, (960, 720), interpolation=cv2.INTER_AREA)
    places = np.random.default_rng(0).integers(0, (240, 320), size=(count, 2))
    for top, left in places:
        yield large[top : top + 480, left : left + 640]


def checkpoint(folder: Path, size: str) -> Path:
    """Return a checkpoint in upstream's form, with weights made from names and shapes alone."""
    file = folder / f"rf-detr-seg-{size}.pth"
    if not file.exists():
        import torch

        from tests.conformance.golden_rfdetr.make_weights import build_state_dict

        torch.save({"model": build_state_dict(GOLDEN / "keys" / f"{size}.json")}, file)
    return file


def kept_model(home: Path, folder: Path, size: str) -> str:
    """Return the id under which those weights are in our catalogue below ``home``."""
    from workflow_engine import Engine
    from workflow_engine.settings import load

    model_id = f"benchmark/{size}"
    catalogue = Engine(load({"SEGFLOW_HOME": str(home)})).models.catalogue
    if model_id not in {entry.id for entry in catalogue.list()}:
        catalogue.add(model_id, checkpoint(folder, size), model_type=f"rfdetr-seg-{size}", labels="coco")
    return model_id


def document_file(name: str) -> Path:
    """Return the file of one of the workflows beside this module."""
    return Path(__file__).parent / "workflows" / f"{name}.json"


def document(name: str) -> dict[str, Any]:
    """Return one of those workflows."""
    content: dict[str, Any] = json.loads(document_file(name).read_text())
    return content


def objects(width: int, height: int, count: int = OBJECTS) -> dict[str, Any]:
    """Return detections as both engines read them from JSON: boxes on a grid, classes and scores in turn."""
    names = ("bolt", "nut", "washer", "screw")
    side = 60
    rows = [
        {
            "x": 70.0 + (side + 40) * (number % 5),
            "y": 70.0 + (side + 40) * (number // 5),
            "width": float(side),
            "height": float(side - 10),
            "confidence": round(0.5 + 0.02 * number, 2),
            "class": names[number % 4],
            "class_id": number % 4,
            "detection_id": f"object-{number}",
            "parent_id": "image",
        }
        for number in range(count)
    ]
    return {"image": {"width": width, "height": height}, "predictions": rows}
