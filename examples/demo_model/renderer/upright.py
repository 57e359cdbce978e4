"""Fasteners that lie flat or stand upright: nuts, washers, and the heads of bolts and screws seen from above."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .fasteners import Relief, metal
from .geometry import Drive, polygon_distance, recess_depth, rounded_edge, triangle_wave
from .noise import smooth_step
from .types import Field


@dataclass(frozen=True, slots=True)
class Nut:
    """A nut lying flat: hexagonal or square, plain, flanged, or with a nylon ring."""

    sides: int
    across_flats: float
    flange: float
    nylon_ring: bool
    class_name: ClassVar[str] = "nut"
    stature: ClassVar[float] = 0.95

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
        return Relief(inside=inside, height=height.astype(np.float32), shade=shade, nylon=nylon)


@dataclass(frozen=True, slots=True)
class Washer:
    """A flat washer, a split spring washer, or a toothed one, lying flat."""

    inner: float
    outer: float
    thickness: float
    split: bool
    teeth: int
    class_name: ClassVar[str] = "washer"
    stature: ClassVar[float] = 0.3

    @property
    def half_length(self) -> float:
        return self.outer

    @property
    def half_width(self) -> float:
        return self.outer

    def relief(self, u: Field, v: Field) -> Relief:
        rho, theta = np.hypot(u, v), np.arctan2(v, u)
        tooth = triangle_wave((theta * self.teeth / (2 * math.pi)).astype(np.float32))
        notch = 0.13 * self.outer * smooth_step(0.35, 0.6, tooth)
        outer = self.outer - (notch if self.teeth else 0.0)
        rim = np.maximum(rho - outer, self.inner - rho).astype(np.float32)
        ramp = self.thickness * (0.5 * theta / math.pi if self.split else 0.0)
        twist = 0.12 * np.sin(theta * self.teeth) if self.teeth else 0.0
        height = self.thickness + ramp + twist * (rho > 0.5 * (self.inner + self.outer)) - rounded_edge(rim, 0.09)
        cut = self.split & (u < 0) & (np.abs(v + 0.45 * (u + 0.5 * (self.inner + self.outer))) < 0.075)
        return metal((rim < 0) & ~cut, height)


@dataclass(frozen=True, slots=True)
class BoltHead:
    """A bolt standing upright, seen as its hexagonal head: no hole, a raised ring, perhaps grade marks."""

    across_flats: float
    marks: int
    dished: bool
    class_name: ClassVar[str] = "bolt"
    stature: ClassVar[float] = 0.95

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
        return metal(prism < 0, height)


@dataclass(frozen=True, slots=True)
class ScrewHead:
    """A screw standing upright, seen as its round head with the recess for the tool."""

    radius: float
    dome: float
    drive: Drive
    class_name: ClassVar[str] = "screw"
    stature: ClassVar[float] = 0.95

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
        return metal(rho < self.radius, height, shade=1.0 - 0.72 * depth)
