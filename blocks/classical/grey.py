"""Grey tones, which most of the methods here work on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pixels in one channel, (H, W); grey ones as they are."""
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
