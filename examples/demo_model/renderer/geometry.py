"""Analytic shapes that fasteners are put together from.

Positions and lengths are in thread diameters. A distance is negative inside its shape.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from .noise import smooth_step
from .types import Field, Mask


def polygon_distance(u: Field, v: Field, *, sides: int, inner_radius: float) -> Field:
    """Distance along the nearest face normal to a regular polygon with an even number of sides; negative inside."""
    distance = np.full_like(u, -np.inf)
    for side in range(sides // 2):
        angle = 2 * math.pi * side / sides
        distance = np.maximum(distance, np.abs(u * math.cos(angle) + v * math.sin(angle)))
    return np.asarray(distance - inner_radius, dtype=np.float32)


def rounded_edge(distance: Field, radius: float) -> Field:
    """How far an edge that is rounded by `radius` drops, from the distance to the outline (negative inside)."""
    depth = np.clip(1.0 + distance / radius, 0.0, 1.0)
    return np.asarray(radius * (1.0 - np.sqrt(np.maximum(1.0 - depth * depth, 0.0))), dtype=np.float32)


def triangle_wave(phase: Field) -> Field:
    """A wave of period 1 that goes 0, 1, 0."""
    return np.asarray(1.0 - np.abs(2.0 * (phase - np.floor(phase)) - 1.0), dtype=np.float32)


def helix_phase(u: Field, v: Field, *, pitch: float, radius: float) -> Field:
    """Turns of a thread's helix at a point of the visible half of a cylinder."""
    around = np.arcsin(np.clip(v / radius, -1.0, 1.0)) / (2 * math.pi)
    return np.asarray(u / pitch + around, dtype=np.float32)


def lying_round(radius: Field, v: Field) -> tuple[Mask, Field]:
    """Inside and height of a body of revolution lying on its side, from its radius at every point."""
    inside = np.abs(v) < radius
    height = np.sqrt(np.maximum(radius * radius - v * v, 1e-6))
    return inside, np.asarray(height, dtype=np.float32)


def hexagon_roof(v: Field, *, inner_radius: float, roll: float) -> Field:
    """Height of the upper faces of a hexagonal prism lying on its side, turned by `roll` radians about its axis."""
    roof = np.full_like(v, np.inf)
    for side in range(6):
        angle = roll + side * math.pi / 3
        if math.cos(angle) > 1e-3:
            roof = np.minimum(roof, (inner_radius - v * math.sin(angle)) / math.cos(angle))
    return np.asarray(roof, dtype=np.float32)


def slot(u: Field, v: Field, *, radius: float) -> Field:
    """Distance to a slot across a round head of `radius`; negative inside."""
    return np.asarray(np.abs(v) - 0.13 * radius, dtype=np.float32)


def cross(u: Field, v: Field, *, radius: float) -> Field:
    """Distance to a cross recess: two arms and the round middle where they meet; negative inside."""
    along = np.maximum(np.abs(u) - 0.58 * radius, np.abs(v) - 0.12 * radius)
    across = np.maximum(np.abs(v) - 0.58 * radius, np.abs(u) - 0.12 * radius)
    return np.asarray(np.minimum(np.minimum(along, across), np.hypot(u, v) - 0.22 * radius), dtype=np.float32)


def star(u: Field, v: Field, *, radius: float) -> Field:
    """Distance to a six-lobed recess; negative inside."""
    return np.asarray(np.hypot(u, v) - radius * (0.43 + 0.09 * np.cos(6 * np.arctan2(v, u))), dtype=np.float32)


def hexagon(u: Field, v: Field, *, radius: float) -> Field:
    """Distance to a hexagonal recess; negative inside."""
    return polygon_distance(u, v, sides=6, inner_radius=0.42 * radius)


class Drive(Protocol):
    """Distance to the recess for a tool in a round head of `radius`; negative inside."""

    def __call__(self, u: Field, v: Field, *, radius: float) -> Field: ...


def recess_depth(u: Field, v: Field, *, drive: Drive, radius: float) -> Field:
    """How deep the tool recess of a round head of `radius` is at a point: 0 outside it, 1 at its bottom."""
    return smooth_step(0.0, 1.0, np.asarray(-drive(u, v, radius=radius) / (0.1 * radius), dtype=np.float32))
