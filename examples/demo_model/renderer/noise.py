"""Smooth random fields whose look does not depend on the size of the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .types import Field


def value_noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float]) -> Field:
    """A smooth field in about [-1, 1] that has `cells` (down, across) random cells over its whole extent."""
    rows, columns = (max(2, math.ceil(count) + 1) for count in cells)
    lattice = rng.uniform(-1.0, 1.0, (rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(lattice, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float], *, octaves: int, gain: float = 0.5
) -> Field:
    """A sum of `octaves` value noises, each twice as fine and `gain` times as strong as the one before."""
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        scale = 2.0**octave
        total += gain**octave * value_noise(rng, shape, (cells[0] * scale, cells[1] * scale))
    return total


def grain(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """White noise of unit variance, one value a pixel."""
    return rng.standard_normal(shape, dtype=np.float32)


def smooth_step(low: float, high: float, values: Field) -> Field:
    """Zero below `low`, one above `high`, a smooth cubic between (Hermite)."""
    fraction = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(fraction * fraction * (3.0 - 2.0 * fraction), dtype=np.float32)
