"""Which colour an object is drawn in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blocks.visualize.palettes import row_colors
from tests.blocks.scenes import picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

BOXES = [(0, 0, 10, 10), (20, 0, 40, 10), (5, 20, 15, 50), (50, 30, 70, 50)]
NAMES = ["washer", "nut", "bolt", "nut"]


def colours(objects: Detections, **options: Any) -> list[str]:
    given: dict[str, Any] = {"color_palette": "DEFAULT", "palette_size": 10, "custom_colors": [], "color_axis": "CLASS"}
    return [color.as_hex() for color in row_colors(objects, **(given | options)).colors]


def objects(**options: Any) -> Detections:
    return table(picture(), BOXES, names=NAMES, **options)


def test_by_class_by_index_by_track() -> None:
    assert colours(objects()) == ["#ffa1a0", "#ff4040", "#a351fb", "#ff4040"]
    assert colours(objects(), color_axis="INDEX") == ["#a351fb", "#ff4040", "#ffa1a0", "#ff7633"]
    assert colours(objects(tracker_id=[22, 1, 0, -1]), color_axis="TRACK") == [
        "#ff4040",
        "#ff4040",
        "#a351fb",
        "#808080",
    ]


def test_palettes_by_name() -> None:
    assert colours(objects(), color_palette="ROBOFLOW")[0] == "#8315f9"
    custom = {"color_palette": "CUSTOM", "custom_colors": ["red", "#0f0"], "color_axis": "INDEX"}
    assert colours(objects(), **custom) == ["#ff0000", "#00ff00", "#ff0000", "#00ff00"]


@pytest.mark.parametrize("name", ["Viridis", "Pastel1", "Tab20c"])
def test_a_colour_map_is_sampled_evenly(name: str) -> None:
    from matplotlib import colormaps

    sampled = colormaps[{"Viridis": "viridis", "Tab20c": "tab20c"}.get(name, name)].resampled(3)
    expected = [tuple(int(part * 255) for part in sampled(number)[:3]) for number in (0, 1, 2, 0)]
    options = {"color_palette": f"Matplotlib {name}", "palette_size": 3, "color_axis": "INDEX"}
    assert [tuple(bytes.fromhex(text[1:])) for text in colours(objects(), **options)] == expected


def test_a_colour_map_of_one_colour_is_its_first() -> None:
    assert set(colours(objects(), color_palette="Matplotlib Viridis", palette_size=1)) == {"#440154"}


def test_every_palette_of_the_manifest_exists() -> None:
    from workflow_engine.registry import Registry, built_in

    manifest = Registry([built_in()]).step_type("core/mask_visualization@v1").manifest
    for name in manifest.parameters.properties["color_palette"]["enum"]:
        assert len(colours(objects(), color_palette=name, custom_colors=["red"])) == len(BOXES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color_axis": "TRACK"}, "they have no track ids"),
        ({"color_palette": "CUSTOM"}, "custom_colors is empty"),
        ({"color_palette": "CUSTOM", "custom_colors": ["reddish"]}, "'reddish' is not a colour"),
    ],
)
def test_a_colour_that_cannot_be_had_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BlockError, match=message):
        colours(objects(), **options)


def test_objects_without_classes_are_refused_by_class_only() -> None:
    plain = detections.replace(objects(), class_id=None)
    with pytest.raises(BlockError, match="they have no class ids"):
        colours(plain)
    assert len(colours(plain, color_axis="INDEX")) == len(BOXES)


def test_an_empty_table_needs_no_tracks() -> None:
    none = objects().select(np.zeros(len(BOXES), dtype=bool))
    assert colours(none, color_axis="TRACK") == []
