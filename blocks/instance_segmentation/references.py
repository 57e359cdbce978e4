"""Pictures on which two forms of one model are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Limits, decode


def own(folder: Path) -> list[Path]:
    """Return the model's own pictures: the files in its folder that are called ``reference`` and more."""
    return sorted(folder.glob("reference*"))


def pictures(folder: Path) -> list[NDArray[np.uint8]]:
    """Return the pictures for the model in ``folder``, each blue-green-red (H, W, 3).

    They are the model's own, and a person, a cat and a cup, which weights for COCO know.
    """
    from skimage import data

    known = [data.astronaut(), data.chelsea(), data.coffee()]  # type: ignore[no-untyped-call]
    return [
        *(decode.read_file(file, limits=Limits()) for file in own(folder)),
        *(np.ascontiguousarray(picture[:, :, ::-1]) for picture in known),
    ]


def views(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return a picture, its mirror images and two of its quarters: more of the same to take scales from."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    return [picture, picture[:, ::-1], picture[::-1], picture[:height, :width], picture[height:, width:]]
