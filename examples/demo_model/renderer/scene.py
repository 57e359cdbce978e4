"""A random table with fasteners on it, drawn to a picture and to the visible mask of every object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .camera import draw_camera, expose
from .fasteners import CLASS_NAMES, Relief
from .layout import Placement, SceneSpec, lay_out
from .noise import value_noise
from .shading import Lighting, cast_shadow, draw_finish, draw_lighting, shade_relief
from .surfaces import SURFACES
from .types import Field, Mask, Picture

MINIMUM_VISIBLE = 0.35
"""An object of which less than this part can be seen is taken off the table."""


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object of a finished picture.

    Attributes:
        class_id: index into `CLASS_NAMES`.
        box: x_min, y_min, x_max, y_max in pixels around the visible mask.
        mask: visible pixels, (height, width).
    """

    class_id: int
    box: tuple[float, float, float, float]
    mask: Mask


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished picture and the objects in it, lowest first."""

    picture: Picture
    objects: tuple[SceneObject, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A placement on the pixel grid.

    Attributes:
        placement: what was drawn.
        rows, columns: the part of the canvas that it reaches into.
        relief: what it looks like there.
        scale: pixels a thread diameter.
        whole_area: pixels of the whole object, whether the canvas shows them or not.
    """

    placement: Placement
    rows: slice
    columns: slice
    relief: Relief
    scale: float
    whole_area: int


def draw_relief(placement: Placement, canvas: tuple[int, int]) -> Drawn | None:
    """Evaluate a placement on the pixels of its window; None where the canvas does not show it."""
    unit = min(canvas)
    scale = placement.diameter * unit
    reach = math.hypot(placement.fastener.half_length, placement.fastener.half_width) * scale + 3
    column, row = placement.centre[0] * unit, placement.centre[1] * unit
    top, bottom = math.floor(row - reach), math.ceil(row + reach)
    left, right = math.floor(column - reach), math.ceil(column + reach)
    down = (np.arange(top, bottom, dtype=np.float32) + 0.5 - row)[:, None] / scale
    across = (np.arange(left, right, dtype=np.float32) + 0.5 - column)[None, :] / scale
    cosine, sine = math.cos(placement.angle), math.sin(placement.angle)
    u = (across * cosine + down * sine).astype(np.float32)
    v = (down * cosine - across * sine).astype(np.float32)
    relief = placement.fastener.relief(u, v)
    rows = slice(max(top, 0), min(bottom, canvas[0]))
    columns = slice(max(left, 0), min(right, canvas[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    cut = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    visible = Relief(
        inside=relief.inside[cut], height=relief.height[cut], shade=relief.shade[cut], nylon=relief.nylon[cut]
    )
    return Drawn(placement, rows, columns, visible, scale, int(relief.inside.sum()))


def top_of_stack(drawn: list[Drawn], canvas: tuple[int, int]) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """For every pixel the number of the object on top, counted from 1; 0 is the table."""
    owner = np.zeros(canvas, dtype=np.int16)
    for number, item in enumerate(drawn, start=1):
        owner[item.rows, item.columns][item.relief.inside] = number
    return owner


def keep_visible(drawn: list[Drawn], canvas: tuple[int, int]) -> list[Drawn]:
    """Take hidden objects off the table, one at a time, until enough of each of the others can be seen."""
    remaining = list(drawn)
    while remaining:
        areas = np.bincount(top_of_stack(remaining, canvas).ravel(), minlength=len(remaining) + 1)[1:]
        parts = [area / item.whole_area for area, item in zip(areas, remaining, strict=True)]
        worst = int(np.argmin(parts))
        if parts[worst] >= MINIMUM_VISIBLE:
            break
        del remaining[worst]
    return remaining


def padded(window: slice, margin: int, *, limit: int) -> slice:
    """A window widened by `margin` pixels on both sides within [0, limit)."""
    return slice(max(window.start - margin, 0), min(window.stop + margin, limit))


def paint(light: Field, item: Drawn, *, lighting: Lighting) -> None:
    """Lay one object on the canvas, in place: first its shadow on what is there, then the object itself."""
    rng = np.random.default_rng(item.placement.seed)
    tall = item.scale * item.placement.fastener.stature
    margin = math.ceil(2.5 * item.scale)
    rows, columns = padded(item.rows, margin, limit=light.shape[0]), padded(item.columns, margin, limit=light.shape[1])
    inside = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.bool_)
    at = (
        slice(item.rows.start - rows.start, item.rows.stop - rows.start),
        slice(item.columns.start - columns.start, item.columns.stop - columns.start),
    )
    inside[at] = item.relief.inside
    strength = min(0.55 + 0.35 * lighting.key_strength / (lighting.sky + lighting.key_strength), 0.9)
    light[rows, columns] *= 1.0 - strength * cast_shadow(inside, lighting, height=tall)[..., None]
    colour = shade_relief(rng, item.relief, lighting=lighting, finish=draw_finish(rng), pixels_per_diameter=item.scale)
    light[item.rows, item.columns][item.relief.inside] = colour[item.relief.inside]


def light_table(rng: np.random.Generator, albedo: Field, *, lighting: Lighting) -> Field:
    """Light an empty table: brighter towards the lamp, with slow uneven patches."""
    height, width = albedo.shape[:2]
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    towards = down * float(lighting.key[1]) + across * float(lighting.key[0])
    patches = value_noise(rng, (height, width), (3, 3))
    level = (0.5 * lighting.sky + 0.72 * lighting.key_strength * float(lighting.key[2])) * (
        1 + 0.45 * towards + 0.08 * patches
    )
    return np.asarray(albedo * level[..., None], dtype=np.float32)


def visible_objects(drawn: list[Drawn], canvas: tuple[int, int], *, size: tuple[int, int]) -> tuple[SceneObject, ...]:
    """The masks at the size of the picture; an object takes a pixel of which it covers at least half."""
    owner = top_of_stack(drawn, canvas)
    found: list[SceneObject] = []
    for number, item in enumerate(drawn, start=1):
        covered = (owner == number).astype(np.float32)
        mask = cv2.resize(covered, (size[1], size[0]), interpolation=cv2.INTER_AREA) >= 0.5
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size:
            box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
            found.append(SceneObject(CLASS_NAMES.index(item.placement.fastener.class_name), box, np.asarray(mask)))
    return tuple(found)


def render_scene(spec: SceneSpec) -> Scene:
    """Draw one scene; the same specification gives the same picture, bit by bit."""
    return render_placements(spec, placements(spec))


def placements(spec: SceneSpec) -> list[Placement]:
    """What lies on a scene's table, and where."""
    return lay_out(np.random.default_rng([spec.seed, 0]), spec)


def render_placements(spec: SceneSpec, placed: Sequence[Placement]) -> Scene:
    """Draw a scene with other things on its table than its own; surface, light and camera are those of the scene."""
    surface_rng, light_rng, camera_rng = (np.random.default_rng([spec.seed, part]) for part in range(1, 4))
    canvas = (spec.size[0] * spec.oversampling, spec.size[1] * spec.oversampling)
    name = spec.surface or str(surface_rng.choice(np.array(list(SURFACES))))
    albedo = SURFACES[name](surface_rng, canvas)
    lighting = draw_lighting(light_rng, np.asarray(albedo.mean(axis=(0, 1)), dtype=np.float32), lamp=spec.lamp)
    candidates = (draw_relief(placement, canvas) for placement in placed)
    drawn = keep_visible([item for item in candidates if item is not None], canvas)
    light = light_table(light_rng, albedo, lighting=lighting)
    for item in drawn:
        paint(light, item, lighting=lighting)
    picture = expose(camera_rng, light, draw_camera(camera_rng), size=spec.size)
    return Scene(picture, visible_objects(drawn, canvas, size=spec.size))
