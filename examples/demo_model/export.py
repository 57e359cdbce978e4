"""Turns a training checkpoint into the folder that ships, as the product keeps a model.

Run as `python -m examples.demo_model.export WORK FOLDER`: it takes the newest checkpoint in WORK. The folder gets
`model.safetensors` and `config.json`, which `transformers` reads too, and the class contract `contract.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from blocks.instance_segmentation.family import FAMILY

from .architecture import fastener_config
from .learner import newest_checkpoint, weights
from .renderer import CLASS_NAMES

LICENSE = "Apache-2.0"


def export(checkpoint: Path, folder: Path) -> None:
    """Write to `folder` those weights of `checkpoint` that inference needs, and the class contract."""
    from transformers import RfDetrForInstanceSegmentation

    model = RfDetrForInstanceSegmentation(fastener_config())
    model.load_state_dict(weights(checkpoint))
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as whole:
        model.save_pretrained(whole)
        contract = FAMILY.convert(Path(whole), folder, model_type=None, labels=CLASS_NAMES, published=None)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    contract = replace(contract, license=LICENSE, source="examples/demo_model", sha256=digest)
    (folder / "contract.json").write_text(json.dumps(contract.to_json(), indent=2) + "\n", encoding="utf-8")


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
