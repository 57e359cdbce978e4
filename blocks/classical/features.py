"""Find points that can be recognised in another picture (SIFT), and compare pictures by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.classical.grey import grey
from workflow_engine.api import Image, colors

GREEN, RED = (0, 255, 0), (0, 0, 255)
FLANN_KD_TREE = 1
TREES, CHECKS = 5, 50


@dataclass(frozen=True, slots=True)
class Features:
    """What one picture is recognised by.

    Attributes:
        points: The points as OpenCV has them; ``None`` when only their descriptors are known.
        descriptors: One row of 128 numbers per point; ``None`` without points.
    """

    points: Sequence[Any] | None
    descriptors: NDArray[np.float32] | None


def sift(image: Image) -> dict[str, Any]:
    """Find points, describe each by 128 numbers, and draw them on the grey image."""
    found = _features(image)
    return {"image": _drawn(image, found), "keypoints": _listed(found), "descriptors": found.descriptors}


def sift_comparison(
    input_1: Any,
    input_2: Any,
    *,
    good_matches_threshold: int,
    ratio_threshold: float,
    matcher: str,
    visualize: bool,
) -> dict[str, Any]:
    """Count the points of one picture that are found again in another, and say whether those are enough.

    Either side is a picture or the descriptors of one. A point is found again when the nearest point of the other
    picture is nearer than ``ratio_threshold`` times the second nearest. Pictures can be drawn only where pictures are
    given.
    """
    one, two = _features(input_1), _features(input_2)
    good = _good_matches(one, two, matcher, ratio_threshold)
    images = [value if isinstance(value, Image) and visualize else None for value in (input_1, input_2)]
    return {
        "images_match": len(good) >= good_matches_threshold,
        "good_matches_count": len(good),
        "keypoints_1": _listed(one),
        "descriptors_1": one.descriptors,
        "keypoints_2": _listed(two),
        "descriptors_2": two.descriptors,
        "visualization_1": images[0] and _drawn(images[0], one),
        "visualization_2": images[1] and _drawn(images[1], two),
        "visualization_matches": _side_by_side(images, (one, two), good),
    }


def _features(value: Any) -> Features:
    """Return the features of an image, or those that are given as descriptors."""
    if isinstance(value, Image):
        points, found = cv2.SIFT.create().detectAndCompute(grey(value.pixels), np.empty(0))
        return Features(points, None if found is None else np.asarray(found, dtype=np.float32))
    if value is None or not len(value):
        return Features(None, None)
    return Features(None, np.asarray(value, dtype=np.float32))


def _listed(features: Features) -> list[Mapping[str, Any]] | None:
    if features.points is None:
        return None
    members = ("pt", "size", "angle", "response", "octave", "class_id")
    return [{name: getattr(point, name) for name in members} for point in features.points]


def _drawn(image: Image, features: Features) -> Image:
    tones = grey(image.pixels)
    drawn = cv2.drawKeypoints(tones, features.points or (), colors.colored(tones), GREEN)
    return image.with_pixels(np.asarray(drawn, dtype=np.uint8))


def _good_matches(one: Features, two: Features, matcher: str, ratio: float) -> list[Any]:
    """Return the matches that are nearer than ``ratio`` times the second best; none where that cannot be told."""
    if one.descriptors is None or two.descriptors is None or min(len(one.descriptors), len(two.descriptors)) < 2:
        return []
    if matcher == "BFMatcher":
        found = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one.descriptors, two.descriptors, k=2)
    else:
        search = cv2.FlannBasedMatcher({"algorithm": FLANN_KD_TREE, "trees": TREES}, {"checks": CHECKS})
        found = search.knnMatch(one.descriptors, two.descriptors, k=2)
    return [best for best, second in found if best.distance < ratio * second.distance]


def _side_by_side(images: Sequence[Image | None], features: tuple[Features, Features], good: list[Any]) -> Image | None:
    """Return both pictures beside each other with a line for every match."""
    first, second = images
    if first is None or second is None:
        return None
    one, two = colors.colored(first.pixels), colors.colored(second.pixels)
    canvas = np.zeros((max(len(one), len(two)), one.shape[1] + two.shape[1], 3), dtype=np.uint8)
    points = [side.points or () for side in features]
    drawn = cv2.drawMatches(one, points[0], two, points[1], good, canvas, matchColor=GREEN, singlePointColor=RED)
    return Image.from_array(np.asarray(drawn, dtype=np.uint8), id=first.ancestry.id, video=first.video)
