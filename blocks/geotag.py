"""Say where on earth objects are that a camera saw from above."""

from __future__ import annotations

import math
from typing import Any

from workflow_engine.api import Detections, Image, detections

METRES_PER_DEGREE = 111_320.0  # of latitude, and of longitude at the equator


def geotag_detection(
    image: Image,
    predictions: Detections,
    *,
    latitude: float,
    longitude: float,
    altitude: float,
    horizontal_fov: float,
    heading: float,
) -> dict[str, Any]:
    """Project the centre of every box to the ground below a camera that looks straight down.

    The ground counts as flat. Angles are in degrees, the heading clockwise from north to the top of the image, the
    altitude in metres above the ground; at 0 or less everything is where the camera is.
    """
    ground_width = 2 * max(altitude, 0.0) * math.tan(math.radians(horizontal_fov) / 2)
    metres_per_pixel = ground_width / image.width
    turn = math.radians(heading)
    records = []
    names = detections.class_names(predictions)
    for index, (x1, y1, x2, y2) in enumerate(predictions.xyxy.tolist()):
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        right, up = (x - image.width / 2) * metres_per_pixel, (image.height / 2 - y) * metres_per_pixel
        east = right * math.cos(turn) + up * math.sin(turn)
        north = up * math.cos(turn) - right * math.sin(turn)
        records.append(
            {
                "class": names[index],
                "confidence": 0.0 if predictions.confidence is None else round(float(predictions.confidence[index]), 4),
                "lat": round(latitude + north / METRES_PER_DEGREE, 7),
                "lon": round(longitude + east / (METRES_PER_DEGREE * math.cos(math.radians(latitude))), 7),
                "pixel_x": round(x, 1),
                "pixel_y": round(y, 1),
                "width": round(x2 - x1, 1),
                "height": round(y2 - y1, 1),
            }
        )
    return {"geo_detections": records, "geojson": {"type": "FeatureCollection", "features": [*map(_feature, records)]}}


def _feature(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as a GeoJSON feature (RFC 7946), longitude first."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [record["lon"], record["lat"]]},
        "properties": {"class": record["class"], "confidence": record["confidence"]},
    }
