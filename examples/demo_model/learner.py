"""The network with its optimizer: one training step, and checkpoints from which training goes on exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from .architecture import fastener_config

if TYPE_CHECKING:
    from transformers import RfDetrForInstanceSegmentation

    from .batches import Batch

GRADIENT_CLIP = 0.1
WEIGHT_DECAY = 1e-4
REPORTED = ("loss_ce", "loss_bbox", "loss_mask_dice")
"""Losses of the last decoder layer that are reported beside the sum of all."""


def keep_logits_exact(model: RfDetrForInstanceSegmentation) -> None:
    """Hand the class logits to the loss in float32: it takes log(1 - p), which bfloat16 rounds to log(0)."""
    detector = model.model
    for head in (detector.class_embed, *detector.model.enc_out_class_embed):
        head.register_forward_hook(lambda _head, _inputs, logits: logits.float())


class Learner:
    """A network in training."""

    def __init__(self, *, seed: int) -> None:
        from transformers import RfDetrForInstanceSegmentation

        torch.manual_seed(seed)
        self._seed = seed
        self._model = RfDetrForInstanceSegmentation(fastener_config()).train()
        # With heads this small, the fused attention's backward pass is the slower one on a processor.
        self._model.set_attn_implementation("eager")
        self._optimizer = torch.optim.AdamW(self._model.parameters(), weight_decay=WEIGHT_DECAY)
        self.steps = 0
        keep_logits_exact(self._model)

    def learn(self, batch: Batch, *, rate: float) -> dict[str, float]:
        """Update the weights once, with learning rate `rate`; answers the losses by name."""
        # The loss compares masks at random points; a resumed run must draw the same.
        torch.manual_seed(self._seed * 1_000_003 + self.steps)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = self._model(pixel_values=batch.pixel_values, labels=batch.labels)
        self._optimizer.zero_grad(set_to_none=True)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), GRADIENT_CLIP)
        self._optimizer.step()
        self.steps += 1
        losses = {"loss": output.loss, **{name: output.loss_dict[name] for name in REPORTED}}
        return {name: float(value.detach()) for name, value in losses.items()}

    def save(self, path: Path) -> None:
        """Write weights, moments and the number of steps; the file appears whole or not at all."""
        tensors = {f"model.{name}": tensor.contiguous() for name, tensor in self._model.state_dict().items()}
        for name, parameter in self._model.named_parameters():
            for moment, tensor in self._optimizer.state[parameter].items():
                tensors[f"{moment}.{name}"] = tensor
        partial = path.with_suffix(".partial")
        save_file(tensors, partial, metadata={"steps": str(self.steps)})
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Read back what `save` wrote."""
        with safe_open(path, framework="pt") as stored:
            self._model.load_state_dict(weights(path))
            for name, parameter in self._model.named_parameters():
                self._optimizer.state[parameter] = {
                    moment: stored.get_tensor(f"{moment}.{name}") for moment in ("step", "exp_avg", "exp_avg_sq")
                }
        self.steps = steps_of(path)


def weights(path: Path) -> dict[str, torch.Tensor]:
    """The network's weights in a checkpoint."""
    with safe_open(path, framework="pt") as stored:
        names = stored.keys()
        kept = [name for name in names if name.startswith("model.")]
        return {name.removeprefix("model."): stored.get_tensor(name) for name in kept}


def steps_of(path: Path) -> int:
    """How many steps a checkpoint has seen."""
    with safe_open(path, framework="pt") as stored:
        return int(stored.metadata()["steps"])


def checkpoint_path(work: Path, steps: int) -> Path:
    """Where the checkpoint after `steps` steps lies."""
    return work / f"step-{steps:06d}.safetensors"


def newest_checkpoint(work: Path) -> Path | None:
    """The checkpoint with the most steps in a folder."""
    return max(work.glob("step-*.safetensors"), default=None)
