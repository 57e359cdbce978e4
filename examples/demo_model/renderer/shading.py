"""Light on metal: finishes, the lamps above the table, and the colour of a fastener under them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .fasteners import Relief
from .noise import value_noise
from .surfaces import srgb
from .types import Colour, Field, Mask


@dataclass(frozen=True, slots=True)
class Finish:
    """How a metal reflects.

    Attributes:
        tint: colour of what it mirrors.
        roughness: width of its highlights.
        diffuse: how much it scatters.
        weight: how often it is met.
    """

    tint: Colour
    roughness: float
    diffuse: float
    weight: float


FINISHES = {
    "zinc": Finish(tint=srgb(214, 219, 224), roughness=0.16, diffuse=0.10, weight=0.34),
    "stainless steel": Finish(tint=srgb(200, 200, 200), roughness=0.09, diffuse=0.06, weight=0.22),
    "brass": Finish(tint=srgb(224, 186, 108), roughness=0.14, diffuse=0.12, weight=0.16),
    "yellow zinc": Finish(tint=srgb(214, 196, 136), roughness=0.20, diffuse=0.15, weight=0.08),
    "black oxide": Finish(tint=srgb(92, 92, 98), roughness=0.26, diffuse=0.10, weight=0.12),
    "copper": Finish(tint=srgb(204, 136, 100), roughness=0.15, diffuse=0.12, weight=0.08),
}

NYLON = (srgb(60, 100, 190), srgb(220, 220, 214), srgb(200, 70, 60))


@dataclass(frozen=True, slots=True)
class Lighting:
    """The lamps: one key light, one fill light, the sky above, and what the table throws back.

    Attributes:
        key: unit vector towards the key light; x right, y down, z up.
        fill: unit vector towards the fill light.
        key_strength, fill_strength, sky: brightness of each.
        softness: width of the key light; a large lamp gives soft shadows and broad highlights.
        bounce: colour of the light that comes back from the table.
    """

    key: Field
    fill: Field
    key_strength: float
    fill_strength: float
    sky: float
    softness: float
    bounce: Field


def direction(azimuth: float, elevation: float) -> Field:
    """Unit vector at `azimuth` (from x towards y) and `elevation` above the table, both in radians."""
    flat = math.cos(elevation)
    return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)], dtype=np.float32)


def draw_lighting(rng: np.random.Generator, bounce: Field, *, lamp: tuple[float, float] | None = None) -> Lighting:
    """A random set of lamps over a table of mean colour `bounce`; `lamp` fixes the key's elevation and softness."""
    azimuth = rng.uniform(0, 2 * math.pi)
    elevation, softness = lamp or (rng.uniform(0.5, 1.05), rng.uniform(0.15, 1.0))
    return Lighting(
        key=direction(azimuth, elevation),
        fill=direction(azimuth + rng.uniform(1.6, 4.6), rng.uniform(0.3, 0.9)),
        key_strength=rng.uniform(1.0, 1.9),
        fill_strength=rng.uniform(0.2, 0.8),
        sky=rng.uniform(0.28, 0.5),
        softness=softness,
        bounce=bounce,
    )


def draw_finish(rng: np.random.Generator) -> Finish:
    """One of the finishes, by its weight."""
    weights = np.array([finish.weight for finish in FINISHES.values()])
    return list(FINISHES.values())[int(rng.choice(len(FINISHES), p=weights / weights.sum()))]


def surface_normals(height: Field, tilt: tuple[float, float]) -> tuple[Field, Field, Field]:
    """Unit normals (x, y, z) of a height field in pixels, with the whole body tilted a little."""
    slope_y, slope_x = np.gradient(height)
    slope_x, slope_y = slope_x + tilt[0], slope_y + tilt[1]
    length = np.sqrt(slope_x * slope_x + slope_y * slope_y + 1.0)
    return -slope_x / length, -slope_y / length, 1.0 / length


def lobe(cosine: Field, width: float) -> Field:
    """A highlight: 1 towards the lamp, falling off over about `width` in 1 - cosine."""
    return np.asarray(np.exp((cosine - 1.0) / width), dtype=np.float32)


def reflected_light(normal: tuple[Field, Field, Field], lighting: Lighting, *, roughness: float) -> Field:
    """The light that a mirror-like facet sees straight above it: lamps, sky, dark horizon, and the table."""
    nx, ny, nz = normal
    rx, ry, rz = 2 * nz * nx, 2 * nz * ny, 2 * nz * nz - 1.0
    towards_key = rx * lighting.key[0] + ry * lighting.key[1] + rz * lighting.key[2]
    towards_fill = rx * lighting.fill[0] + ry * lighting.fill[1] + rz * lighting.fill[2]
    width = roughness * (0.45 + 0.7 * lighting.softness)
    lamps = lighting.key_strength * 1.15 * lobe(towards_key, width) + lighting.fill_strength * lobe(
        towards_fill, 1.5 * width
    )
    broad = 0.24 * lighting.key_strength * np.maximum(0.25 + 0.75 * towards_key, 0.0)
    sky = lighting.sky * np.clip(0.25 + 0.75 * rz, 0.0, 1.0)
    table = np.clip(-rz, 0.0, 1.0)[..., None] * lighting.bounce * 0.7
    return np.asarray((lamps + broad + sky)[..., None] + table, dtype=np.float32)


def shade_relief(
    rng: np.random.Generator, relief: Relief, *, lighting: Lighting, finish: Finish, pixels_per_diameter: float
) -> Field:
    """Linear-light colour of a fastener, (height, width, 3), for the whole window of its relief."""
    shape = relief.height.shape
    wear = value_noise(rng, shape, (9, 9)) + 0.7 * value_noise(rng, shape, (31, 31))
    brushed = value_noise(rng, shape, (110, 7)) + value_noise(rng, shape, (7, 110)) * rng.uniform(0.0, 1.0)
    dents = rng.uniform(0.0, 0.008) * pixels_per_diameter * value_noise(rng, shape, (14, 14))
    tilt = (float(rng.normal(0, 0.07)), float(rng.normal(0, 0.07)))
    normal = surface_normals(relief.height * pixels_per_diameter + dents, tilt)
    mirror = reflected_light(normal, lighting, roughness=finish.roughness * rng.uniform(0.8, 1.5))
    facing = np.maximum(normal[0] * lighting.key[0] + normal[1] * lighting.key[1] + normal[2] * lighting.key[2], 0.0)
    matt = (0.5 * lighting.sky + 0.8 * lighting.key_strength * facing)[..., None]
    tint = np.asarray(finish.tint, dtype=np.float32) * rng.uniform(0.85, 1.1)
    metal = tint * (mirror * (1.0 + 0.07 * wear + 0.06 * brushed)[..., None] + finish.diffuse * matt)
    colour = metal * relief.shade[..., None] * (0.45 + 0.55 * np.clip(2.2 * normal[2], 0.0, 1.0))[..., None]
    if relief.nylon.any():
        insert = np.asarray(NYLON[int(rng.integers(len(NYLON)))], dtype=np.float32)
        colour = np.where(relief.nylon[..., None], insert * matt + 0.08 * mirror, colour)
    return np.asarray(colour, dtype=np.float32)


def shifted(mask: Field, *, down: float, right: float) -> Field:
    """A field moved by a whole or broken number of pixels; zeros come in."""
    matrix = np.array([[1, 0, right], [0, 1, down]], dtype=np.float64)
    return np.asarray(
        cv2.warpAffine(mask, matrix, (mask.shape[1], mask.shape[0]), flags=cv2.INTER_LINEAR), dtype=np.float32
    )


def blurred(field: Field, sigma: float) -> Field:
    """Gaussian blur; none below a fifth of a pixel."""
    if sigma < 0.2:
        return field
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)


def cast_shadow(inside: Mask, lighting: Lighting, *, height: float) -> Field:
    """How much light a body `height` pixels tall takes from what lies under it: 0 none, 1 all of the key light.

    The body is taken as a stack of copies of its outline, each thrown away from the lamp by its height; what the
    upper half throws is softer. A narrow dark seam where it touches is added.
    """
    body = inside.astype(np.float32)
    throw = height / max(float(lighting.key[2]), 0.2)
    near = far = body
    for level in np.linspace(0.125, 1.0, 8):
        layer = shifted(
            body, down=-throw * level * float(lighting.key[1]), right=-throw * level * float(lighting.key[0])
        )
        far = np.maximum(far, layer)
        near = far if level <= 0.5 else near
    penumbra = height * (0.09 + 0.3 * lighting.softness)
    shadow = np.maximum(blurred(near, 0.5 * penumbra), blurred(far, penumbra))
    contact = blurred(body, 0.16 * height)
    return np.asarray(np.clip(np.maximum(0.85 * shadow, 0.6 * contact) + 0.15 * contact, 0.0, 1.0), dtype=np.float32)
