"""The surfaces on which fasteners lie: albedo in linear light, one function a material.

Each function takes a random generator and the size in pixels and answers an (height, width, 3) RGB field.
Lengths are fractions of the shorter side of the picture, so that a surface looks the same at every resolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from .noise import fractal_noise, grain, smooth_step, value_noise
from .types import Colour, Field

Surface = Callable[[np.random.Generator, tuple[int, int]], Field]


def srgb(red: int, green: int, blue: int) -> Colour:
    """The linear-light colour of an 8-bit sRGB one (gamma 2.2)."""
    return ((red / 255) ** 2.2, (green / 255) ** 2.2, (blue / 255) ** 2.2)


def pick(rng: np.random.Generator, palette: tuple[Colour, ...]) -> Field:
    """One colour of a palette, slightly varied, shaped to be broadcast over a picture."""
    colour = np.asarray(palette[int(rng.integers(len(palette)))], dtype=np.float32)
    variation = 1.0 + rng.uniform(-0.12, 0.12) + rng.uniform(-0.05, 0.05, 3)
    return np.asarray(np.clip(colour * variation, 0.004, 0.95), dtype=np.float32)


def blend(first: Field, second: Field, *, weight: Field) -> Field:
    """`first` where `weight` is 0, `second` where it is 1; colours are broadcast over the weight's pixels."""
    return np.asarray(first + (second - first) * weight[..., None], dtype=np.float32)


def rotate_onto(texture: Field, shape: tuple[int, int], *, angle: float) -> Field:
    """Turn a square texture about its centre by `angle` radians and cut the middle of `shape` out of it."""
    height, width = shape
    side = texture.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), math.degrees(angle), 1.0)
    matrix[:, 2] += (width / 2 - side / 2, height / 2 - side / 2)
    turned = cv2.warpAffine(texture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, dtype=np.float32)


def covering_side(shape: tuple[int, int]) -> tuple[int, float]:
    """Side in pixels of a square that covers `shape` at every rotation, and in units of its shorter side."""
    side = math.ceil(math.hypot(*shape)) + 2
    return side, side / min(shape)


def unit_ramp(side: int, length: float) -> Field:
    """Positions 0 … `length` of `side` pixels."""
    return np.linspace(0.0, length, side, dtype=np.float32)


def wood(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Planks with growth rings, fibres and dark joints."""
    side, extent = covering_side(shape)
    square = (side, side)
    across = unit_ramp(side, extent)[:, None]
    plank_width = rng.uniform(0.28, 0.9)
    plank_at = (across + rng.uniform(0, plank_width)) / plank_width
    plank = np.floor(plank_at).astype(np.int64)
    shifts = rng.uniform(0.0, 9.0, int(plank.max()) + 1).astype(np.float32)[plank]
    tones = rng.uniform(-0.25, 0.25, int(plank.max()) + 1).astype(np.float32)[plank]
    bend = fractal_noise(rng, square, (4 * extent, 1.2 * extent), octaves=3)
    rings = np.sin(2 * math.pi * ((across + shifts) * rng.uniform(5, 13) + bend * rng.uniform(0.5, 1.3)))
    fibres = value_noise(rng, square, (220 * extent, 7 * extent)) + value_noise(
        rng, square, (420 * extent, 16 * extent)
    )
    pores = smooth_step(0.7, 1.0, value_noise(rng, square, (520 * extent, 26 * extent)))
    dark = pick(rng, (srgb(158, 108, 64), srgb(118, 76, 44), srgb(186, 140, 88), srgb(128, 102, 80)))
    light = np.minimum(dark * rng.uniform(1.35, 1.75), 0.9)
    weight = np.clip(0.5 + 0.28 * rings + 0.13 * fibres + tones, 0.0, 1.0)
    board = blend(dark, light, weight=np.asarray(weight, dtype=np.float32)) * (1.0 - 0.16 * pores[..., None])
    joint = np.abs(plank_at - np.round(plank_at)) * plank_width
    board *= (0.35 + 0.65 * smooth_step(0.0015, 0.005, joint))[..., None]
    return rotate_onto(np.asarray(board, dtype=np.float32), shape, angle=rng.uniform(0, math.pi))


def brushed_metal(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """A sheet of brushed metal: fine streaks along one direction and broad reflections across it."""
    side, extent = covering_side(shape)
    square = (side, side)
    streaks = value_noise(rng, square, (500 * extent, 3 * extent)) + value_noise(
        rng, square, (900 * extent, 9 * extent)
    )
    broad = value_noise(rng, square, (1.5 * extent, 2.5 * extent))
    scratches = smooth_step(0.93, 1.0, value_noise(rng, square, (600 * extent, 5 * extent)))
    base = pick(rng, (srgb(150, 153, 158), srgb(118, 120, 124), srgb(176, 176, 172), srgb(96, 100, 108)))
    level = 1.0 + 0.11 * streaks + 0.16 * broad + 0.15 * scratches
    return rotate_onto(np.asarray(base * level[..., None], dtype=np.float32), shape, angle=rng.uniform(0, math.pi))


def fabric(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """A plain weave of warp and weft threads with uneven yarns."""
    side, extent = covering_side(shape)
    square = (side, side)
    threads = min(rng.uniform(45, 110), min(shape) / 4.0)
    wobble = value_noise(rng, square, (6 * extent, 6 * extent)) * 0.25
    position = unit_ramp(side, extent * threads)
    down, across = position[:, None] + wobble, position[None, :] + wobble
    over = np.sin(math.pi * down) * np.sin(math.pi * across)
    round_warp = np.abs(np.sin(math.pi * across))
    round_weft = np.abs(np.sin(math.pi * down))
    weave = np.where(over > 0, round_warp, round_weft).astype(np.float32)
    slubs = value_noise(rng, square, (threads * extent, 6 * extent)) + value_noise(
        rng, square, (6 * extent, threads * extent)
    )
    base = pick(
        rng,
        (
            srgb(66, 84, 112),
            srgb(140, 132, 118),
            srgb(196, 188, 172),
            srgb(92, 98, 88),
            srgb(126, 62, 56),
            srgb(60, 60, 64),
        ),
    )
    folds = value_noise(rng, square, (2 * extent, 2 * extent))
    level = 0.62 + 0.38 * weave + 0.09 * slubs + 0.06 * folds
    return rotate_onto(np.asarray(base * level[..., None], dtype=np.float32), shape, angle=rng.uniform(0, math.pi))


def paper(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Paper or cardboard: pale, with fibres, and sometimes the faint ribs of the corrugation."""
    fibres = fractal_noise(rng, shape, (60, 60), octaves=3, gain=0.7)
    clouds = value_noise(rng, shape, (5, 5))
    ribs = np.sin(unit_ramp(shape[0], 2 * math.pi * rng.uniform(25, 45)))[:, None] * rng.uniform(0.0, 0.035)
    base = pick(rng, (srgb(226, 224, 218), srgb(184, 148, 108), srgb(204, 196, 178), srgb(240, 238, 232)))
    level = 1.0 + 0.035 * fibres + 0.03 * clouds + ribs
    return np.asarray(base * level[..., None], dtype=np.float32)


def plastic(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """A moulded tray or bin: even colour, pebbled, with a broad soft sheen."""
    pebbles = value_noise(rng, shape, (170, 170)) + value_noise(rng, shape, (90, 90))
    sheen = value_noise(rng, shape, (2, 2))
    base = pick(
        rng,
        (
            srgb(52, 54, 58),
            srgb(40, 92, 150),
            srgb(188, 60, 46),
            srgb(214, 214, 210),
            srgb(226, 170, 60),
            srgb(120, 124, 128),
        ),
    )
    level = 1.0 + 0.05 * pebbles
    glossy = base * level[..., None] + 0.05 * np.maximum(sheen, 0.0)[..., None]
    return np.asarray(glossy, dtype=np.float32)


def cutting_mat(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """A self-healing workbench mat: a grid of thin lines, every fifth one heavier, and knife marks."""
    side, extent = covering_side(shape)
    square = (side, side)
    base = pick(rng, (srgb(44, 104, 88), srgb(50, 82, 128), srgb(62, 66, 72), srgb(124, 64, 84)))
    line = np.minimum(base * 2.6 + 0.06, 0.8)
    spacing = rng.uniform(0.05, 0.11)
    position = unit_ramp(side, extent) / spacing
    nearest = np.round(position)
    half_width = np.where(nearest % 5 == 0, 0.0028, 0.0013)
    distance = np.abs(position - nearest) * spacing
    soft = extent / side
    drawn = np.clip((half_width - distance) / soft + 0.5, 0.0, 1.0).astype(np.float32)
    grid = np.maximum(drawn[:, None], drawn[None, :]) * rng.uniform(0.45, 0.9)
    speckle = 0.05 * value_noise(rng, square, (200 * extent, 200 * extent))
    cuts = smooth_step(0.95, 1.0, value_noise(rng, square, (400 * extent, 2 * extent))) * 0.25
    mat = blend(base * (1.0 + speckle[..., None]), line, weight=np.maximum(grid, cuts).astype(np.float32))
    return rotate_onto(mat, shape, angle=rng.uniform(0, math.pi))


def stone(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Concrete or a laminate worktop: clouds, speckles and small pits."""
    clouds = fractal_noise(rng, shape, (5, 5), octaves=5, gain=0.6)
    speckles = smooth_step(0.55, 0.9, value_noise(rng, shape, (150, 150)))
    pits = smooth_step(0.72, 0.95, value_noise(rng, shape, (110, 110)))
    base = pick(rng, (srgb(150, 148, 143), srgb(108, 108, 110), srgb(186, 180, 170), srgb(84, 86, 92)))
    level = 1.0 + 0.09 * clouds + 0.13 * speckles - 0.22 * pits + 0.02 * grain(rng, shape)
    return np.asarray(base * level[..., None], dtype=np.float32)


SURFACES: dict[str, Surface] = {
    "wood": wood,
    "brushed_metal": brushed_metal,
    "fabric": fabric,
    "paper": paper,
    "plastic": plastic,
    "cutting_mat": cutting_mat,
    "stone": stone,
}
