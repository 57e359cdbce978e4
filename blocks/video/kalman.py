"""Kalman filters of trackers: where a box is going, and how fast a point moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POSITION, SPEED = 1 / 20, 1 / 160
"""Uncertainty of a position and of a speed, as a part of the box's height (Wojke et al., "Simple Online and Realtime
Tracking with a Deep Association Metric", 2017)."""
MOTION = np.eye(8) + np.eye(8, k=4)
"""One frame on: every measure moves by its speed."""


class BoxFilter:
    """Follows one box: its centre (x, y), its width by its height, its height, and the speeds of the four."""

    def __init__(self, box: NDArray[np.float64]) -> None:
        """Begin at ``box``, x1, y1, x2, y2, at rest."""
        measured = _measure(box)
        self._mean = np.concatenate([measured, np.zeros(4)])
        spread = _spread(measured[3], position=2 * POSITION, shape=1e-2, speed=10 * SPEED, shape_speed=1e-5)
        self._covariance = np.diag(spread**2)

    @property
    def box(self) -> NDArray[np.float64]:
        """Where the box is believed to be, as x1, y1, x2, y2."""
        center, (ratio, height) = self._mean[:2], self._mean[2:4]
        half = np.array([ratio * height, height]) / 2
        return np.concatenate([center - half, center + half])

    def predict(self, *, still: bool) -> None:
        """Go one frame on; a box that is ``still`` does not change its height."""
        if still:
            self._mean[7] = 0
        noise = _spread(self._mean[3], position=POSITION, shape=1e-2, speed=SPEED, shape_speed=1e-5)
        self._mean = MOTION @ self._mean
        self._covariance = MOTION @ self._covariance @ MOTION.T + np.diag(noise**2)

    def correct(self, box: NDArray[np.float64]) -> None:
        """Take into account that the box was seen at x1, y1, x2, y2."""
        noise = _spread(self._mean[3], position=POSITION, shape=1e-1, speed=0, shape_speed=0)[:4]
        expected = self._covariance[:4, :4] + np.diag(noise**2)
        gain = np.linalg.solve(expected, self._covariance[:4]).T
        self._mean = self._mean + gain @ (_measure(box) - self._mean[:4])
        self._covariance = self._covariance - gain @ expected @ gain.T


def _measure(box: NDArray[np.float64]) -> NDArray[np.float64]:
    x1, y1, x2, y2 = box
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / (y2 - y1), y2 - y1])


def _spread(height: float, *, position: float, shape: float, speed: float, shape_speed: float) -> NDArray[np.float64]:
    """Return the standard deviations of the eight measures."""
    near, fast = position * height, speed * height
    return np.array([near, near, shape, near, fast, fast, shape_speed, fast])
