"""What the examples should give, in an outline that a change of one pixel or score leaves alone.

``python -m examples.expectations`` runs every example, and writes its ``expected.json`` and its README's picture anew.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from workflow_engine.workflow import Workflow

EXAMPLES = Path(__file__).parent
RUNS = {
    "count_fasteners": [{"image": "tray.jpg"}],
    "crop_each": [{"image": "metal.jpg"}],
    "missing_parts": [{"image": "incomplete.jpg"}, {"image": "complete.jpg"}],
    "blur_all_but_one": [{"image": "shadows.jpg"}],
    "compare_thresholds": [{"image": "crowd.jpg"}],
    "many_fasteners": [{"image": "trays.jpg"}],
}
WIDTH, QUALITY, GAP = 960, 82, 12


def run(name: str, inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON-ready outputs of an example on a picture from its folder."""
    folder = EXAMPLES / name
    given = {key: str(folder / file) for key, file in inputs.items()}
    (outputs,) = Workflow.load(folder / "workflow.json").session().run(given, serialised=True).outputs
    return outputs


def outline(value: Any) -> Any:
    """Return what matters of an output: counts by class of objects, sizes of pictures, plain values as they are."""
    match value:
        case {"type": "base64"}:
            height, width = pixels(value).shape[:2]
            return {"width": width, "height": height}
        case {"predictions": rows, "image": _}:
            return {"objects": dict(sorted(Counter(row["class"] for row in rows).items()))}
        case [{"type": "base64"}, *_]:
            return {"pictures": len(value)}
        case [str(), *_]:
            return {"list": dict(sorted(Counter(value).items()))}
    return value


def pixels(image: Mapping[str, str]) -> Any:
    """Return the pixels of an image in JSON."""
    decoded = cv2.imdecode(np.frombuffer(b64decode(image["value"]), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def picture(outputs: Mapping[str, Any]) -> Any:
    """Return all pictures among the outputs as one: full ones side by side, crops in rows on white."""
    found = list(_pictures(outputs.values()))
    tile = WIDTH // len(found) if len(found) < 3 else 180
    scaled = [_fit(image, tile - GAP, 10_000 if len(found) < 3 else tile - GAP) for image in found]
    columns = min(len(scaled), WIDTH // tile)
    rows = [scaled[i : i + columns] for i in range(0, len(scaled), columns)]
    cell = max(image.shape[0] for image in scaled) + GAP
    sheet = np.full((cell * len(rows), columns * tile, 3), 255, np.uint8)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            height, width = image.shape[:2]
            top, left = y * cell + (cell - height) // 2, x * tile + (tile - width) // 2
            sheet[top : top + height, left : left + width] = image
    return sheet


def _pictures(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _pictures(value)
        elif isinstance(value, dict) and value.get("type") == "base64":
            yield pixels(value)


def _fit(image: Any, width: int, height: int) -> Any:
    scale = min(1.0, width / image.shape[1], height / image.shape[0])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def main() -> None:
    """Write every ``expected.json`` and README picture anew."""
    for name, runs in RUNS.items():
        expected = []
        for number, inputs in enumerate(runs):
            outputs = run(name, inputs)
            expected.append({"inputs": inputs, "outputs": {key: outline(value) for key, value in outputs.items()}})
            shown = {key: value for key, value in outputs.items() if (name, key) != ("count_fasteners", "crops")}
            if number == 0:
                quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
                cv2.imwrite(str(EXAMPLES / name / "result.jpg"), picture(shown), quality)
        (EXAMPLES / name / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {json.dumps(expected)}")


if __name__ == "__main__":
    main()
