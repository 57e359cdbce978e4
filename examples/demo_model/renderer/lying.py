"""Fasteners that lie on their side: bolts with a blunt end, screws with a sharp tip, each with its kinds of head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from .fasteners import Relief, metal
from .geometry import Drive, helix_phase, hexagon_roof, lying_round, recess_depth, triangle_wave
from .types import Field, Mask


class BoltSide(Protocol):
    """The head of a bolt seen from the side."""

    @property
    def length(self) -> float:
        """Its extent along the axis."""

    @property
    def half_width(self) -> float:
        """From the axis to its farthest side."""

    def drawn(self, along: Field, v: Field) -> tuple[Mask, Field, Field]:
        """Inside, height above the axis, and shade, at `along` from its top and `v` across."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HexagonHead:
    """A hexagonal head, turned by `roll` radians about its axis, its corners chamfered; perhaps with a flange below.

    Attributes:
        radius: half the distance across the flats.
        flange: radius of the flange; 0 is none.
    """

    length: float
    radius: float
    roll: float
    flange: float

    @property
    def half_width(self) -> float:
        return max(self.radius * 1.16, self.flange)

    def drawn(self, along: Field, v: Field) -> tuple[Mask, Field, Field]:
        roof = hexagon_roof(v, inner_radius=self.radius, roll=self.roll)
        floor = -hexagon_roof(-v, inner_radius=self.radius, roll=self.roll)
        cone = np.maximum(self.radius * 0.98 + 1.6 * along, 0.05)
        prism_height = np.minimum(roof, np.sqrt(np.maximum(cone * cone - v * v, 1e-6)))
        prism = (roof > floor) & (np.abs(v) < cone) & (along > 0) & (along < self.length)
        disc = (along > self.length - 0.16) & (along < self.length) & (np.abs(v) < self.flange)
        disc_height = np.sqrt(np.maximum(self.flange**2 - v * v, 1e-6))
        height = np.where(disc, disc_height, prism_height)
        return prism | disc, np.asarray(height, dtype=np.float32), np.ones_like(v)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketHead:
    """A cylindrical head with a knurled side, turned by `roll` radians about its axis; its socket faces away."""

    length: float
    radius: float
    roll: float

    @property
    def half_width(self) -> float:
        return self.radius

    def drawn(self, along: Field, v: Field) -> tuple[Mask, Field, Field]:
        edge = np.minimum(along, 0.12) - 0.12
        inside, height = lying_round(np.asarray(self.radius + 0.9 * edge, dtype=np.float32), v)
        inside &= (along > 0) & (along < self.length)
        turn = np.arcsin(np.clip(v / self.radius, -1, 1))
        knurl = triangle_wave(np.asarray((turn + self.roll) * 8.0, dtype=np.float32))
        knurled = (along > 0.22) & (along < self.length - 0.12)
        return inside, height, np.where(knurled, 0.6 + 0.5 * knurl, 1.0).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bolt:
    """A bolt lying on its side, with a blunt end.

    Attributes:
        head: its head.
        length: from under the head to the end.
        threaded: length of the thread, from the end.
        pitch: length of one turn of the thread.
    """

    head: BoltSide
    length: float
    threaded: float
    pitch: float
    class_name: ClassVar[str] = "bolt"
    stature: ClassVar[float] = 0.95

    @property
    def half_length(self) -> float:
        return (self.length + self.head.length) / 2

    @property
    def half_width(self) -> float:
        return self.head.half_width

    def relief(self, u: Field, v: Field) -> Relief:
        along = u + np.float32(self.half_length)
        head, head_height, shade = self.head.drawn(along, v)
        shank, shank_height = self._shank(along, v)
        height = np.where(along < self.head.length, head_height, shank_height) + self.half_width
        neck = (along > self.head.length) & (along < self.head.length + 0.12)
        return metal(head | shank, height, shade=np.where(neck, 0.45, shade))

    def _shank(self, along: Field, v: Field) -> tuple[Mask, Field]:
        end = self.length + self.head.length
        tip = np.clip((end - along) / 0.16, 0.0, 1.0)
        thread = 0.065 * triangle_wave(helix_phase(along, v, pitch=self.pitch, radius=0.5))
        is_threaded = along > end - self.threaded
        radius = np.where(is_threaded, 0.5 - thread, 0.485) * (0.8 + 0.2 * tip)
        inside, height = lying_round(radius.astype(np.float32), v)
        return inside & (along >= self.head.length - 0.05) & (along < end), height


class ScrewSide(Protocol):
    """The head of a screw seen from the side: a body of revolution."""

    @property
    def radius(self) -> float:
        """Its largest radius."""

    @property
    def face_slope(self) -> float:
        """How steeply its face, which carries the recess, turns away, in radii."""

    def profile(self, along: Field) -> Field:
        """Its radius at `along` from the face; not above the shank's where it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountersunkHead:
    """A flat head that narrows to the shank in a straight cone."""

    radius: float
    face_slope: ClassVar[float] = 0.35

    def profile(self, along: Field) -> Field:
        return np.asarray(self.radius - np.maximum(along - 0.12, 0.0) * 1.15, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanHead:
    """A domed head with a flat underside."""

    radius: float
    face_slope: ClassVar[float] = 0.9

    def profile(self, along: Field) -> Field:
        dome = self.radius * np.sqrt(np.clip(1.0 - np.square((0.3 - along) / 0.9), 0, 1))
        return np.asarray(np.where(along < 0.42, dome, 0.0), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screw:
    """A wood or sheet-metal screw lying on its side: coarse thread, sharp tip.

    Attributes:
        head: its head, which props the screw up so that its face is seen obliquely.
        length: from the edge of the face to the tip.
        face_tilt: extent of the face along the axis in radii of the head.
        drive: the recess for the tool.
        smooth_part: where the thread begins, from the face.
        pitch: length of one turn of the thread.
        depth: how far the thread stands out.
    """

    head: ScrewSide
    length: float
    face_tilt: float
    drive: Drive
    smooth_part: float
    pitch: float
    depth: float
    class_name: ClassVar[str] = "screw"
    stature: ClassVar[float] = 0.95

    @property
    def half_length(self) -> float:
        return (self.length + self._face) / 2

    @property
    def half_width(self) -> float:
        return self.head.radius

    @property
    def _face(self) -> float:
        return self.face_tilt * self.head.radius

    def relief(self, u: Field, v: Field) -> Relief:
        radius = self.head.radius
        along = u + np.float32(self.half_length - self._face)
        body, body_height = lying_round(self._radius(along, v), v)
        body &= (along >= 0) & (along < self.length)
        squashed = along / self._face
        face = (np.square(squashed) + np.square(v / radius) < 1.0) & (along < 0.02) & ~(body & (along > 0))
        across = np.asarray(squashed * radius, dtype=np.float32)
        depth = np.where(face, recess_depth(across, v, drive=self.drive, radius=radius), 0.0)
        slope = self.head.face_slope * radius
        face_height = radius + slope * np.minimum(squashed, 0.0) - 0.25 * np.square(v)
        height = np.where(along < 0, face_height - 0.1 * depth, body_height) + radius
        return metal(body | face, height, shade=1.0 - 0.65 * depth)

    def _radius(self, along: Field, v: Field) -> Field:
        """Radius of the body of revolution: head, smooth part, thread, and the taper of the tip."""
        taper = np.clip((self.length - along) / 1.3, 0.0, 1.0)
        crest = triangle_wave(helix_phase(along, v, pitch=self.pitch, radius=0.5)) ** 2
        root = 0.5 - self.depth
        thread = (root + self.depth * crest) * (0.12 + 0.88 * taper)
        shank = np.where(along < self.smooth_part, root + 0.06, thread)
        return np.asarray(np.maximum(shank, self.head.profile(along)), dtype=np.float32)
