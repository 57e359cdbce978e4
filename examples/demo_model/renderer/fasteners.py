"""What every fastener is to the rest of the renderer: a class name, a size, and a relief.

A fastener is drawn in its own frame: `u` along its axis, `v` across, both in thread diameters, the origin in the
middle of its length. `relief` answers, for arrays of such positions, what one sees from straight above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .types import Field, Mask

CLASS_NAMES = ("bolt", "nut", "washer", "screw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """What a fastener looks like from above.

    Attributes:
        inside: where there is fastener, holes excluded.
        height: height above its own resting plane in thread diameters; continuous across the outline.
        shade: factor on the reflected light: 1 is bare metal, less is a recess.
        nylon: where the material is a plastic insert and not metal.
    """

    inside: Mask
    height: Field
    shade: Field
    nylon: Mask


def metal(inside: Mask, height: NDArray[Any], *, shade: NDArray[Any] | None = None) -> Relief:
    """The relief of a body without a plastic insert; without a `shade` all of it is bare."""
    return Relief(
        inside=inside,
        height=height.astype(np.float32),
        shade=np.ones(inside.shape, dtype=np.float32) if shade is None else shade.astype(np.float32),
        nylon=np.zeros(inside.shape, dtype=np.bool_),
    )


class Fastener(Protocol):
    """One fastener; lengths are in thread diameters."""

    @property
    def class_name(self) -> str:
        """Its class, one of `CLASS_NAMES`."""

    @property
    def half_length(self) -> float:
        """From its middle to either end."""

    @property
    def half_width(self) -> float:
        """From its axis to the farthest side."""

    @property
    def stature(self) -> float:
        """How tall it stands as its shadow tells."""

    def relief(self, u: Field, v: Field) -> Relief:
        """What is seen at positions `u` along and `v` across its axis."""
