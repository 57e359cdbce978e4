"""From the light of a scene to the picture a camera makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .noise import grain
from .shading import blurred
from .types import Field, Picture


@dataclass(frozen=True, slots=True)
class Camera:
    """Settings of one exposure.

    Attributes:
        exposure: factor on the light.
        gains: white balance, red, green, blue.
        vignette: how much darker the corners are, 0 to 1.
        blur: Gaussian blur in pixels of the finished picture.
        noise: standard deviation of the sensor noise at mid grey, in 8-bit steps.
        contrast: exponent of the tone curve around mid grey; 1 is neutral.
    """

    exposure: float
    gains: tuple[float, float, float]
    vignette: float
    blur: float
    noise: float
    contrast: float


def draw_camera(rng: np.random.Generator) -> Camera:
    """A random exposure: colour temperature, vignette, focus and noise within what a telephone gives."""
    warmth = rng.normal(0.0, 0.09)
    green = rng.normal(0.0, 0.02)
    return Camera(
        exposure=math.exp(rng.normal(0.0, 0.16)),
        gains=(math.exp(warmth), math.exp(green), math.exp(-warmth)),
        vignette=rng.uniform(0.0, 0.4),
        blur=float(rng.choice([0.0, 0.4, 0.7, 1.0])),
        noise=rng.uniform(0.5, 5.0),
        contrast=rng.uniform(0.9, 1.2),
    )


def expose(rng: np.random.Generator, light: Field, camera: Camera, *, size: tuple[int, int]) -> Picture:
    """Take the picture: lens, sensor and tone curve.

    Args:
        rng: source of the sensor noise.
        light: linear-light RGB, at any oversampling of `size`.
        camera: the settings.
        size: (height, width) of the picture.

    Returns:
        (height, width, 3) uint8, blue-green-red.
    """
    height, width = size
    image = cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA)
    image = blurred(np.asarray(image, dtype=np.float32), camera.blur)
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    falloff = 1.0 - camera.vignette * 0.5 * (down * down + across * across)
    image = image * (camera.exposure * falloff)[..., None] * np.asarray(camera.gains, dtype=np.float32)
    shoulder = np.where(image > 0.6, 0.6 + 0.4 * np.tanh((image - 0.6) / 0.4), image)
    tone = np.power(np.clip(shoulder, 0.0, 1.0), camera.contrast / 2.2)
    luma = grain(rng, size)[..., None]
    chroma = np.stack([grain(rng, size) for _ in range(3)], axis=-1)
    noisy = 255.0 * tone + camera.noise * (0.8 * luma + 0.5 * chroma)
    return np.ascontiguousarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[..., ::-1])
