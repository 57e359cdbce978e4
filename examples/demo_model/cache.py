"""Draws the training pictures once and keeps them, squeezed to a square, as plain arrays on disk.

Run as `python -m examples.demo_model.cache FOLDER --pictures 9000 --processes 2`.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from .renderer import SceneSpec, render_scene

SIDE = 288
"""Side in pixels of a kept picture."""

MOST_OBJECTS = 16

RUN = 100
"""Pictures that a process draws before it reports."""

ASPECTS = (1.0, 4 / 3, 4 / 3, 3 / 4, 3 / 2, 16 / 9)


@dataclass(frozen=True, slots=True)
class Cache:
    """Kept pictures, memory-mapped.

    Attributes:
        pictures: (pictures, SIDE, SIDE, 3) uint8, red-green-blue.
        owners: (pictures, SIDE, SIDE) uint8, the number of the visible object counted from 1; 0 is the table.
        classes: (pictures, MOST_OBJECTS) int8, the class of object 1, 2, …; -1 is none.
    """

    pictures: NDArray[np.uint8]
    owners: NDArray[np.uint8]
    classes: NDArray[np.int8]


def array_path(folder: Path, name: str) -> Path:
    """Where one of the arrays of a cache lies."""
    return folder / f"{name}.npy"


def open_cache(folder: Path) -> Cache:
    """Open a finished cache for reading."""
    pictures, owners, classes = (
        np.load(array_path(folder, name), mmap_mode="r") for name in ("pictures", "owners", "classes")
    )
    return Cache(pictures, owners, classes)


def training_spec(seed: int) -> SceneSpec:
    """The scene of one training picture: common camera shapes, at about the sizes that users send."""
    rng = np.random.default_rng([seed, 99])
    aspect = float(rng.choice(np.array(ASPECTS)))
    longer = int(rng.integers(420, 820))
    height, width = (longer / aspect, longer) if aspect >= 1 else (longer, longer * aspect)
    return SceneSpec(seed=seed, size=(round(height), round(width)), oversampling=1)


def plain_resize(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bilinear resize to a square without antialias, as the model's input is made."""
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def draw_into(folder: Path, *, first: int, last: int) -> int:
    """Draw the pictures `first` to `last` - 1 into the arrays of a cache; the index is the seed."""
    cv2.setNumThreads(1)
    pictures, owners, classes = (
        open_memmap(array_path(folder, name), mode="r+") for name in ("pictures", "owners", "classes")
    )
    for index in range(first, last):
        scene = render_scene(training_spec(index))
        pictures[index] = plain_resize(scene.picture, SIDE)[..., ::-1]
        owner = np.zeros(scene.picture.shape[:2], dtype=np.uint8)
        for number, item in enumerate(scene.objects, start=1):
            owner[item.mask] = number
            classes[index, number - 1] = item.class_id
        owners[index] = cv2.resize(owner, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST_EXACT)
    return last


def allocate(folder: Path, pictures: int) -> None:
    """Make the arrays of an empty cache, on disk only."""
    folder.mkdir(parents=True, exist_ok=True)
    open_memmap(array_path(folder, "pictures"), mode="w+", dtype=np.uint8, shape=(pictures, SIDE, SIDE, 3))
    open_memmap(array_path(folder, "owners"), mode="w+", dtype=np.uint8, shape=(pictures, SIDE, SIDE))
    classes = open_memmap(array_path(folder, "classes"), mode="w+", dtype=np.int8, shape=(pictures, MOST_OBJECTS))
    classes[:] = -1
    classes.flush()


def build_cache(folder: Path, *, pictures: int, processes: int) -> None:
    """Draw `pictures` training pictures into `folder`."""
    allocate(folder, pictures)
    starts = range(0, pictures, RUN)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(draw_into, folder, first=start, last=min(start + RUN, pictures)) for start in starts]
        for done, run in enumerate(runs, start=1):
            print(f"{run.result()} pictures drawn ({done}/{len(runs)})", flush=True)


def main() -> None:
    """Build a cache from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=9_000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    build_cache(arguments.folder, pictures=arguments.pictures, processes=arguments.processes)


if __name__ == "__main__":
    main()
