"""How long the demo model is trained, on pictures of which size, and how fast it learns at every step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .architecture import RESOLUTION


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training.

    Attributes:
        side: side in pixels of the pictures.
        steps: number of steps.
        peak_rate: highest learning rate of its one cycle.
        warm_up: steps until that.
    """

    side: int
    steps: int
    peak_rate: float
    warm_up: int

    def rate(self, step: int) -> float:
        """Learning rate at a step of the stage: a linear rise, then half a cosine down to a hundredth."""
        if step < self.warm_up:
            return self.peak_rate * (step + 1) / self.warm_up
        progress = (step - self.warm_up) / max(self.steps - self.warm_up, 1)
        return self.peak_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress)))


STAGES = (
    Stage(side=144, steps=2250, peak_rate=8e-4, warm_up=300),
    Stage(side=240, steps=2000, peak_rate=5e-4, warm_up=100),
    Stage(side=RESOLUTION, steps=750, peak_rate=2.5e-4, warm_up=30),
)
"""Small pictures cost a fraction as much; only the larger ones tell a nut from a washer and give sharp masks."""


def stage_at(step: int) -> tuple[Stage, int] | None:
    """The stage that a step of the whole training falls in, and the step within it; None at the end."""
    for stage in STAGES:
        if step < stage.steps:
            return stage, step
        step -= stage.steps
    return None
