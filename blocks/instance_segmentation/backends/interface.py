"""What a model asks of whatever computes its network. Arrays are numpy's; only float32 crosses this border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

# Part of the name of what is kept compiled: raise it when the graphs or the modules behind them change.
GRAPHS_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What must be known of a network to use it, apart from its weights.

    Attributes:
        side: Side in pixels of the square input.
        outputs: Class outputs per object.
        nbytes: Memory that the weights take.
    """

    side: int
    outputs: int
    nbytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What the network gives for N images, with Q queries each; all float32.

    Attributes:
        logits: Of each class, (N, Q, classes).
        boxes: Centre, width and height as fractions of the image, (N, Q, 4).
        queries: What to multiply mask maps with: d weights and a constant, (N, Q, d + 1).
        features: Feature map from which mask maps are made, (N, d, h, w).
    """

    logits: NDArray[np.float32]
    boxes: NDArray[np.float32]
    queries: NDArray[np.float32]
    features: NDArray[np.float32]


class Backend(Protocol):
    """Computes one network at one resolution. Safe to use from several threads.

    The network is two graphs, because half the work on masks can often be left out: boxes need none of it, nor does an
    image without objects. On nano the second graph is an eighth of the whole time.
    """

    @property
    def facts(self) -> Facts:
        """What there is to know of the network."""

    @property
    def batch(self) -> int:
        """How many images are best given at once."""

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        """Return what is found in normalised red-green-blue images, (N, 3, side, side).

        Raises:
            ModelError: If the device's memory is too small.
        """

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return feature maps, (N, d, h, w), at mask resolution, (N, d, m, m).

        Raises:
            ModelError: If the device's memory is too small.
        """

    def save(self, folder: Path) -> None:
        """Write what a later start needs, if anything, into an empty folder.

        Raises:
            OSError: If the disk refuses.
        """


def together(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return arrays for one image each, (1, …), as one for all.

    That of a single image is returned as it is: maps are megabytes, and the memory of a copy is taken anew each time.
    """
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def mask_logits(queries: NDArray[np.float32], maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the masks of queries, (K, d + 1), on the image with these maps, (d, m, m), as logits (K, m, m)."""
    # The threads of numpy's products go on spinning when they are done, and the network, which wants every core next,
    # then takes up to one and a half times as long. The setting is the process's: only one may change it at a time.
    with _product, _threads().limit(limits=1, user_api="blas"):
        logits = queries[:, :-1] @ maps.reshape(len(maps), -1)
    logits += queries[:, -1:]
    return logits.reshape(-1, *maps.shape[1:])


_product = Lock()


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()
