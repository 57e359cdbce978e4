"""Renders one picture of fasteners to a file.

Run as `python -m examples.demo_model.render tray.jpg --seed 900011 --surface plastic --count 14 14 --margin 0.14`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import cv2

from .renderer import CLASS_NAMES, SURFACES, Scene, SceneSpec, render_scene

JPEG_QUALITY = 92


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, help="file to write; the ending says the format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 960), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--oversampling", type=int, default=2)
    parser.add_argument("--count", type=int, nargs=2, default=(3, 14), metavar=("FEWEST", "MOST"))
    parser.add_argument("--classes", nargs="+", choices=CLASS_NAMES, default=CLASS_NAMES)
    parser.add_argument("--surface", choices=sorted(SURFACES))
    parser.add_argument("--lamp", type=float, nargs=2, metavar=("ELEVATION", "SOFTNESS"))
    parser.add_argument("--margin", type=float, default=0.03)
    return parser.parse_args()


def spec_from(arguments: argparse.Namespace) -> SceneSpec:
    """The scene that the command line asks for."""
    width, height = arguments.size
    return SceneSpec(
        seed=arguments.seed,
        size=(height, width),
        oversampling=arguments.oversampling,
        count=tuple(arguments.count),
        classes=tuple(arguments.classes),
        surface=arguments.surface,
        lamp=tuple(arguments.lamp) if arguments.lamp else None,
        margin=arguments.margin,
    )


def counts(scene: Scene) -> str:
    """How many of each class lie in a scene, as one line."""
    found = Counter(CLASS_NAMES[item.class_id] for item in scene.objects)
    return ", ".join(f"{found[name]} {name}" for name in CLASS_NAMES)


def main() -> None:
    """Render the picture and print what is in it."""
    arguments = parse_arguments()
    scene = render_scene(spec_from(arguments))
    if not cv2.imwrite(str(arguments.picture), scene.picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
        raise OSError(
            f"{arguments.picture}: the picture could not be written; choose a .jpg or .png in a folder that exists."
        )
    print(f"{arguments.picture}: {counts(scene)}")


if __name__ == "__main__":
    main()
