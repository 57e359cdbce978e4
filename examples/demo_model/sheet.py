"""Draws what the model finds in unseen pictures, many in one file.

Run as `python -m examples.demo_model.sheet MODEL sheet.jpg`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from .detector import Detections, detect, load_detector
from .evaluate import unseen_scenes
from .renderer import CLASS_NAMES
from .renderer.types import Picture

COLOURS = ((66, 135, 245), (80, 200, 90), (235, 90, 200), (40, 210, 240))
"""One colour a class, blue-green-red."""

COLUMNS, ROWS = 3, 3
TILE = (450, 338)
THRESHOLD = 0.4
JPEG_QUALITY = 82


def draw_detections(picture: Picture, found: Detections) -> Picture:
    """A copy of a picture with every mask tinted and outlined and labelled with its class and score."""
    drawn = picture.copy()
    for score, class_id, box, mask in zip(found.scores, found.class_ids, found.boxes, found.masks, strict=True):
        colour = COLOURS[class_id]
        drawn[mask] = (0.6 * drawn[mask] + 0.4 * np.array(colour)).astype(np.uint8)
        outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, colour, 2, cv2.LINE_AA)
        at = (max(int(box[0]), 2), max(int(box[1]) - 5, 14))
        for shade, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            text = f"{CLASS_NAMES[class_id]} {score:.2f}"
            cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, shade, thickness, cv2.LINE_AA)
    return drawn


def contact_sheet(model_folder: Path) -> Picture:
    """The first unseen pictures with detections, in rows."""
    model = load_detector(model_folder)
    tiles = [
        cv2.resize(
            draw_detections(scene.picture, detect(model, scene.picture, threshold=THRESHOLD)),
            TILE,
            interpolation=cv2.INTER_AREA,
        )
        for scene in unseen_scenes(COLUMNS * ROWS)
    ]
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows).astype(np.uint8)


def main() -> None:
    """Draw the sheet from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder that export.py has written")
    parser.add_argument("sheet", type=Path, help="JPEG file to write")
    arguments = parser.parse_args()
    cv2.imwrite(str(arguments.sheet), contact_sheet(arguments.model), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


if __name__ == "__main__":
    main()
