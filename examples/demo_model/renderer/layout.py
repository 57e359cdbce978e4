"""Which fasteners lie where: the part of a scene that does not depend on pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .catalogue import DRAW
from .fasteners import CLASS_NAMES, Fastener
from .types import Field


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """What to draw.

    Attributes:
        seed: everything random follows from it; the layout does not depend on the size.
        size: (height, width) of the picture in pixels.
        oversampling: pixels of the drawing per pixel of the picture, each way.
        count: fewest and most objects to try to place.
        classes: names of the classes that may lie there.
        surface: name of the surface; None draws one.
        lamp: elevation of the key light in radians and its softness; None draws both.
        margin: how far the middles of objects stay from the edges, as a part of each side.
    """

    seed: int
    size: tuple[int, int]
    oversampling: int = 2
    count: tuple[int, int] = (3, 14)
    classes: tuple[str, ...] = CLASS_NAMES
    surface: str | None = None
    lamp: tuple[float, float] | None = None
    margin: float = 0.03


@dataclass(frozen=True, slots=True)
class Placement:
    """A fastener on the table: centre (x, y) and thread diameter in shorter sides, rotation in radians."""

    fastener: Fastener
    centre: tuple[float, float]
    diameter: float
    angle: float
    seed: int


def spine(placement: Placement) -> tuple[Field, float]:
    """Points along the axis of a placement, (7, 2), and the radius around them that holds the object."""
    radius = placement.fastener.half_width * placement.diameter
    reach = max(placement.fastener.half_length * placement.diameter - radius, 0.0)
    steps = np.linspace(-reach, reach, 7, dtype=np.float32)[:, None]
    axis = np.array([[math.cos(placement.angle), math.sin(placement.angle)]], dtype=np.float32)
    return np.asarray(np.array([placement.centre], dtype=np.float32) + steps * axis, dtype=np.float32), radius


def clearance(first: Placement, second: Placement) -> float:
    """Distance between two objects' spines as a part of the sum of their radii; below 1 they may overlap."""
    points, radius = spine(first)
    others, other_radius = spine(second)
    distances = np.linalg.norm(points[:, None] - others[None, :], axis=-1)
    return float(distances.min()) / (radius + other_radius)


def draw_placement(rng: np.random.Generator, spec: SceneSpec, *, gauge: float) -> Placement:
    """A random fastener of about the scene's gauge, anywhere on the table."""
    name = str(rng.choice(np.array(spec.classes)))
    extent = np.array([spec.size[1], spec.size[0]]) / min(spec.size)
    centre = rng.uniform(spec.margin, 1.0 - spec.margin, 2) * extent
    return Placement(
        fastener=DRAW[name](rng),
        centre=(float(centre[0]), float(centre[1])),
        diameter=gauge * rng.uniform(0.85, 1.2) * (0.78 if name == "screw" else 1.0),
        angle=rng.uniform(0, 2 * math.pi),
        seed=int(rng.integers(2**31)),
    )


def lay_out(rng: np.random.Generator, spec: SceneSpec) -> list[Placement]:
    """Throw objects on the table one by one; most keep clear of the others, a few may lie across."""
    wanted = int(rng.integers(spec.count[0], spec.count[1] + 1))
    gauge = rng.uniform(0.066, 0.108) * (1.0 if wanted < 8 else 0.88)
    slack = rng.uniform(0.75, 1.15)
    placed: list[Placement] = []
    for _ in range(12 * wanted):
        candidate = draw_placement(rng, spec, gauge=gauge)
        needed = 0.45 if rng.random() < 0.06 else slack
        if all(clearance(candidate, other) > needed for other in placed):
            placed.append(candidate)
        if len(placed) == wanted:
            break
    return placed
