"""Which class each output of the network stands for.

The width of the output cannot tell: published weights have 91 outputs whose numbers are COCO's sparse category ids,
while a fine-tuned checkpoint has one output per name and a last one for background.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_engine.api import IdSpace, Labels, ModelError

COCO_OUTPUTS = 91

_COCO = {
    1: "person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant",
    13: "stop_sign parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe",
    27: "backpack umbrella",
    31: "handbag tie suitcase frisbee skis snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard"
    " tennis_racket bottle",
    46: "wine_glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot hot_dog pizza donut cake"
    " chair couch potted_plant bed",
    67: "dining_table",
    70: "toilet",
    72: "tv laptop mouse remote keyboard cell_phone microwave oven toaster sink refrigerator",
    84: "book clock vase scissors teddy_bear hair_drier toothbrush",
}
# COCO's 80 categories by id; the ids between the runs were never used.
COCO: Mapping[int, str] = {
    first + i: word.replace("_", " ") for first, words in _COCO.items() for i, word in enumerate(words.split())
}

# What stands in a Hugging Face config for an id without a name.
_NO_NAME = re.compile(r"(LABEL_\d+|N/A|background|)$")


@dataclass(frozen=True, slots=True)
class Classes:
    """Names by class id, and what the ids count."""

    names: Mapping[int, str]
    id_space: IdSpace


def read(labels: Labels) -> Sequence[str]:
    """Return the class names that a user gave as a list, or as the path of a file.

    A file holds one name per line, or a JSON list of names.

    Raises:
        ModelError: If the file cannot be read, or what was given is not a list of names.
    """
    names = _from_file(Path(labels)) if isinstance(labels, str | Path) else labels
    if (
        not isinstance(names, list | tuple)
        or not names
        or not all(isinstance(name, str) and name.strip() for name in names)
    ):
        raise ModelError("model_labels", f"Class names must be a list of non-empty texts; found {_short(names)}.")
    return [name.strip() for name in names]


def _from_file(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if path.suffix == ".json" else [line for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        message = f"The class names cannot be read from {path}: {error}."
        hint = "Give a list of names, a text file with one name per line, or the name coco."
        raise ModelError("model_labels", message, hint=hint) from error


def settle(given: Labels | None, carried: Any, *, outputs: int, background: bool, where: str) -> Classes:
    """Decide what the outputs of a checkpoint mean.

    Args:
        given: What the user said; it wins over what the file carries.
        carried: Class names in the checkpoint, or ``None``.
        outputs: How many outputs the network has per object.
        background: Whether the last output is certainly background, as in every checkpoint of upstream's.
        where: Names the checkpoint in errors.

    Raises:
        ModelError: If nobody says what they mean, or the number of names does not fit.
    """
    if given == "coco" or (given is None and carried is not None and list(carried) == list(COCO.values())):
        return _coco(outputs, where)
    if given is None and carried is None:
        raise ModelError(
            "model_labels", f"{where} does not say what its {outputs} outputs mean.", hint=_advice(outputs)
        )
    names = read(given if given is not None else carried)
    fitting = (outputs - 1,) if background else (outputs - 1, outputs)
    if len(names) not in fitting:
        whose = "were given" if given is not None else "are in the file"
        expected = " or ".join(map(str, fitting))
        message = f"{where} has {outputs} outputs, so {expected} class names are expected, but {len(names)} {whose}."
        raise ModelError("model_labels", message, hint=_advice(outputs))
    return Classes(dict(enumerate(names)), "index")


def from_config(config: Mapping[str, Any]) -> list[str] | None:
    """Return the class names of a Hugging Face ``config.json``; ``None`` when it holds none, or leaves ids out."""
    labels = config.get("id2label")
    if not isinstance(labels, Mapping):
        return None
    names = {int(number): name for number, name in labels.items() if isinstance(name, str) and not _NO_NAME.match(name)}
    if names == COCO:
        return list(COCO.values())
    return [names[i] for i in range(len(names))] if names and sorted(names) == list(range(len(names))) else None


def _coco(outputs: int, where: str) -> Classes:
    if outputs != COCO_OUTPUTS:
        message = f"{where} has {outputs} outputs, but COCO's categories take {COCO_OUTPUTS}."
        raise ModelError("model_labels", message, hint=_advice(outputs))
    return Classes(COCO, "coco")


def _advice(outputs: int) -> str:
    advice = f"Pass labels: a list of {outputs - 1} names in the order of training, or a file with one name per line"
    return f"{advice}; or coco for COCO's own categories." if outputs == COCO_OUTPUTS else f"{advice}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
