"""Not a contestant: has rfdetr write its own graph, ``export_rfdetr.py SIZE CHECKPOINT FORMAT FOLDER``."""

from __future__ import annotations

import sys

from with_rfdetr import load

if __name__ == "__main__":
    size, checkpoint, form, folder = sys.argv[1:]
    precision = {"openvino_precision": "float32"} if form == "openvino" else {}
    load(size, checkpoint, optimised=False).export(output_dir=folder, format=form, verbose=False, **precision)
