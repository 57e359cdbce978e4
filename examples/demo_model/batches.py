"""Training batches: cached pictures, varied at random, as the network's input and its targets."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .cache import Cache

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

LEAST_KEPT = 0.3
"""An object of which a crop leaves less than this part is no target."""

Picture = NDArray[np.uint8]
Target = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's input.

    Attributes:
        pixel_values: (pictures, 3, side, side) float32, normalised.
        labels: for each picture `class_labels` (objects,), `boxes` (objects, 4) as centre x, centre y, width and
            height in [0, 1], and `masks` (objects, side, side), as the loss in `transformers` wants them.
    """

    pixel_values: Tensor
    labels: list[Target]


def turned(array: Picture, *, quarter_turns: int, mirrored: bool) -> Picture:
    """One of the eight symmetries of the square."""
    result = np.rot90(array, quarter_turns)
    return np.ascontiguousarray(result[:, ::-1] if mirrored else result)


def crop_window(rng: np.random.Generator, side: int) -> tuple[slice, slice]:
    """The whole picture, or a part of at least seven tenths of each side."""
    if rng.random() < 0.5:
        return slice(0, side), slice(0, side)
    height, width = (int(side * share) for share in rng.uniform(0.7, 1.0, 2))
    top, left = int(rng.integers(0, side - height + 1)), int(rng.integers(0, side - width + 1))
    return slice(top, top + height), slice(left, left + width)


def recoloured(rng: np.random.Generator, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vary brightness, contrast and white balance of a picture in [0, 1]."""
    gains = np.exp(rng.normal(0.0, 0.12) + rng.normal(0.0, 0.05, 3)).astype(np.float32)
    middle = np.float32(picture.mean())
    contrast = np.float32(np.exp(rng.normal(0.0, 0.12)))
    return np.asarray(np.clip(((picture - middle) * contrast + middle) * gains, 0.0, 1.0), dtype=np.float32)


def normalised(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """(height, width, 3) RGB in [0, 1] to (3, height, width) with the network's mean and deviation."""
    scaled = (picture - np.asarray(MEAN, dtype=np.float32)) / np.asarray(DEVIATION, dtype=np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype=np.float32)


def targets(
    owner: Picture, classes: NDArray[np.int8], *, whole_areas: NDArray[np.float64], area_factor: float
) -> Target:
    """The targets of one varied picture.

    Args:
        owner: (side, side) number of the visible object at each pixel, 0 for the table.
        classes: class of object 1, 2, …
        whole_areas: pixels of each object before the variation, index 0 unused.
        area_factor: by how much the variation enlarges areas.
    """
    side = owner.shape[0]
    areas = np.bincount(owner.ravel(), minlength=len(whole_areas))
    numbers = [
        number
        for number in range(1, len(whole_areas))
        if areas[number] > 12 and areas[number] >= LEAST_KEPT * area_factor * whole_areas[number]
    ]
    masks = np.stack([owner == number for number in numbers]) if numbers else np.zeros((0, side, side), dtype=bool)
    boxes = np.zeros((len(numbers), 4), dtype=np.float32)
    for row, mask in enumerate(masks):
        down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, bottom, left, right = down[0], down[-1] + 1, across[0], across[-1] + 1
        boxes[row] = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
    return {
        "class_labels": torch.tensor([int(classes[number - 1]) for number in numbers], dtype=torch.int64),
        "boxes": torch.from_numpy(boxes / side),
        "masks": torch.from_numpy(masks),
    }


def draw_example(rng: np.random.Generator, cache: Cache, *, side: int) -> tuple[NDArray[np.float32], Target]:
    """One random cached picture, turned, cropped and recoloured, with its targets."""
    index = int(rng.integers(len(cache.pictures)))
    quarter_turns, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    owner = turned(cache.owners[index], quarter_turns=quarter_turns, mirrored=mirrored)
    whole_areas = np.bincount(owner.ravel(), minlength=int((cache.classes[index] >= 0).sum()) + 1).astype(np.float64)
    window = crop_window(rng, owner.shape[0])
    picture = turned(cache.pictures[index], quarter_turns=quarter_turns, mirrored=mirrored)[window]
    cut = owner[window]
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255.0
    small = np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_NEAREST_EXACT), dtype=np.uint8)
    found = targets(small, cache.classes[index], whole_areas=whole_areas, area_factor=side * side / cut.size)
    return normalised(recoloured(rng, resized)), found


def draw_batch(cache: Cache, *, seed: int, step: int, pictures: int, side: int) -> Batch:
    """The batch of one step: it depends on nothing but the arguments, so that a resumed run repeats it."""
    rng = np.random.default_rng([seed, step])
    examples = [draw_example(rng, cache, side=side) for _ in range(pictures)]
    pixel_values = torch.from_numpy(np.stack([picture for picture, _ in examples]))
    return Batch(pixel_values, [found for _, found in examples])
