"""Turns a training checkpoint into the folder that ships: configuration, weights, class contract.

Run as `python -m examples.demo_model.export WORK FOLDER`: it takes the newest checkpoint in WORK.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .architecture import RESOLUTION, fastener_config
from .learner import newest_checkpoint, steps_of, weights
from .renderer import CLASS_NAMES


def export(checkpoint: Path, folder: Path) -> None:
    """Write the weights of `checkpoint` to `folder` as `transformers` keeps a model, and the class contract."""
    from transformers import RfDetrForInstanceSegmentation

    model = RfDetrForInstanceSegmentation(fastener_config())
    model.load_state_dict(weights(checkpoint))
    model.save_pretrained(folder)
    contract = {
        "id_space": "index",
        "names": list(CLASS_NAMES),
        "resolution": RESOLUTION,
        "training": {"steps": steps_of(checkpoint), "pictures": "rendered, see README.md"},
    }
    (folder / "contract.json").write_text(json.dumps(contract, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder of the checkpoints")
    parser.add_argument("folder", type=Path, help="folder to write")
    arguments = parser.parse_args()
    checkpoint = newest_checkpoint(arguments.work)
    if checkpoint is None:
        raise FileNotFoundError(f"{arguments.work}: there is no checkpoint; run train.py with this folder first.")
    export(checkpoint, arguments.folder)


if __name__ == "__main__":
    main()
