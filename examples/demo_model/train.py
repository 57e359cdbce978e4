"""Trains the demo model from nothing on cached pictures; can be stopped at any time and resumed.

Run as `python -m examples.demo_model.train CACHE WORK`: it goes on from the newest checkpoint in WORK.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from .architecture import RESOLUTION, fastener_config
from .batches import draw_batch
from .cache import Cache, open_cache

if TYPE_CHECKING:
    from torch.nn import Module
    from torch.optim import AdamW
    from transformers import RfDetrForInstanceSegmentation

SEED = 7
PICTURES_A_STEP = 16
CHECKPOINT_EVERY = 250
REPORT_EVERY = 25
GRADIENT_CLIP = 0.1


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training: picture side, number of steps, and the peak learning rate of its one cycle."""

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
    Stage(side=144, steps=3800, peak_rate=8e-4, warm_up=300),
    Stage(side=RESOLUTION, steps=2200, peak_rate=3e-4, warm_up=100),
)


def stage_at(step: int) -> tuple[Stage, int] | None:
    """The stage that a step of the whole training falls in, and the step within it; None at the end."""
    for stage in STAGES:
        if step < stage.steps:
            return stage, step
        step -= stage.steps
    return None


def save_checkpoint(path: Path, model: Module, optimizer: AdamW, step: int) -> None:
    """Write weights and moments after `step` steps; the file appears whole or not at all."""
    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        if state := optimizer.state.get(parameter):
            tensors[f"first.{name}"] = state["exp_avg"]
            tensors[f"second.{name}"] = state["exp_avg_sq"]
            tensors[f"count.{name}"] = state["step"]
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"step": str(step)})
    partial.replace(path)


def load_checkpoint(path: Path, model: Module, optimizer: AdamW) -> int:
    """Read weights and moments back in place; answers how many steps they have seen."""
    with safe_open(path, framework="pt") as stored:
        keys = set(stored.keys())
        model.load_state_dict({name: stored.get_tensor(f"model.{name}") for name in model.state_dict()})
        for name, parameter in model.named_parameters():
            if f"first.{name}" in keys:
                optimizer.state[parameter] = {
                    "step": stored.get_tensor(f"count.{name}"),
                    "exp_avg": stored.get_tensor(f"first.{name}"),
                    "exp_avg_sq": stored.get_tensor(f"second.{name}"),
                }
        return int(stored.metadata()["step"])


def newest_checkpoint(work: Path) -> Path | None:
    """The checkpoint with the most steps in a folder."""
    return max(work.glob("step-*.safetensors"), default=None)


def keep_logits_exact(model: RfDetrForInstanceSegmentation) -> None:
    """Hand the class logits to the loss in float32: it takes log(1 - p), which bfloat16 rounds to log(0)."""
    detector = model.model
    for head in (detector.class_embed, *detector.model.enc_out_class_embed):
        head.register_forward_hook(lambda _head, _inputs, logits: logits.float())


def train_step(model: Module, optimizer: AdamW, cache: Cache, step: int, stage: Stage) -> dict[str, float]:
    """One update of the weights; answers the losses of the last decoder layer and the sum of all."""
    batch = draw_batch(cache, seed=SEED, step=step, pictures=PICTURES_A_STEP, side=stage.side)
    torch.manual_seed(SEED * 1_000_003 + step)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(pixel_values=batch.pixel_values, labels=batch.labels)
    optimizer.zero_grad(set_to_none=True)
    output.loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_CLIP)
    optimizer.step()
    parts = {name: float(output.loss_dict[name].detach()) for name in ("loss_ce", "loss_bbox", "loss_mask_dice")}
    return {"loss": float(output.loss.detach()), **parts}


def train(cache: Cache, work: Path) -> None:
    """Train through all stages, with a checkpoint every `CHECKPOINT_EVERY` steps and at the end."""
    from transformers import RfDetrForInstanceSegmentation

    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model = RfDetrForInstanceSegmentation(fastener_config()).train()
    keep_logits_exact(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=STAGES[0].peak_rate, weight_decay=1e-4)
    newest = newest_checkpoint(work)
    step = load_checkpoint(newest, model, optimizer) if newest else 0
    started, first = time.monotonic(), step
    while (position := stage_at(step)) is not None:
        stage, stage_step = position
        for group in optimizer.param_groups:
            group["lr"] = stage.rate(stage_step)
        losses = train_step(model, optimizer, cache, step, stage)
        step += 1
        if step % REPORT_EVERY == 0:
            report = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            pace = (time.monotonic() - started) / (step - first)
            print(f"step {step}  {pace:.2f} s  {report}", flush=True)
        if step % CHECKPOINT_EVERY == 0 or stage_at(step) is None:
            save_checkpoint(work / f"step-{step:06d}.safetensors", model, optimizer, step)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path, help="folder that cache.py has filled")
    parser.add_argument("work", type=Path, help="folder for the checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(open_cache(arguments.cache), arguments.work)


if __name__ == "__main__":
    main()
