"""The four kinds of fastener as height fields over the table, written as analytic shapes.

A fastener is drawn in its own frame: `u` along its axis, `v` across, both in thread diameters, the origin in the
middle of its length. `relief` answers, for arrays of such positions, what one sees from straight above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .geometry import (
    Drive,
    helix_phase,
    hexagon_roof,
    lying_round,
    polygon_distance,
    recess_depth,
    rounded_edge,
    triangle_wave,
)
from .noise import smooth_step
from .types import Field, Mask

CLASS_NAMES = ("bolt", "nut", "washer", "screw")


@dataclass(frozen=True, slots=True)
class Relief:
    """What a fastener looks like from above.

    Attributes:
        inside: where there is fastener, holes excluded.
        height: height above its own resting plane in thread diameters; continuous across the outline.
        shade: factor on the reflected light: 1 is bare metal, less is a recess.
        nylon: where the material is a plastic insert and not metal.
    """

    inside: Mask
    height: Field
    shade: Field
    nylon: Mask


class Fastener(Protocol):
    """One fastener: its class, its size in thread diameters, and its relief."""

    @property
    def class_name(self) -> str: ...

    @property
    def half_length(self) -> float: ...

    @property
    def half_width(self) -> float: ...

    def relief(self, u: Field, v: Field) -> Relief: ...


def bare(u: Field) -> tuple[Field, Mask]:
    """The shade and nylon fields of plain metal."""
    return np.ones_like(u), np.zeros(u.shape, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Nut:
    """A nut lying flat: hexagonal or square, plain, flanged, or with a nylon ring."""

    sides: int
    across_flats: float
    flange: float
    nylon_ring: bool
    class_name: str = "nut"

    @property
    def half_length(self) -> float:
        return max(self.flange, self.across_flats / 2 / math.cos(math.pi / self.sides))

    @property
    def half_width(self) -> float:
        return self.half_length

    def relief(self, u: Field, v: Field) -> Relief:
        rho = np.hypot(u, v)
        face = self.across_flats / 2
        prism = polygon_distance(u, v, sides=self.sides, inner_radius=face)
        top = 0.85 - 0.55 * np.maximum(rho - 0.95 * face, 0.0) - rounded_edge(prism, 0.05)
        skirt = 0.26 - 0.22 * (rho - face) - rounded_edge(rho - np.float32(self.flange), 0.07)
        on_flange = prism > 0
        height = np.where(on_flange & (self.flange > 0), skirt, top)
        height = height - 1.1 * np.maximum(0.56 - rho, 0.0)
        turns = np.arctan2(v, u) / (2 * math.pi)
        thread = 0.35 + 0.3 * triangle_wave(np.asarray(rho / 0.05 + turns, dtype=np.float32))
        shade = np.where(rho < 0.505, thread, 1.0 - 0.35 * (on_flange & (prism < 0.06))).astype(np.float32)
        nylon = self.nylon_ring & (rho < 0.66)
        height = np.where(nylon, 0.95 - 1.6 * np.square(rho - 0.53), height)
        shade = np.where(nylon, 1.0, shade).astype(np.float32)
        inside = ((prism < 0) | (rho < self.flange)) & (rho > 0.43)
        return Relief(inside, height.astype(np.float32), shade, nylon)


@dataclass(frozen=True, slots=True)
class Washer:
    """A flat washer, a split spring washer, or a toothed one, lying flat."""

    inner: float
    outer: float
    thickness: float
    split: bool
    teeth: int
    class_name: str = "washer"

    @property
    def half_length(self) -> float:
        return self.outer

    @property
    def half_width(self) -> float:
        return self.outer

    def relief(self, u: Field, v: Field) -> Relief:
        rho, theta = np.hypot(u, v), np.arctan2(v, u)
        notch = (
            0.13
            * self.outer
            * smooth_step(0.35, 0.6, triangle_wave((theta * self.teeth / (2 * math.pi)).astype(np.float32)))
        )
        outer = self.outer - (notch if self.teeth else 0.0)
        rim = np.maximum(rho - outer, self.inner - rho).astype(np.float32)
        ramp = self.thickness * (0.5 * theta / math.pi if self.split else 0.0)
        twist = 0.12 * np.sin(theta * self.teeth) if self.teeth else 0.0
        height = self.thickness + ramp + twist * (rho > 0.5 * (self.inner + self.outer)) - rounded_edge(rim, 0.09)
        cut = self.split & (u < 0) & (np.abs(v + 0.45 * (u + 0.5 * (self.inner + self.outer))) < 0.075)
        shade, nylon = bare(u)
        return Relief((rim < 0) & ~cut, np.asarray(height, dtype=np.float32), shade, nylon)


@dataclass(frozen=True, slots=True)
class Bolt:
    """A bolt lying on its side: hexagonal head (plain or flanged) or cylindrical socket head, blunt end."""

    length: float
    head_length: float
    head_radius: float
    roll: float
    socket_head: bool
    flange: float
    threaded: float
    pitch: float
    class_name: str = "bolt"

    @property
    def half_length(self) -> float:
        return (self.length + self.head_length) / 2

    @property
    def half_width(self) -> float:
        return max(self.head_radius * (1.0 if self.socket_head else 1.16), self.flange)

    def relief(self, u: Field, v: Field) -> Relief:
        along = u + np.float32(self.half_length)
        head_inside, head_height, shade = self._socket(along, v) if self.socket_head else self._hexagon(along, v)
        shank_inside, shank_height = self._shank(along, v)
        disc = (along > self.head_length - 0.16) & (along < self.head_length) & (np.abs(v) < self.flange)
        disc_height = np.sqrt(np.maximum(self.flange**2 - v * v, 1e-6))
        height = np.where(along < self.head_length, head_height, shank_height)
        height = np.where(disc, disc_height, height)
        root = (along > self.head_length) & (along < self.head_length + 0.12)
        inside = head_inside | shank_inside | disc
        shade = np.where(root, 0.45, shade).astype(np.float32)
        return Relief(inside, (height + self.half_width).astype(np.float32), shade, np.zeros(u.shape, dtype=np.bool_))

    def _hexagon(self, along: Field, v: Field) -> tuple[Mask, Field, Field]:
        roof = hexagon_roof(v, inner_radius=self.head_radius, roll=self.roll)
        floor = -hexagon_roof(-v, inner_radius=self.head_radius, roll=self.roll)
        cone = np.maximum(self.head_radius * 0.98 + 1.6 * along, 0.05)
        bounded = np.minimum(roof, np.sqrt(np.maximum(cone * cone - v * v, 1e-6)))
        inside = (roof > floor) & (np.abs(v) < cone) & (along > 0) & (along < self.head_length)
        return inside, np.asarray(bounded, dtype=np.float32), np.ones_like(v)

    def _socket(self, along: Field, v: Field) -> tuple[Mask, Field, Field]:
        edge = np.minimum(along, 0.12) - 0.12
        radius = np.asarray(self.head_radius + 0.9 * edge, dtype=np.float32)
        inside, height = lying_round(radius, v)
        inside &= (along > 0) & (along < self.head_length)
        turn = np.arcsin(np.clip(v / self.head_radius, -1, 1))
        knurl = triangle_wave(np.asarray(turn * 8.0, dtype=np.float32))
        knurled = (along > 0.22) & (along < self.head_length - 0.12)
        return inside, height, np.where(knurled, 0.6 + 0.5 * knurl, 1.0).astype(np.float32)

    def _shank(self, along: Field, v: Field) -> tuple[Mask, Field]:
        end = self.length + self.head_length
        tip = np.clip((end - along) / 0.16, 0.0, 1.0)
        thread = 0.065 * triangle_wave(helix_phase(along, v, pitch=self.pitch, radius=0.5))
        is_threaded = along > end - self.threaded
        radius = np.where(is_threaded, 0.5 - thread, 0.485) * (0.8 + 0.2 * tip)
        inside, height = lying_round(radius.astype(np.float32), v)
        return inside & (along >= self.head_length - 0.05) & (along < end), height


@dataclass(frozen=True, slots=True)
class BoltHead:
    """A bolt standing upright, seen as its hexagonal head: no hole, a raised ring, perhaps grade marks."""

    across_flats: float
    marks: int
    dished: bool
    class_name: str = "bolt"

    @property
    def half_length(self) -> float:
        return self.across_flats / math.sqrt(3)

    @property
    def half_width(self) -> float:
        return self.half_length

    def relief(self, u: Field, v: Field) -> Relief:
        rho, theta = np.hypot(u, v), np.arctan2(v, u)
        face = self.across_flats / 2
        prism = polygon_distance(u, v, sides=6, inner_radius=face)
        dish = 0.12 * smooth_step(-0.08, 0.0, (0.72 * face - rho).astype(np.float32)) if self.dished else 0.0
        height = 1.6 - 0.55 * np.maximum(rho - 0.93 * face, 0.0) - rounded_edge(prism, 0.06) - dish
        spoke = np.abs(np.sin(theta * self.marks / 2)) * rho < 0.035 * max(self.marks, 1)
        marked = spoke & (rho > 0.38 * face) & (rho < 0.68 * face) & (self.marks > 0)
        height = height + 0.05 * marked
        shade, nylon = bare(u)
        return Relief(prism < 0, height.astype(np.float32), shade, nylon)


@dataclass(frozen=True, slots=True)
class ScrewHead:
    """A screw standing upright, seen as its round head with the recess for the tool."""

    radius: float
    dome: float
    drive: Drive
    class_name: str = "screw"

    @property
    def half_length(self) -> float:
        return self.radius

    @property
    def half_width(self) -> float:
        return self.radius

    def relief(self, u: Field, v: Field) -> Relief:
        rho = np.hypot(u, v)
        depth = recess_depth(u, v, drive=self.drive, radius=self.radius)
        bulge = self.dome * np.sqrt(np.maximum(1.02 - np.square(rho / self.radius), 0.0))
        height = 1.2 + bulge - rounded_edge((rho - self.radius).astype(np.float32), 0.08) - 0.25 * depth
        shade = np.asarray(1.0 - 0.72 * depth, dtype=np.float32)
        return Relief(rho < self.radius, height.astype(np.float32), shade, np.zeros(u.shape, dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class Screw:
    """A wood or sheet-metal screw lying on its side: countersunk or pan head, coarse thread, sharp tip."""

    length: float
    head_radius: float
    countersunk: bool
    face_tilt: float
    drive: Drive
    smooth_part: float
    pitch: float
    depth: float
    class_name: str = "screw"

    @property
    def half_length(self) -> float:
        return (self.length + self._face) / 2

    @property
    def half_width(self) -> float:
        return self.head_radius

    @property
    def _face(self) -> float:
        """Extent along the axis of the head's face, seen obliquely because the head props the screw up."""
        return self.face_tilt * self.head_radius

    def relief(self, u: Field, v: Field) -> Relief:
        along = u + np.float32(self.half_length - self._face)
        body_inside, body_height = lying_round(self._radius(along, v), v)
        body_inside &= (along >= 0) & (along < self.length)
        squashed = along / self._face
        face_inside = (np.square(squashed) + np.square(v / self.head_radius) < 1.0) & (along < 0.02)
        face = face_inside & ~(body_inside & (along > 0))
        across = np.asarray(squashed * self.head_radius, dtype=np.float32)
        depth = np.where(face, recess_depth(across, v, drive=self.drive, radius=self.head_radius), 0.0)
        slope = 0.35 * self.head_radius if self.countersunk else 0.9 * self.head_radius
        face_height = self.head_radius + slope * np.minimum(squashed, 0.0) - 0.25 * np.square(v)
        height = np.where(along < 0, face_height - 0.1 * depth, body_height) + self.head_radius
        shade = (1.0 - 0.65 * depth).astype(np.float32)
        return Relief(body_inside | face, height.astype(np.float32), shade, np.zeros(u.shape, dtype=np.bool_))

    def _radius(self, along: Field, v: Field) -> Field:
        """Radius of the body of revolution: head, smooth part, thread, and the taper of the tip."""
        taper = np.clip((self.length - along) / 1.3, 0.0, 1.0)
        crest = triangle_wave(helix_phase(along, v, pitch=self.pitch, radius=0.5)) ** 2
        root = 0.5 - self.depth
        thread = (root + self.depth * crest) * (0.12 + 0.88 * taper)
        shank = np.where(along < self.smooth_part, root + 0.06, thread)
        if self.countersunk:
            head = self.head_radius - np.maximum(along - 0.12, 0.0) * 1.15
        else:
            head = np.where(
                along < 0.42, self.head_radius * np.sqrt(np.clip(1.0 - np.square((0.3 - along) / 0.9), 0, 1)), 0.0
            )
        return np.asarray(np.maximum(shank, head), dtype=np.float32)
