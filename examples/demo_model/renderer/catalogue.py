"""Draws random fasteners: which variants exist, and how often each is met."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .fasteners import Fastener
from .geometry import Drive, cross, hexagon, slot, star
from .lying import Bolt, BoltSide, CountersunkHead, HexagonHead, PanHead, Screw, SocketHead
from .upright import BoltHead, Nut, ScrewHead, Washer

DRIVES: tuple[Drive, ...] = (cross, cross, slot, star, hexagon)
"""Tool recesses; the cross is the most common."""


def draw_bolt(rng: np.random.Generator) -> Fastener:
    """Mostly a bolt on its side; now and then one that stands on its end."""
    if rng.random() < 0.1:
        return BoltHead(
            across_flats=rng.uniform(1.6, 1.85), marks=int(rng.choice([0, 3, 6])), dished=rng.random() < 0.6
        )
    draw_head = draw_socket_head if rng.random() < 0.25 else draw_hexagon_head
    length = rng.uniform(2.0, 5.2)
    return Bolt(
        head=draw_head(rng),
        length=length,
        threaded=length - rng.uniform(0.0, 0.12) if rng.random() < 0.5 else length * rng.uniform(0.45, 0.75),
        pitch=rng.uniform(0.17, 0.24),
    )


def draw_hexagon_head(rng: np.random.Generator) -> BoltSide:
    """A hexagonal head, every fourth with a flange."""
    return HexagonHead(
        length=rng.uniform(0.6, 0.75),
        radius=rng.uniform(0.78, 0.88),
        roll=rng.uniform(0.0, math.pi / 3),
        flange=0.0 if rng.random() < 0.75 else rng.uniform(1.02, 1.14),
    )


def draw_socket_head(rng: np.random.Generator) -> BoltSide:
    """A cylindrical head."""
    return SocketHead(length=rng.uniform(0.95, 1.1), radius=rng.uniform(0.74, 0.8), roll=rng.uniform(0.0, math.pi / 3))


def draw_nut(rng: np.random.Generator) -> Fastener:
    """A hexagonal nut, sometimes with a flange or a nylon ring, rarely a square one."""
    across_flats = rng.uniform(1.6, 1.85)
    variant = rng.choice(["plain", "flange", "nylon", "square"], p=[0.62, 0.14, 0.16, 0.08])
    return Nut(
        sides=4 if variant == "square" else 6,
        across_flats=across_flats,
        flange=across_flats / 2 * rng.uniform(1.28, 1.42) if variant == "flange" else 0.0,
        nylon_ring=bool(variant == "nylon"),
    )


def draw_washer(rng: np.random.Generator) -> Fastener:
    """A flat washer, often a plain one, sometimes wide, split or toothed."""
    variant = rng.choice(["flat", "wide", "split", "toothed"], p=[0.6, 0.16, 0.14, 0.1])
    inner = rng.uniform(0.52, 0.6)
    rim = {"flat": (0.45, 0.65), "wide": (0.75, 1.05), "split": (0.3, 0.38), "toothed": (0.38, 0.5)}[str(variant)]
    return Washer(
        inner=inner,
        outer=inner + rng.uniform(*rim),
        thickness=0.26 if variant == "split" else rng.uniform(0.12, 0.2),
        split=bool(variant == "split"),
        teeth=int(rng.integers(8, 13)) if variant == "toothed" else 0,
    )


def draw_screw(rng: np.random.Generator) -> Fastener:
    """Mostly a pointed screw on its side; now and then the head of one that stands upright."""
    drive = DRIVES[int(rng.integers(len(DRIVES)))]
    if rng.random() < 0.14:
        return ScrewHead(radius=rng.uniform(0.95, 1.1), dome=rng.choice([0.05, 0.3, 0.45]), drive=drive)
    length = rng.uniform(3.2, 6.2)
    radius = rng.uniform(0.9, 1.08)
    return Screw(
        head=CountersunkHead(radius=radius) if rng.random() < 0.6 else PanHead(radius=radius),
        length=length,
        face_tilt=rng.uniform(0.12, 0.34),
        drive=drive,
        smooth_part=length * (rng.uniform(0.3, 0.45) if rng.random() < 0.4 else 0.12),
        pitch=rng.uniform(0.34, 0.5),
        depth=rng.uniform(0.12, 0.17),
    )


DRAW: dict[str, Callable[[np.random.Generator], Fastener]] = {
    "bolt": draw_bolt,
    "nut": draw_nut,
    "washer": draw_washer,
    "screw": draw_screw,
}
