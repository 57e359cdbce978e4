"""Which colour each object is drawn in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypedDict, Unpack

from supervision import Color, ColorPalette

from workflow_engine.api import BlockError, Detections, colors

Palette: TypeAlias = Callable[[int], Color]

GREY = Color(128, 128, 128)
BUILT_IN = {"DEFAULT": ColorPalette.DEFAULT, "ROBOFLOW": ColorPalette.ROBOFLOW}
MATPLOTLIB = "Matplotlib "


class Coloring(TypedDict):
    """The parameters that the blocks which draw in several colours have in common.

    Attributes:
        color_palette: ``DEFAULT``, ``ROBOFLOW``, ``CUSTOM``, or ``Matplotlib`` and the name of one of its colour maps.
        palette_size: Number of evenly spaced samples that make a palette of a colour map.
        custom_colors: The colours of ``CUSTOM``.
        color_axis: What has a colour of its own: each ``INDEX`` in the table, each ``CLASS`` or each ``TRACK``. Colours
            are used again from the first on when they run out; a negative number, which means no class or no track yet,
            is grey.
    """

    color_palette: str
    palette_size: int
    custom_colors: list[str]
    color_axis: str


def row_colors(predictions: Detections, **coloring: Unpack[Coloring]) -> ColorPalette:
    """Return one colour per object, to be looked up by the object's place in the table.

    Raises:
        BlockError: A colour cannot be read, ``CUSTOM`` comes without colours, or the objects lack what the axis needs.
    """
    palette = _palette(coloring["color_palette"], coloring["palette_size"], coloring["custom_colors"])
    numbers = _numbers(predictions, coloring["color_axis"])
    return ColorPalette([GREY if number < 0 else palette(number) for number in numbers])


def _palette(name: str, size: int, custom: Sequence[str]) -> Palette:
    if name == "CUSTOM":
        if not custom:
            raise BlockError("The palette is CUSTOM, but custom_colors is empty.", hint="Add colours such as #ff0000.")
        return ColorPalette([colors.parse_color(color) for color in custom]).by_idx
    if name.startswith(MATPLOTLIB):
        return _color_map(name.removeprefix(MATPLOTLIB), size)
    return BUILT_IN[name].by_idx


def _color_map(name: str, size: int) -> Palette:
    from matplotlib import colormaps

    known = {registered.lower(): registered for registered in colormaps}
    color_map = colormaps[known[name.lower()]]

    def color(number: int) -> Color:
        red, green, blue, _ = color_map(number % size / max(size - 1, 1))
        return Color(int(red * 255), int(green * 255), int(blue * 255))

    return color


def _numbers(predictions: Detections, axis: str) -> Sequence[int]:
    if axis == "INDEX" or not len(predictions):
        return range(len(predictions))
    numbers = predictions.tracker_id if axis == "TRACK" else predictions.class_id
    if numbers is None:
        message = f"The objects cannot be coloured by {axis}, since they have no {axis.lower()} ids."
        hint = "Put a tracker in front of this step, or colour by CLASS." if axis == "TRACK" else "Colour by INDEX."
        raise BlockError(message, hint=hint, whose="author")
    return [int(number) for number in numbers]
