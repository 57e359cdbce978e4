"""Keep a log of the objects that came and went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from blocks.video.state import MOST_TRACKS, video_id
from workflow_engine.api import Detections, Image, Recent, detections


@dataclass
class _Event:
    """One track: when it was first and last seen, and in how many frames.

    Frames are counted from the first that the block saw; the timestamps are seconds since 1970, the relative times
    seconds since that first frame.
    """

    tracker_id: int
    class_name: str
    first_seen_frame: int
    first_seen_timestamp: float
    last_seen_frame: int
    last_seen_timestamp: float
    first_seen_relative: float
    last_seen_relative: float
    frame_count: int = 0


@dataclass
class _Log:
    """The events of one video."""

    start: float
    frame: int = 0
    flushed: int = 1
    events: dict[int, _Event] = field(default_factory=dict)

    def note(self, track: int, name: str, *, moment: float, clock: float) -> None:
        """Note that a track was seen now."""
        passed = clock - self.start
        if track not in self.events:
            self.events[track] = _Event(track, name, self.frame, moment, self.frame, moment, passed, passed)
            if len(self.events) > MOST_TRACKS:
                del self.events[min(self.events, key=lambda one: self.events[one].last_seen_frame)]
        event = self.events[track]
        event.last_seen_frame, event.last_seen_timestamp, event.last_seen_relative = self.frame, moment, passed
        event.frame_count += 1

    def flush(self, *, interval: int, stale: int) -> list[_Event]:
        """Take out the events of tracks unseen for long, every so many frames."""
        if self.frame - self.flushed < interval:
            return []
        self.flushed = self.frame
        gone = [event for event in self.events.values() if self.frame - event.last_seen_frame > stale]
        for event in gone:
            del self.events[event.tracker_id]
        return gone


class DetectionEventLog:
    """Keeps one log per video."""

    def __init__(self) -> None:
        self._logs: Recent[str, _Log] = Recent()

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        *,
        frame_threshold: int,
        flush_interval: int,
        stale_frames: int,
        fallback_fps: float,
    ) -> dict[str, Any]:
        """Note the tracks of the next frame; objects without tracks pass by.

        Events of at least ``frame_threshold`` frames are logged, the others pending. Every ``flush_interval`` frames,
        those unseen for more than ``stale_frames`` leave the log; the logged ones among them are the complete events.
        """
        video = image.video_metadata()
        clock = video.time
        if video.comes_from_video_file and video.fps is None:
            clock = video.frame_number / fallback_fps
        log = self._logs.of(video_id(image), lambda: _Log(start=clock))
        log.frame += 1
        gone = log.flush(interval=flush_interval, stale=stale_frames)
        if predictions.tracker_id is not None:
            for track, name in zip(predictions.tracker_id, detections.class_names(predictions), strict=True):
                log.note(int(track), name, moment=video.frame_timestamp.timestamp(), clock=clock)
        logged = {id: event for id, event in log.events.items() if event.frame_count >= frame_threshold}
        pending = {id: event for id, event in log.events.items() if id not in logged}
        return {
            "event_log": {"logged": _written(logged.values()), "pending": _written(pending.values())},
            "detections": predictions,
            "total_logged": len(logged),
            "total_pending": len(pending),
            "complete_events": _written(event for event in gone if event.frame_count >= frame_threshold),
        }


def _written(events: Iterable[_Event]) -> dict[str, dict[str, Any]]:
    return {str(event.tracker_id): asdict(event) for event in events}
