"""Writes unseen pictures with their annotations in COCO's format, to evaluate workflows on.

Run as `python -m examples.demo_model.dataset FOLDER --pictures 100`; then `segflow evaluate WORKFLOW --dataset
FOLDER/annotations.json --images FOLDER`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .evaluate import SIZE, coco_entry, unseen_scenes
from .renderer import CLASS_NAMES

ANNOTATIONS = "annotations.json"


def write(folder: Path, *, pictures: int, size: tuple[int, int] = SIZE) -> Path:
    """Write pictures of `size` (height, width) as PNG files, and return the path of their annotations."""
    folder.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, scene in enumerate(unseen_scenes(pictures, size=size), start=1):
        name = f"{number:04}.png"
        if not cv2.imwrite(str(folder / name), scene.picture):
            raise OSError(f"{folder / name}: the picture could not be written.")
        images.append({"id": number, "file_name": name, "height": size[0], "width": size[1]})
        for item in scene.objects:
            entry = coco_entry(number, item.class_id, np.array(item.box), item.mask)
            entry["segmentation"]["counts"] = entry["segmentation"]["counts"].decode("ascii")
            entry |= {"id": len(annotations) + 1, "area": int(item.mask.sum()), "iscrowd": 0}
            annotations.append(entry)
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASS_NAMES, start=1)]
    path = folder / ANNOTATIONS
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def main() -> None:
    """Write a dataset from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=100)
    arguments = parser.parse_args()
    print(write(arguments.folder, pictures=arguments.pictures))


if __name__ == "__main__":
    main()
