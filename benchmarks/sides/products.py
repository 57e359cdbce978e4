"""As many operations as segflow's network has, as one matrix product: what float32 takes on this machine at least."""

from __future__ import annotations

from typing import Any

import torch
from host import Job
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from blocks.instance_segmentation.backends.graphs import Whole, example_pixels
from workflow_engine import Engine

SIDE = 1024


def prepare(*, model_id: str) -> Job:
    """Count the operations of the network, all masks included, and make matrices to multiply."""
    network = Engine().models.get(model_id, device="cpu")._backend._network
    # The counter does not know attention as a whole; its parts are products like any other.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        Whole(network)(example_pixels(network))
    operations = counter.get_total_flops()
    rows = operations // (2 * SIDE * SIDE)  # a multiplication and an addition each
    first, second = torch.randn(rows, SIDE), torch.randn(SIDE, SIDE)

    def run() -> Any:
        return first @ second

    return Job(run, lambda answer, path: None, facts={"operations": operations})
