"""Places on earth of what a camera saw from above."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

IMAGE = picture(60, 80)
DEGREE = 111_320


def located(run: BlockRunner, objects: Detections, **fields: Any) -> Any:
    """Seen from 40 m with a right angle of view, a pixel of an image 80 wide is a metre."""
    camera = {"latitude": 0, "longitude": 10, "altitude": 40, "horizontal_fov": 90, **fields}
    return run("core/geotag_detection@v1", image=IMAGE, predictions=objects, **camera)


def test_the_middle_of_the_image_is_below_the_camera(run: BlockRunner) -> None:
    objects = table(IMAGE, [(30, 20, 50, 40)], confidence=[0.87654])
    result = located(run, objects, latitude=47.5, heading=33)
    (record,) = result["geo_detections"]
    assert record == {
        "class": "bolt",
        "confidence": 0.8765,
        "lat": 47.5,
        "lon": 10,
        "pixel_x": 40,
        "pixel_y": 30,
        "width": 20,
        "height": 20,
    }
    assert result["geojson"] == {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [10, 47.5]},
                "properties": {"class": "bolt", "confidence": 0.8765},
            }
        ],
    }


@pytest.mark.parametrize(
    ("heading", "north", "east"), [(0, 20, 30), (90, -30, 20), (180, -20, -30), (-90, 30, -20), (45, -7.0711, 35.3553)]
)
def test_the_image_turns_with_the_camera(run: BlockRunner, heading: float, north: float, east: float) -> None:
    """30 m to the right of the middle and 20 m up."""
    (record,) = located(run, table(IMAGE, [(69, 9, 71, 11)]), heading=heading)["geo_detections"]
    assert record["lat"] * DEGREE == pytest.approx(north, abs=0.02)
    assert (record["lon"] - 10) * DEGREE == pytest.approx(east, abs=0.02)


def test_degrees_of_longitude_shrink_away_from_the_equator(run: BlockRunner) -> None:
    (record,) = located(run, table(IMAGE, [(69, 29, 71, 31)]), latitude=60)["geo_detections"]
    assert (record["lon"] - 10) * DEGREE == pytest.approx(60, abs=0.02)


def test_on_the_ground_everything_is_where_the_camera_is(run: BlockRunner) -> None:
    (record,) = located(run, table(IMAGE, [(69, 9, 71, 11)]), altitude=-3)["geo_detections"]
    assert (record["lat"], record["lon"]) == (0, 10)


def test_no_objects_no_places(run: BlockRunner) -> None:
    result = located(run, detections.empty(IMAGE.ancestry))
    assert result == {"geo_detections": [], "geojson": {"type": "FeatureCollection", "features": []}}
