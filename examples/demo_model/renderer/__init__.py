"""Renders pictures of fasteners on a table, with the visible mask of every object."""

from __future__ import annotations

from .fasteners import CLASS_NAMES
from .layout import SceneSpec
from .scene import Scene, SceneObject, placements, render_placements, render_scene
from .surfaces import SURFACES

__all__ = [
    "CLASS_NAMES",
    "SURFACES",
    "Scene",
    "SceneObject",
    "SceneSpec",
    "placements",
    "render_placements",
    "render_scene",
]
