"""Compare embeddings: with each other, and with those seen before."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import BlockError

Vector = NDArray[np.float64]


def cosine_similarity(embedding_1: Sequence[float], embedding_2: Sequence[float]) -> dict[str, float]:
    """Return the cosine of the angle between two vectors; 0 where one of them has no length.

    Raises:
        BlockError: They have different numbers of elements.
    """
    one, other = np.asarray(embedding_1, dtype=np.float64), np.asarray(embedding_2, dtype=np.float64)
    if one.shape != other.shape:
        message = f"The embeddings have {one.size} and {other.size} elements; they must come from the same model."
        raise BlockError(message, whose="author")
    return {"similarity": float(_unit(one) @ _unit(other))}


def _unit(vector: Sequence[float] | Vector) -> Vector:
    """Return the vector with length 1, or itself when it has none."""
    array = np.asarray(vector, dtype=np.float64)
    return array / (np.linalg.norm(array) or 1.0)


class _Average(Protocol):
    """A mean and a standard deviation that follow the values given; of vectors, element by element."""

    mean: Any
    deviation: Any

    def add(self, value: Any, count: int) -> None:
        """Take in another value, the ``count``-th."""


class _Exponential:
    """Each value counts for a share, all before it for the rest."""

    def __init__(self, first: Any, share: float) -> None:
        self.mean, self._variance, self.deviation = first, 0.0 * first, 0.0 * first
        self._share = share

    def add(self, value: Any, count: int) -> None:
        self.mean = (1 - self._share) * self.mean + self._share * value
        self._variance = (1 - self._share) * self._variance + self._share * (value - self.mean) ** 2
        self.deviation = np.sqrt(self._variance)


class _Simple:
    """All values count the same (Welford's method)."""

    def __init__(self, first: Any) -> None:
        self.mean, self._moment, self.deviation = first, 0.0 * first, 0.0 * first

    def add(self, value: Any, count: int) -> None:
        before = value - self.mean
        self.mean = self.mean + before / count
        self._moment = self._moment + before * (value - self.mean)
        self.deviation = np.sqrt(self._moment / (count - 1))


class _Window:
    """The last values count, but for the very first."""

    def __init__(self, first: Any, size: int) -> None:
        self.mean, self.deviation = first, 0.0 * first
        self._values: deque[Any] = deque(maxlen=size)

    def add(self, value: Any, count: int) -> None:
        self._values.append(value)
        self.mean, self.deviation = np.mean(self._values, axis=0), np.std(self._values, axis=0)


class IdentifyChanges:
    """Knows the usual embedding, and how near to it embeddings usually are."""

    def __init__(self) -> None:
        self._count = 0
        self._usual: _Average | None = None
        self._nearness: _Average | None = None

    def __call__(
        self,
        embedding: Sequence[float],
        *,
        strategy: str,
        threshold_percentile: float,
        warmup: int,
        smoothing_factor: float,
        window_size: int,
    ) -> dict[str, Any]:
        """Tell whether an embedding is unlike those before it.

        It is when its cosine similarity to their average is among the ``threshold_percentile`` most unusual ones, high
        and low, of a normal distribution with the mean and deviation of the similarities so far.
        """
        vector = _unit(embedding)
        self._count += 1
        z_score = 0.0
        if self._usual is not None:
            nearness = float(vector @ _unit(self._usual.mean))
            if self._nearness is None:
                self._nearness = _average(strategy, nearness, smoothing_factor, window_size)
            else:
                self._nearness.add(nearness, self._count)
            if self._nearness.deviation:
                z_score = float((nearness - self._nearness.mean) / self._nearness.deviation)
        if self._usual is None:
            self._usual = _average(strategy, vector, smoothing_factor, window_size)
        else:
            self._usual.add(vector, self._count)
        percentile = 0.5 * math.erfc(z_score / math.sqrt(2))
        warming_up = self._count <= warmup
        return {
            "is_outlier": not warming_up and not threshold_percentile / 2 < percentile < 1 - threshold_percentile / 2,
            "percentile": percentile,
            "z_score": z_score,
            "average": self._usual.mean.tolist(),
            "std": self._usual.deviation.tolist(),
            "warming_up": warming_up,
        }


def _average(strategy: str, first: Any, share: float, size: int) -> _Average:
    if strategy == "Exponential Moving Average (EMA)":
        return _Exponential(first, share)
    return _Simple(first) if strategy == "Simple Moving Average (SMA)" else _Window(first, size)


class IdentifyOutliers:
    """Knows the last embeddings."""

    def __init__(self) -> None:
        self._count = 0
        self._last: deque[Vector] = deque()

    def __call__(
        self, embedding: Sequence[float], *, threshold_percentile: float, warmup: int, window_size: int
    ) -> dict[str, Any]:
        """Tell whether an embedding points elsewhere than the last ones.

        The percentile is the share of them, itself included, that are farther from their mean direction (that of a von
        Mises-Fisher distribution fitted to them); below the threshold, and above its complement, is an outlier.
        """
        self._count += 1
        self._last.append(_unit(embedding))
        while len(self._last) > window_size:
            self._last.popleft()
        if self._count < warmup:
            return {"is_outlier": False, "percentile": 0.5, "warming_up": True}
        known = np.array(self._last)
        direction = known.sum(axis=0)
        if len(known) < 2 or not direction.any():
            direction = known[-1]
        nearness = known @ _unit(direction)
        percentile = float(np.count_nonzero(nearness < nearness[-1]) / len(nearness))
        outlier = not threshold_percentile <= percentile <= 1 - threshold_percentile
        return {"is_outlier": outlier, "percentile": percentile, "warming_up": False}
