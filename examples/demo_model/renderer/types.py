"""Array types of the renderer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""One number a pixel (height, width), or a linear-light RGB colour a pixel (height, width, 3)."""

Mask = NDArray[np.bool_]
"""One truth value a pixel (height, width)."""

Picture = NDArray[np.uint8]
"""A finished picture, (height, width, 3), blue-green-red."""

Colour = tuple[float, float, float]
"""Linear-light red, green, blue in [0, 1]."""
