"""Settle on one class for each track: the one that it was most often taken for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from supervision import box_iou_batch

from blocks.video.state import MOST_TRACKS, track_ids, tracked, video_id
from workflow_engine.api import BlockError, Detections, Image, Recent, detections

Box = NDArray[np.float64]
"""x1, y1, x2, y2."""


@dataclass
class _Challenge:
    """Another class than the locked one, in so many votes running."""

    name: str
    votes: int = 0
    confidence: float = 0.0


@dataclass
class _Ballot:
    """What one track was taken for."""

    box: Box = field(default_factory=lambda: np.zeros(4))
    seen: int = 0
    votes: Counter[str] = field(default_factory=Counter)
    confidence: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    ids: dict[str, int] = field(default_factory=dict)
    locked: str | None = None
    challenge: _Challenge | None = None

    def vote(self, name: str, confidence: float, *, needed: int, lead: int) -> None:
        """Count a vote before the class is locked, and lock it when it has enough and leads by enough."""
        self.votes[name] += 1
        self.confidence[name] += confidence
        (first, most), *others = self.votes.most_common(2)
        if most >= needed and most - (others[0][1] if others else 0) >= lead:
            self.locked = first

    def contest(self, name: str | None, confidence: float, *, needed: int) -> None:
        """Count a vote after the class was locked; enough running for one other class switch the lock.

        ``None`` is a row that is not sure enough, which ends a run.
        """
        if name is None or name == self.locked:
            self.challenge = None
            return
        if self.challenge is None or self.challenge.name != name:
            self.challenge = _Challenge(name)
        self.challenge.votes += 1
        self.challenge.confidence += confidence
        if self.challenge.votes >= needed:
            self.locked = name
            self.votes = Counter({name: self.challenge.votes})
            self.confidence = defaultdict(float, {name: self.challenge.confidence})
            self.challenge = None

    @property
    def sureness(self) -> float:
        """Mean confidence of the votes for the locked class."""
        return min(1.0, self.confidence[self.locked or ""] / max(self.votes[self.locked or ""], 1))


class _Video:
    """The ballots of one video by track."""

    def __init__(self) -> None:
        self.frame = 0
        self.ballots: dict[int, _Ballot] = {}

    def lost(self, present: Collection[int], window: int) -> dict[int, _Ballot]:
        """Return the locked tracks that went out of sight within the last frames."""
        return {
            track: ballot
            for track, ballot in self.ballots.items()
            if track not in present and ballot.locked and 1 <= self.frame - ballot.seen <= window
        }

    def ballot(self, track: int, box: Box, lost: dict[int, _Ballot], overlap: float) -> _Ballot:
        """Return the track's ballot; a new track takes over that of the lost one whose place it is in, if there is."""
        if track not in self.ballots:
            old = _in_place_of(box, lost, overlap)
            if old is not None:
                lost.pop(old)
            self.ballots[track] = _Ballot() if old is None else self.ballots.pop(old)
        ballot = self.ballots[track]
        ballot.box, ballot.seen = box, self.frame
        return ballot

    def forget(self, patience: int) -> None:
        """Drop the ballots of tracks unseen for long, and the oldest where there are too many."""
        kept = [(track, one) for track, one in self.ballots.items() if self.frame - one.seen <= patience]
        if len(kept) > MOST_TRACKS:
            kept = sorted(kept, key=lambda pair: pair[1].seen)[-MOST_TRACKS:]
        self.ballots = dict(kept)


def _in_place_of(box: Box, lost: Mapping[int, _Ballot], overlap: float) -> int | None:
    """Return the lost track whose last box overlaps this one most, and at all, and enough."""
    if not lost:
        return None
    ious = box_iou_batch(box[np.newaxis], np.array([ballot.box for ballot in lost.values()]))[0]
    best = int(ious.argmax())
    return list(lost)[best] if ious[best] > 0 and ious[best] >= overlap else None


class TrackClassLock:
    """Counts the votes of each track, per video."""

    def __init__(self) -> None:
        self._videos: Recent[str, _Video] = Recent()

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        *,
        min_votes: int,
        vote_confidence: float,
        lead_margin: int,
        switch_after: int,
        state_ttl: int,
        reattach_window: int,
        reattach_iou: float,
    ) -> dict[str, Detections]:
        """Rewrite the class and confidence of the rows whose track is locked; the column ``class_locked`` says which.

        Raises:
            BlockError: The objects are not tracked, or locks could be handed on for longer than they are kept.
        """
        if reattach_window > state_ttl:
            message = f"reattach_window ({reattach_window}) is longer than tracks are remembered ({state_ttl})."
            raise BlockError(message, hint="Make state_ttl at least as large.", code="bad_value", whose="author")
        tracks = track_ids(predictions)
        video = self._videos.of(video_id(image), _Video)
        video.frame += 1
        lost = video.lost(set(tracks), reattach_window)
        rows = _Rows.of(predictions)
        for index, track in enumerate(tracks):
            ballot = video.ballot(track, np.array(predictions.xyxy[index]), lost, reattach_iou)
            name, sureness = rows.names[index], float(rows.confidence[index])
            qualified = sureness >= vote_confidence
            if qualified:
                ballot.ids[name] = int(rows.class_id[index])
            if ballot.locked:
                ballot.contest(name if qualified else None, sureness, needed=switch_after)
            elif qualified:
                ballot.vote(name, sureness, needed=min_votes, lead=lead_margin)
            rows.settle(index, ballot)
        video.forget(state_ttl)
        return {"tracked_detections": rows.written(predictions)}


@dataclass
class _Rows:
    """The columns of a table that are rewritten."""

    names: list[str]
    class_id: NDArray[np.int64]
    confidence: NDArray[np.float64]
    locked: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Detections) -> _Rows:
        """Copy the columns of a table; one without confidence is sure."""
        count = len(table)
        return cls(
            names=detections.class_names(table),
            class_id=np.zeros(count, np.int64) if table.class_id is None else np.array(table.class_id, np.int64),
            confidence=np.ones(count) if table.confidence is None else np.array(table.confidence, np.float64),
            locked=np.zeros(count, dtype=np.bool_),
        )

    def settle(self, index: int, ballot: _Ballot) -> None:
        """Write the locked class into a row, if there is one."""
        if ballot.locked is not None:
            self.names[index], self.class_id[index] = ballot.locked, ballot.ids[ballot.locked]
            self.confidence[index], self.locked[index] = ballot.sureness, True

    def written(self, table: Detections) -> Detections:
        """Return the table with these columns."""
        changed = detections.replace(tracked(table), class_id=self.class_id, confidence=self.confidence)
        return detections.with_columns(changed, {"class_name": self.names, "class_locked": self.locked})
