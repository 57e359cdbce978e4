"""Spread the tones of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Image

MIDDLE = 128.0
BRIGHTENING = 1 / 1.3  # the exponent that lifts the middle tones
TILE_CLIP = 0.03


def contrast_enhancement(
    image: Image, *, clip_limit: int, contrast_multiplier: float, normalize_brightness: bool
) -> dict[str, Image]:
    """Stretch each colour so that all but ``clip_limit`` percent at either end fill the range, then spread or lift it.

    The stretched tones are moved away from the middle by ``contrast_multiplier``, and with ``normalize_brightness`` the
    middle tones are lifted. A colour of a single tone stays as it is.
    """
    channels = np.atleast_3d(image.pixels)
    shares = (clip_limit / 100, 1 - clip_limit / 100)
    stretched = [
        _stretched(channels[..., index], shares, contrast_multiplier, BRIGHTENING if normalize_brightness else 1.0)
        for index in range(channels.shape[2])
    ]
    return {"image": image.with_pixels(np.dstack(stretched).reshape(image.pixels.shape))}


def _stretched(
    tones: NDArray[np.uint8], shares: tuple[float, float], multiplier: float, exponent: float
) -> NDArray[np.uint8]:
    low, high = np.quantile(tones, shares)
    if high <= low:
        return tones
    spread = MIDDLE + ((np.arange(256) - low) / (high - low) * 255 - MIDDLE) * multiplier
    table: NDArray[np.uint8] = ((spread.clip(0, 255) / 255) ** exponent * 255).round(4).astype(np.uint8)
    return table[tones]


def contrast_equalization(image: Image, *, equalization_type: str) -> dict[str, Image]:
    """Spread the tones of all colours together: linearly, by how often each occurs, or so in each part of the image."""
    from skimage import exposure

    pixels = image.pixels
    if equalization_type == "Contrast Stretching":
        low, high = np.percentile(pixels, (2, 98))
        spread = (pixels.clip(low, high) - low) / (high - low) * 255 if high > low else pixels
    elif equalization_type == "Histogram Equalization":
        flat = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
        spread = exposure.equalize_hist(flat).reshape(pixels.shape) * 255  # type: ignore[no-untyped-call]
    else:
        spread = exposure.equalize_adapthist(pixels.astype(np.float32) / 255, clip_limit=TILE_CLIP) * 255
    return {"image": image.with_pixels(np.asarray(spread).astype(np.uint8))}
