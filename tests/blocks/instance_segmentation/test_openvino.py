"""OpenVINO's binding, as far as it can stop us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0  # seconds; a process in which two threads wait for each other never ends

FIRST_LOOKS = """
import sys, threading
import numpy as np
import openvino
from openvino import opset13 as operations
from blocks.instance_segmentation.backends.openvino import _Runner

given = operations.parameter([1, 2], np.float32)
runner = _Runner(openvino.Core().compile_model(openvino.Model([operations.relu(given)], [given], "one"), "CPU"))
together = threading.Barrier(4)
sys.setswitchinterval(1e-6)

def look():
    together.wait()
    runner(np.ones((1, 2), dtype=np.float32))

threads = [threading.Thread(target=look) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_may_look_for_the_first_time_at_once() -> None:
    subprocess.run([sys.executable, "-c", FIRST_LOOKS], cwd=ROOT, timeout=PATIENCE, check=True)
