"""Cut an image into overlapping tiles, and bring what was found on the tiles back onto the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from supervision import OverlapMetric

from workflow_engine.api import BlockError, Detections, Image, detections

MOST_TILES = 10_000


def image_slicer(
    image: Image,
    *,
    slice_width: int,
    slice_height: int,
    overlap_ratio_width: float,
    overlap_ratio_height: float,
    border: str,
) -> list[dict[str, Image | None]]:
    """Cut the image into tiles, row by row from the top left, each overlapping the one before it.

    Raises:
        BlockError: The overlap leaves no step from one tile to the next, or there are too many tiles.
    """
    columns = TILES[border](image.width, slice_width, overlap_ratio_width)
    rows = TILES[border](image.height, slice_height, overlap_ratio_height)
    if len(columns) * len(rows) > MOST_TILES:
        message = f"The image would be cut into {len(columns) * len(rows)} tiles; at most {MOST_TILES} are allowed."
        raise BlockError(message, hint="Take larger tiles or less overlap.", code="bad_value", whose="author")
    return [
        {"slices": image.crop(left, top, right, bottom, id=f"image_slicer.{uuid4()}")}
        for top, bottom in rows
        for left, right in columns
    ]


def _cut_off(length: int, tile: int, overlap: float) -> list[tuple[int, int]]:
    """Return where tiles begin and end along one side; those at the far border are smaller."""
    return [(start, min(start + tile, length)) for start in range(0, length, _stride(tile, overlap))]


def _moved_inwards(length: int, tile: int, overlap: float) -> list[tuple[int, int]]:
    """Return where tiles begin and end along one side; those at the far border overlap more, to be of full size."""
    tile = min(tile, length)
    starts = {min(start, length - tile) for start in range(0, length, _stride(tile, overlap))}
    return [(start, start + tile) for start in sorted(starts)]


TILES: Mapping[str, Callable[[int, int, float], list[tuple[int, int]]]] = {
    "full size": _moved_inwards,
    "cut off": _cut_off,
}


def _stride(tile: int, overlap: float) -> int:
    stride = tile - int(overlap * tile)
    if stride < 1:
        message = f"Tiles of {tile} pixels that overlap by {overlap:g} of their size would never move on."
        raise BlockError(message, hint="Take an overlap below 1.", code="bad_value", whose="author")
    return stride


def detections_stitch(
    reference_image: Image,
    predictions: Sequence[Detections],
    *,
    overlap_filtering_strategy: str,
    iou_threshold: float,
    overlap_metric: str,
) -> dict[str, Detections]:
    """Bring the objects of all tiles onto the image, and make one of those found on several tiles.

    Raises:
        BlockError: The objects of some tiles have masks and others not, or those of a tile cannot be placed.
    """
    placed = (table for table in predictions if len(table) or detections.ancestry_of(table) is not None)
    found = [_on_the_whole(table, reference_image) for table in placed]
    full = [table for table in found if len(table)]
    masked = sum(table.mask is not None for table in full)
    if 0 < masked < len(full):
        message = f"The objects of {masked} of {len(full)} tiles have masks, and the others none."
        raise BlockError(message, hint="Use one model for all tiles.", whose="author")
    nothing = detections.empty(reference_image.ancestry, prediction_type="object-detection")
    merged = detections.merge(found or [nothing])
    metric = OverlapMetric[overlap_metric]
    return {"predictions": STRATEGIES[overlap_filtering_strategy](merged, iou_threshold, metric)}


def _on_the_whole(table: Detections, image: Image) -> Detections:
    tile = detections.ancestry_of(table)
    if tile is None or tile.scale != image.ancestry.scale:
        message = "The objects of a tile do not say where on the image it lies, or the tile was scaled."
        hint = "Feed the slices of that image, as they are, to the model in front of this step."
        raise BlockError(message, hint=hint, whose="author")
    return detections.placed(table, *tile.parent_offset, image.ancestry)


def _merged(table: Detections, threshold: float, metric: OverlapMetric) -> Detections:
    """Make one of the objects of a class that overlap: a box around all, one mask, their mean confidence by area."""
    return detections.replace(table.with_nmm(threshold, overlap_metric=metric), metadata=dict(table.metadata))


STRATEGIES: Mapping[str, Callable[[Detections, float, OverlapMetric], Detections]] = {
    "none": lambda table, threshold, metric: table,
    "nms": lambda table, threshold, metric: table.with_nms(threshold, overlap_metric=metric),
    "nmm": _merged,
}
