"""Give the objects of a video numbers that stay the same from frame to frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from blocks.video.byte_track import ByteTrack
from blocks.video.state import Frame, video_of
from workflow_engine.api import Detections, Image, Recent, colors, detections

USUAL_RATE = 30.0
"""Frames per second of a video that does not say, and the rate to which patience in frames refers."""

Sightings = tuple[Sequence[int], Sequence[int]]
"""Rows of a table, and the track of each."""


class Tracker(Protocol):
    """Follows the objects of one video."""

    def follow(self, table: Detections, frame: Frame) -> Sightings:
        """Look at the next frame; return the rows that belong to tracks, and these tracks."""


class _Videos:
    """A tracker for every video, and the tracks that it has given before."""

    def __init__(self) -> None:
        self._trackers: Recent[str, tuple[Tracker, dict[int, None]]] = Recent()

    def follow(
        self, frame: Frame, table: Detections, make: Callable[[float], Tracker], *, memory: int
    ) -> dict[str, Detections]:
        """Track the rows of one frame.

        Args:
            frame: The frame, which says of which video it is.
            table: What was found on it.
            make: Returns the tracker of a video with so many frames per second, at its first frame.
            memory: How many tracks are remembered, to tell new ones from those seen before.
        """
        video = video_of(frame)
        rate = video.fps or USUAL_RATE
        tracker, seen = self._trackers.of(video.video_identifier, lambda: (make(rate), {}))
        rows, tracks = tracker.follow(table, frame)
        followed = detections.replace(table.select(list(rows)), tracker_id=np.array(tracks, dtype=np.int64))
        before = np.array([_note(seen, track, memory) for track in tracks], dtype=np.bool_)
        return {
            "tracked_detections": followed,
            "new_instances": followed.select(~before),
            "already_seen_instances": followed.select(before),
        }


def _note(seen: dict[int, None], track: int, memory: int) -> bool:
    """Return whether the track was seen before, and remember it; the one remembered first is forgotten first."""
    if track in seen:
        return True
    while len(seen) >= memory:
        del seen[next(iter(seen))]
    seen[track] = None
    return False


class _Overlap:
    """The ByteTrack of this package; it looks at boxes and confidence."""

    def __init__(self, *, activation: float, patience: int, matching: float, sightings: int) -> None:
        self._tracker = ByteTrack(activation=activation, patience=patience, matching=matching, sightings=sightings)

    def follow(self, table: Detections, frame: Frame) -> Sightings:
        boxes = np.asarray(table.xyxy, dtype=np.float64)
        scores = np.ones(len(table)) if table.confidence is None else np.asarray(table.confidence, dtype=np.float64)
        return self._tracker.update(boxes, scores)


class _Library:
    """A tracker of the package ``trackers``."""

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker
        self._looks = getattr(tracker, "enable_cmc", False)

    def follow(self, table: Detections, frame: Frame) -> Sightings:
        bare = Detections(xyxy=table.xyxy, confidence=table.confidence, data={"row": np.arange(len(table))})
        picture = {"frame": colors.colored(frame.pixels)} if self._looks and isinstance(frame, Image) else {}
        followed = self._tracker.update(bare, **picture)
        rows = np.asarray(followed.data.get("row", []), dtype=np.int64)
        confirmed = followed.tracker_id >= 0
        return rows[confirmed].tolist(), followed.tracker_id[confirmed].tolist()


def _library(name: str, **settings: Any) -> Callable[[float], Tracker]:
    """Return what makes the tracker of that name for a frame rate."""

    def make(rate: float) -> Tracker:
        import trackers  # here, for it takes a second to load

        return _Library(getattr(trackers, name)(frame_rate=rate, **settings))

    return make


class ByteTracker:
    """Follows objects by the overlap of their boxes; shows a track at once."""

    def __init__(self) -> None:
        self._videos = _Videos()

    def __call__(
        self,
        image: Frame,
        predictions: Detections,
        *,
        track_activation_threshold: float,
        lost_track_buffer: int,
        minimum_matching_threshold: float,
        minimum_consecutive_frames: int,
        instances_cache_size: int,
    ) -> dict[str, Detections]:
        """Track the rows of one frame; the settings at a video's first frame hold for all of it."""

        def make(rate: float) -> Tracker:
            return _Overlap(
                activation=track_activation_threshold,
                patience=int(rate / USUAL_RATE * lost_track_buffer),
                matching=minimum_matching_threshold,
                sightings=minimum_consecutive_frames,
            )

        return self._videos.follow(image, predictions, make, memory=instances_cache_size)


class ByteTrackTracker:
    """ByteTrack as the package ``trackers`` has it: boxes of low confidence continue tracks, too."""

    def __init__(self) -> None:
        self._videos = _Videos()

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        *,
        minimum_iou_threshold: float,
        minimum_consecutive_frames: int,
        lost_track_buffer: int,
        track_activation_threshold: float,
        high_conf_det_threshold: float,
        instances_cache_size: int,
    ) -> dict[str, Detections]:
        """Track the rows of one frame; the settings at a video's first frame hold for all of it."""
        make = _library(
            "ByteTrackTracker",
            minimum_iou_threshold=minimum_iou_threshold,
            minimum_consecutive_frames=minimum_consecutive_frames,
            lost_track_buffer=lost_track_buffer,
            track_activation_threshold=track_activation_threshold,
            high_conf_det_threshold=high_conf_det_threshold,
        )
        return self._videos.follow(image, predictions, make, memory=instances_cache_size)


class SortTracker:
    """SORT: the overlap of boxes with where a constant speed would have taken them."""

    def __init__(self) -> None:
        self._videos = _Videos()

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        *,
        minimum_iou_threshold: float,
        minimum_consecutive_frames: int,
        lost_track_buffer: int,
        track_activation_threshold: float,
        instances_cache_size: int,
    ) -> dict[str, Detections]:
        """Track the rows of one frame; the settings at a video's first frame hold for all of it."""
        make = _library(
            "SORTTracker",
            minimum_iou_threshold=minimum_iou_threshold,
            minimum_consecutive_frames=minimum_consecutive_frames,
            lost_track_buffer=lost_track_buffer,
            track_activation_threshold=track_activation_threshold,
        )
        return self._videos.follow(image, predictions, make, memory=instances_cache_size)


class OcSortTracker:
    """OC-SORT: as SORT, and the direction in which objects were seen to move counts."""

    def __init__(self) -> None:
        self._videos = _Videos()

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        *,
        minimum_iou_threshold: float,
        minimum_consecutive_frames: int,
        lost_track_buffer: int,
        high_conf_det_threshold: float,
        direction_consistency_weight: float,
        delta_t: int,
        instances_cache_size: int,
    ) -> dict[str, Detections]:
        """Track the rows of one frame; the settings at a video's first frame hold for all of it."""
        make = _library(
            "OCSORTTracker",
            minimum_iou_threshold=minimum_iou_threshold,
            minimum_consecutive_frames=minimum_consecutive_frames,
            lost_track_buffer=lost_track_buffer,
            high_conf_det_threshold=high_conf_det_threshold,
            direction_consistency_weight=direction_consistency_weight,
            delta_t=delta_t,
        )
        return self._videos.follow(image, predictions, make, memory=instances_cache_size)


class BotSortTracker:
    """BoT-SORT: as ByteTrack, and the motion of the camera may be taken out."""

    def __init__(self) -> None:
        self._videos = _Videos()

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        *,
        minimum_iou_threshold_first_assoc: float,
        minimum_iou_threshold_second_assoc: float,
        minimum_iou_threshold_unconfirmed_assoc: float,
        minimum_consecutive_frames: int,
        lost_track_buffer: int,
        track_activation_threshold: float,
        high_conf_det_threshold: float,
        enable_cmc: bool,
        cmc_method: str,
        cmc_downscale: int,
        instant_first_frame_activation: bool,
        instances_cache_size: int,
    ) -> dict[str, Detections]:
        """Track the rows of one frame; the settings at a video's first frame hold for all of it."""
        make = _library(
            "BoTSORTTracker",
            minimum_iou_threshold_first_assoc=minimum_iou_threshold_first_assoc,
            minimum_iou_threshold_second_assoc=minimum_iou_threshold_second_assoc,
            minimum_iou_threshold_unconfirmed_assoc=minimum_iou_threshold_unconfirmed_assoc,
            minimum_consecutive_frames=minimum_consecutive_frames,
            lost_track_buffer=lost_track_buffer,
            track_activation_threshold=track_activation_threshold,
            high_conf_det_threshold=high_conf_det_threshold,
            enable_cmc=enable_cmc,
            cmc_method=cmc_method,
            cmc_downscale=cmc_downscale,
            instant_first_frame_activation=instant_first_frame_activation,
        )
        return self._videos.follow(image, predictions, make, memory=instances_cache_size)
