"""ByteTrack: every box is associated with a track, those of low confidence too.

Y. Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022. The thresholds and
the order of decisions are those of supervision up to 0.30, which the ecosystem's blocks stand on and later versions
lack: numbers begin at 1, tracks of the very first frame are shown at once, later ones from their second sighting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray
from supervision import box_iou_batch

from blocks.video.kalman import BoxFilter

FAINT = 0.1
"""Boxes of no more confidence are not looked at."""
SECOND_COST, UNCONFIRMED_COST, SHOWN_COST, DUPLICATE_COST = 0.5, 0.7, 0.5, 0.05
"""The highest cost (1 - IoU) of a match: of faint boxes, of tracks not yet shown, of what is shown, and of twins."""

Matches = tuple[list[tuple[int, int]], list[int], list[int]]


@dataclass(eq=False)
class _Track:
    """One object: where it is believed to be, since when it has been seen how often; its number is 0 until shown."""

    filter: BoxFilter
    first: int
    last: int
    length: int = 1
    id: int = 0
    lost: bool = False

    @property
    def age(self) -> int:
        return self.last - self.first


@dataclass
class ByteTrack:
    """Gives the boxes of successive frames the numbers of the objects they show.

    Attributes:
        activation: Boxes of at least this confidence may begin a track.
        patience: How many frames an unseen track waits.
        matching: Highest cost, 1 - IoU · confidence, at which a box continues a track.
        sightings: Frames in a row after which a track is shown.
    """

    activation: float
    patience: int
    matching: float
    sightings: int
    _frame: int = 0
    _tracks: list[_Track] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def update(self, boxes: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[list[int], list[int]]:
        """Look at the next frame; return which boxes belong to shown tracks, and the numbers of these tracks.

        Args:
            boxes: (N, 4) as x1, y1, x2, y2.
            scores: (N,) how sure each is.
        """
        self._frame += 1
        sound = np.isfinite(boxes).all(axis=1) & np.isfinite(scores) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        rows = np.flatnonzero(sound)
        self._associate(boxes[rows], scores[rows])
        shown = [track for track in self._tracks if track.id and not track.lost]
        pairs, _, _ = _matched(_distance(boxes[rows], _boxes(shown)), SHOWN_COST)
        return [int(rows[row]) for row, _ in pairs], [shown[column].id for _, column in pairs]

    def _associate(self, boxes: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
        """Continue tracks with sure boxes, those in sight with faint ones too, and begin tracks with what is left."""
        strong = np.flatnonzero(scores >= self.activation)
        faint = np.flatnonzero((scores > FAINT) & (scores < self.activation))
        known = [track for track in self._tracks if track.id]
        fresh = [track for track in self._tracks if not track.id]
        for track in known:
            track.filter.predict(still=track.lost)
        visible = {id(track) for track in self._tracks if not track.lost}

        pairs, left, open_ = _matched(self._fused(known, boxes[strong], scores[strong]), self.matching)
        seen = [self._see(known[row], boxes[strong[column]]) for row, column in pairs]
        rest = [known[row] for row in left if id(known[row]) in visible]
        pairs, left, _ = _matched(_distance(_boxes(rest), boxes[faint]), SECOND_COST)
        seen += [self._see(rest[row], boxes[faint[column]]) for row, column in pairs]
        newly_lost = [rest[row] for row in left]

        strong = strong[open_]
        pairs, _, open_ = _matched(self._fused(fresh, boxes[strong], scores[strong]), UNCONFIRMED_COST)
        seen += [self._see(fresh[row], boxes[strong[column]]) for row, column in pairs]
        begun = [self._begin(boxes[row]) for row in strong[open_] if scores[row] >= self._least]
        self._settle(visible, {id(track) for track in seen}, begun, newly_lost)

    @property
    def _least(self) -> float:
        """How sure a box must be to begin a track."""
        return self.activation + 0.1 if self.activation + 0.1 <= 1 else self.activation

    def _fused(
        self, tracks: Sequence[_Track], boxes: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return 1 - IoU · confidence of every track and box."""
        similarity = (1 - _distance(_boxes(tracks), boxes)) * scores[np.newaxis].astype(np.float32)
        return np.asarray(1 - similarity, dtype=np.float32)

    def _see(self, track: _Track, box: NDArray[np.float64]) -> _Track:
        track.filter.correct(box)
        track.last = self._frame
        track.length = 0 if track.lost else track.length + 1
        track.lost = False
        if not track.id and track.length >= self.sightings:
            track.id = next(self._ids)
        return track

    def _begin(self, box: NDArray[np.float64]) -> _Track:
        track = _Track(filter=BoxFilter(box), first=self._frame, last=self._frame)
        if self._frame == 1 and self.sightings <= 1:
            track.id = next(self._ids)
        return track

    def _settle(self, visible: set[int], seen: set[int], begun: list[_Track], newly_lost: list[_Track]) -> None:
        """Keep the tracks in sight, those found again last, and then those that are waited for."""
        kept = [track for track in self._tracks if id(track) in seen and id(track) in visible]
        found = [track for track in self._tracks if id(track) in seen and id(track) not in visible]
        # A track can still be found in the frame after its patience has run out, as in supervision.
        longest = max(self.patience, 1) + 1
        waiting = [track for track in self._tracks if track.lost and self._frame - track.last <= longest]
        for track in newly_lost:
            track.lost = True
        self._tracks = _without_twins([*kept, *begun, *found], [*waiting, *newly_lost])


def _boxes(tracks: Sequence[_Track]) -> NDArray[np.float64]:
    return np.array([track.filter.box for track in tracks]).reshape(-1, 4)


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return 1 - IoU of every pair of boxes."""
    if not len(one) or not len(other):
        return np.zeros((len(one), len(other)), dtype=np.float32)
    return np.asarray(1 - box_iou_batch(one.astype(np.float32), other.astype(np.float32)), dtype=np.float32)


def _matched(costs: NDArray[np.float32], most: float) -> Matches:
    """Return the pairs (row, column) of least total cost, each of at most ``most``, and the rows and columns left."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.where(costs > most, most + 1e-4, costs))
    pairs = [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if costs[row, column] <= most]
    # In the order of a set, not sorted: the numbers that the ecosystem gives to new tracks follow it.
    left = list(set(range(costs.shape[0])) - {row for row, _ in pairs})
    open_ = list(set(range(costs.shape[1])) - {column for _, column in pairs})
    return pairs, left, open_


def _without_twins(present: list[_Track], lost: list[_Track]) -> list[_Track]:
    """Of a track that is seen and a lost one in the same place, keep the one that has been followed for longer."""
    dropped = set()
    for row, column in np.argwhere(_distance(_boxes(present), _boxes(lost)) < DUPLICATE_COST):
        dropped.add(id(lost[column] if present[row].age > lost[column].age else present[row]))
    return [track for track in [*present, *lost] if id(track) not in dropped]
