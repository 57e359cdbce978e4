"""What a crowded large picture takes of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK),
    reason="Only Linux tells the highest memory of a process, and lets it be counted anew: /proc/self/clear_refs.",
)
@pytest.mark.parametrize("roughness", [0.3, 8.0], ids=["discs", "as ragged as the masks of random weights"])
def test_300_objects_on_12_megapixels_stay_below_400_megabytes(roughness: float) -> None:
    """From logits over masks and a drawn picture to JSON, everything counted but the model: the picture as well."""
    command = [sys.executable, "-m", "tests.blocks.instance_segmentation.crowded", str(roughness)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["objects"] == 300
    assert told["cover"] > 5, "the masks are large: as dense images they would take 3.6 gigabytes"
    assert told["written"] > 1_000_000
    assert told["grown"] < 400_000_000
