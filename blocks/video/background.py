"""Tell what moves in front of a camera from what stays: a background model of each pixel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.video.state import video_id, zone_polygons
from workflow_engine.api import BlockError, Detections, Image, Recent, detections

Contour = NDArray[np.int32]


def _model(history: int, threshold: int) -> cv2.BackgroundSubtractorMOG2:
    return cv2.createBackgroundSubtractorMOG2(history=history, varThreshold=threshold, detectShadows=True)


class BackgroundSubtraction:
    """Learns the background of each video."""

    def __init__(self) -> None:
        self._models: Recent[str, cv2.BackgroundSubtractorMOG2] = Recent(most=16)

    def __call__(self, image: Image, *, threshold: int, history: int) -> dict[str, Image]:
        """Return what differs from the background: white, shadows grey (127), the rest black."""
        model = self._models.of(video_id(image), lambda: _model(history, threshold))
        mask = model.apply(image.pixels)
        return {"image": image.with_pixels(np.repeat(mask[:, :, np.newaxis], 3, axis=2))}


@dataclass
class _Watch:
    """The background of one video, how many frames it has learned from, and whether something moved last."""

    model: cv2.BackgroundSubtractorMOG2
    frames: int = 0
    moved: bool = False


class MotionDetection:
    """Learns the background of each video, and whether something moved in it before."""

    def __init__(self) -> None:
        self._watches: Recent[str, _Watch] = Recent(most=16)

    def __call__(
        self,
        image: Image,
        *,
        minimum_contour_area: int,
        morphological_kernel_size: int,
        threshold: int,
        history: int,
        detection_zone: Sequence[Any] | str | None,
        suppress_first_detections: bool,
    ) -> dict[str, Any]:
        """Find what moves.

        Regions of more than ``minimum_contour_area`` pixels are cut to the zone and simplified to 1 % of their
        perimeter. ``alarm`` is true in the frame in which motion begins.

        Raises:
            BlockError: The zone is no polygon.
        """
        zone = _read_zone(detection_zone)
        watch = self._watches.of(video_id(image), lambda: _Watch(_model(history, threshold)))
        mask = np.asarray(watch.model.apply(image.pixels), dtype=np.uint8)
        watch.frames += 1
        regions: list[Contour] = []
        if watch.frames > history or not suppress_first_detections:
            regions = _regions(mask, morphological_kernel_size, minimum_contour_area)
            regions = regions if zone is None else [part for region in regions for part in _cut(region, zone)]
        outlines = [outline for outline in map(_simplified, regions) if len(outline) >= 3]
        motion, before = bool(regions), watch.moved
        watch.moved = motion
        return {
            "motion": motion,
            "alarm": motion and not before,
            "detections": _table(image, outlines),
            "motion_zones": [outline.reshape(-1, 2).tolist() for outline in outlines],
        }


def _read_zone(zone: Sequence[Any] | str | None) -> Any:
    """Return the zone as a shape; ``None`` for everywhere. It may be written as JSON text."""
    from shapely import union_all

    if isinstance(zone, str) and zone:
        try:
            zone = json.loads(zone)
        except ValueError as error:
            message = f"The detection zone must be a list of points [x, y] in JSON; found {zone!r:.80}."
            raise BlockError(message, code="bad_value", whose="caller") from error
    if not zone:
        return None
    polygons = [_shape(polygon) for polygon in zone_polygons(zone)]
    return polygons[0] if len(polygons) == 1 else union_all(polygons)


def _shape(points: NDArray[Any]) -> Any:
    """Return the shape of an outline; one that crosses itself is made valid."""
    from shapely import Polygon, make_valid

    polygon = Polygon(points)
    return polygon if polygon.is_valid else make_valid(polygon)


def _regions(mask: NDArray[np.uint8], kernel_size: int, least: int) -> list[Contour]:
    """Return the outlines of what is left of a mask when specks are removed, shadows included."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (kernel_size, kernel_size))
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
    found, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [contour for contour in found if len(contour) > 2 and cv2.contourArea(contour) > least]
    return [np.asarray(contour, dtype=np.int32) for contour in large]


def _cut(region: Contour, zone: Any) -> list[Contour]:
    """Return the parts of a region that lie in the zone, with whole coordinates."""
    from shapely import get_parts

    parts = get_parts(_shape(region.reshape(-1, 2)).intersection(zone))
    shapes = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    return [np.array(shape.exterior.coords[:-1], dtype=np.int32).reshape(-1, 1, 2) for shape in shapes]


def _simplified(region: Contour) -> Contour:
    return np.asarray(cv2.approxPolyDP(region, 0.01 * cv2.arcLength(region, True), True), dtype=np.int32)


def _table(image: Image, outlines: Sequence[Contour]) -> Detections:
    corners = [cv2.boundingRect(outline) for outline in outlines]
    count = len(corners)
    return detections.build(
        [(x, y, x + width, y + height) for x, y, width, height in corners],
        ancestry=image.ancestry,
        class_id=[0] * count,
        class_names=["motion"] * count,
        confidence=[1.0] * count,
        prediction_type="object-detection",
    )
