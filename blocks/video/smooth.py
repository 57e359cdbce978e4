"""Keep boxes from trembling, and show objects that a model missed for some frames."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from blocks.video.state import track_ids, tracked, video_id
from workflow_engine.api import Detections, Image, Recent, detections

PROCESS_NOISE, MEASUREMENT_NOISE = 0.001, 0.01
"""Variances, in pixels² per frame², of a Kalman filter whose state is a velocity that stays as it is."""

Vector = NDArray[np.float64]


class _Motion:
    """The velocity of one track, in pixels per frame."""

    def __init__(self, measured: Vector, window: int) -> None:
        self.velocity = measured
        self._variance = 1.0 + PROCESS_NOISE
        self._recent = deque([measured], maxlen=window)

    def correct(self, measured: Vector) -> None:
        """Take a new measurement into account, averaged with the recent ones."""
        self._recent.append(measured)
        gain = self._variance / (self._variance + MEASUREMENT_NOISE)
        self.velocity = self.velocity + gain * (np.mean(self._recent, axis=0) - self.velocity)
        self._variance = self._variance * (1 - gain) + PROCESS_NOISE

    def miss(self) -> bool:
        """Note a frame without a measurement; return whether there were enough of them to go on."""
        self._recent.pop()
        self._variance += PROCESS_NOISE
        return bool(self._recent)


class _Video:
    """The tracks of one video: each as last seen or shown, and its motion once it was seen twice."""

    def __init__(self) -> None:
        self.last: dict[int, Detections] = {}
        self.motions: dict[int, _Motion] = {}

    def measure(self, track: int, box: Vector, window: int) -> None:
        """Note how far the corner of a known track has moved."""
        moved = np.asarray(box[2:] - self.last[track].xyxy[0, 2:], dtype=np.float64)
        if track in self.motions:
            self.motions[track].correct(moved)
        else:
            self.motions[track] = _Motion(moved, window)

    def carry_on(self, present: set[int], share: float) -> list[Detections]:
        """Move every lost track on by a share of its velocity, and forget those that were lost for too long."""
        lost = {track: motion for track, motion in self.motions.items() if track not in present}
        for track, motion in lost.items():
            row = self.last[track]
            self.last[track] = detections.replace(row, xyxy=row.xyxy + share * np.tile(motion.velocity, 2))
        shown = [self.last[track] for track in lost]
        for track, motion in lost.items():
            if not motion.miss():
                del self.motions[track]
        known = present | lost.keys()
        self.last = {track: row for track, row in self.last.items() if track in known}
        return shown


class Stabilizer:
    """Remembers the last box and the velocity of each track, per video."""

    def __init__(self) -> None:
        self._videos: Recent[str, _Video] = Recent()

    def __call__(
        self, image: Image, predictions: Detections, *, smoothing_window_size: int, bbox_smoothing_coefficient: float
    ) -> dict[str, Detections]:
        """Mix every box with the one before it, and let lost tracks go on for a while at their velocity.

        A lost track is shown for as many frames as its velocity was measured in, ``smoothing_window_size`` at most.
        Masks stay where they are.

        Raises:
            BlockError: The objects are not tracked.
        """
        video, share = self._videos.of(video_id(image), _Video), bbox_smoothing_coefficient
        boxes = np.array(predictions.xyxy, dtype=np.float64)
        tracks = track_ids(predictions)
        for row, track in enumerate(tracks):
            if track in video.last:
                video.measure(track, boxes[row], smoothing_window_size)
                boxes[row] = share * boxes[row] + (1 - share) * video.last[track].xyxy[0]
            video.last[track] = predictions.select([row])
        steady = detections.replace(tracked(predictions), xyxy=boxes)
        lost = video.carry_on(set(tracks), share)
        return {"tracked_detections": detections.merge([steady, *lost]) if lost else steady}
