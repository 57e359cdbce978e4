"""Pictures on which two forms of one model are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Limits, decode

SUFFIXES = (".jpg", ".jpeg", ".png")


def pictures(folder: Path) -> list[NDArray[np.uint8]]:
    """Return the pictures for the model in ``folder``, each blue-green-red (H, W, 3).

    They are a person, a cat and a cup, which weights for COCO know, and the model's own: files in its folder that are
    called ``reference`` and more, such as ``reference.jpg`` or ``reference-2.png``.
    """
    from skimage import data

    own = sorted(file for file in folder.glob("reference*") if file.suffix.lower() in SUFFIXES)
    known = [data.astronaut(), data.chelsea(), data.coffee()]  # type: ignore[no-untyped-call]
    return [
        *(decode.read_file(file, limits=Limits()) for file in own),
        *(np.ascontiguousarray(picture[:, :, ::-1]) for picture in known),
    ]
