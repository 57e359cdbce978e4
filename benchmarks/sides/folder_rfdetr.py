"""rfdetr on a folder, as a user would write it: ``folder_rfdetr.py SIZE CHECKPOINT CONFIDENCE PICTURES OUT``.

Every picture is read, its objects are drawn and it is written again; their counts go to ``counts.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import supervision as sv
from with_rfdetr import load

if __name__ == "__main__":
    size, checkpoint, confidence, pictures, out = sys.argv[1:]
    files = sorted(Path(pictures).iterdir())
    Path(out).mkdir(parents=True, exist_ok=True)
    # To trace the network takes seconds: worth it for many pictures, not for one.
    model = load(size, checkpoint, optimised=len(files) > 1)
    annotator = sv.MaskAnnotator()
    counts = {}
    for file in files:
        pixels = cv2.imread(str(file))
        objects = model.predict(pixels[:, :, ::-1].copy(), threshold=float(confidence), include_source_image=False)
        counts[file.stem] = len(objects)
        cv2.imwrite(str(Path(out, file.name)), annotator.annotate(pixels, objects))
    Path(out, "counts.json").write_text(json.dumps(counts))
