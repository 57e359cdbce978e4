"""Where bilinear resampling reads: the one rule (``align_corners=False``) that pre- and post-processing share.

Sampling only the positions that are needed gives what resizing a whole image or mask would give, for less work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The samples along one axis: each lies between two neighbouring cells of the source.

    Attributes:
        low: Index of the cell before each sample, never decreasing.
        high: Index of the cell after it; equal to ``low`` at the border.
        weight: Share of the cell after it, in [0, 1), float32.
        starts: The first sample at or after each cell, and the number of samples: those from ``starts[k]`` up to
            ``starts[k + 1]`` lie between the cells ``k`` and ``k + 1``, by rising weight.
    """

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    weight: NDArray[np.float32]
    starts: NDArray[np.intp]


@lru_cache(maxsize=128)
def axis(source: int, target: int) -> Axis:
    """Return where ``target`` samples spread evenly over ``source`` cells fall.

    The centre of sample ``i`` lies at ``(i + 0.5) * source / target - 0.5``, cut off at the border. As in PyTorch's
    ``interpolate`` the scale is a float32, and so is the position, rounded once.
    """
    scale = np.float64(np.float32(source) / np.float32(target))
    position = ((np.arange(target) + 0.5) * scale - 0.5).astype(np.float32)
    position = position.clip(0, source - 1)
    low = position.astype(np.intp)
    starts = np.searchsorted(low, np.arange(source + 1))
    samples = Axis(low, np.minimum(low + 1, source - 1), position - low.astype(np.float32), starts)
    for array in (samples.low, samples.high, samples.weight, samples.starts):
        array.flags.writeable = False
    return samples
