"""Trains the demo model from nothing on cached pictures; can be stopped at any time and resumed.

Run as `python -m examples.demo_model.train CACHE WORK`: it goes on from the newest checkpoint in WORK.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from .batches import draw_batch
from .cache import Cache, open_cache
from .learner import Learner, checkpoint_path, newest_checkpoint
from .schedule import stage_at

SEED = 7
PICTURES_A_STEP = 16
CHECKPOINT_EVERY = 250
REPORT_EVERY = 25


def resumed(work: Path) -> Learner:
    """A learner as the newest checkpoint in `work` left it, or a fresh one."""
    learner = Learner(seed=SEED)
    newest = newest_checkpoint(work)
    if newest is not None:
        learner.restore(newest)
    return learner


def train(cache: Cache, work: Path) -> None:
    """Train through all stages, with a checkpoint every `CHECKPOINT_EVERY` steps and at the end."""
    work.mkdir(parents=True, exist_ok=True)
    learner = resumed(work)
    started, first = time.monotonic(), learner.steps
    while (position := stage_at(learner.steps)) is not None:
        stage, stage_step = position
        batch = draw_batch(cache, seed=SEED, step=learner.steps, pictures=PICTURES_A_STEP, side=stage.side)
        losses = learner.learn(batch, rate=stage.rate(stage_step))
        if learner.steps % REPORT_EVERY == 0:
            report = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            pace = (time.monotonic() - started) / (learner.steps - first)
            print(f"step {learner.steps}  {pace:.2f} s  {report}", flush=True)
        if learner.steps % CHECKPOINT_EVERY == 0 or stage_at(learner.steps) is None:
            learner.save(checkpoint_path(work, learner.steps))


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path, help="folder that examples.demo_model.cache has filled")
    parser.add_argument("work", type=Path, help="folder for the checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(open_cache(arguments.cache), arguments.work)


if __name__ == "__main__":
    main()
