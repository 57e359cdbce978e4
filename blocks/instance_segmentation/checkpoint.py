"""Read the weights that users have, in every form they come in, without running anything that a file contains.

This is the one place of the project that calls ``torch.load``.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import struct
import types
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow_engine.api import ModelError

if TYPE_CHECKING:
    from torch import Tensor

# Two bypasses of the safe loader (CVE-2025-32434, CVE-2026-24747) were fixed by this release.
SAFE_TORCH = "2.10"
# Training tools keep their arguments in these; nothing else that carries code is let in.
ARGUMENT_CLASSES = (argparse.Namespace, types.SimpleNamespace)
SAFETENSORS_HEADER = 16 << 20
# By which torch tells its archives from its older format.
ARCHIVE_START = b"PK\x03\x04"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """What a file holds.

    Attributes:
        path: The file or folder it came from.
        state: The tensors by name, as spelled in the file.
        metadata: What upstream writes beside the weights: ``model_name``, and the members of ``model_config``.
        args: The arguments of the training, if any.
        config: The architecture, when the file is a Hugging Face folder.
    """

    path: Path
    state: Mapping[str, Tensor]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    args: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None

    @property
    def class_names(self) -> Any:
        """Class names that the file carries, or ``None``."""
        return self.metadata.get("class_names") or self.args.get("class_names") or None


def read(path: Path) -> Checkpoint:
    """Read the checkpoint at ``path``: a file of upstream's, Lightning's or safetensors, or a Hugging Face folder.

    Raises:
        ModelError: If there is none, or it is unsafe, damaged or of no known form.
    """
    if not path.exists():
        raise ModelError("model_file", f"There is no checkpoint at {path}.")
    if path.is_dir():
        return _read_folder(path)
    if path.suffix == ".safetensors":
        return Checkpoint(path=path, state=_read_safetensors(path))
    return _unwrapped(path, _read_pickle(path))


def _read_folder(path: Path) -> Checkpoint:
    config, weights = path / "config.json", path / "model.safetensors"
    for file in (config, weights):
        if not file.is_file():
            message = f"The folder {path} is no model: it lacks {file.name}."
            raise ModelError("model_file", message, hint="A model's folder holds config.json and model.safetensors.")
    try:
        content = json.loads(config.read_bytes())
    except ValueError as error:
        raise ModelError("model_file", f"{config} is not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("model_type") != "rf_detr":
        message = f"{config} describes no RF-DETR model: its model_type is not 'rf_detr'."
        raise ModelError("model_file", message)
    return Checkpoint(path=path, state=_read_safetensors(weights), config=content)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with path.open("rb") as file:
        start = file.read(8)
    if len(start) < 8 or struct.unpack("<Q", start)[0] > SAFETENSORS_HEADER:
        raise _unreadable(path, "its header is cut short or larger than 16 MB")
    try:
        return load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _unreadable(path, str(error)) from error


def _read_pickle(path: Path) -> Any:
    import torch
    from packaging.version import Version

    if Version(torch.__version__) < Version(SAFE_TORCH):
        message = f"torch {torch.__version__} does not read checkpoints safely; {SAFE_TORCH} or later does."
        raise ModelError("model_unsafe", message, hint="Upgrade torch, or convert the weights to safetensors.")
    try:
        _check_archive(path)
        with torch.serialization.safe_globals(list(ARGUMENT_CLASSES)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from error
    # A damaged or hostile file makes its readers fail in any way there is.
    except Exception as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def _check_archive(path: Path) -> None:
    """Refuse an archive that would unpack to more than it takes on disk; torch itself never compresses."""
    with path.open("rb") as file:
        if file.read(len(ARCHIVE_START)) != ARCHIVE_START:
            return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if compressed or sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise ModelError("model_unsafe", f"{path} is refused: it is a compressed archive, which torch never writes.")


def _refused(path: Path, reason: str) -> ModelError:
    """Turn the safe loader's refusal into a sentence that names the class which the file asks for."""
    found = re.search(r"GLOBAL (\S+)", reason)
    if found is None:
        # torch's own words would advise to read the file unsafely, which is never the answer
        return _unreadable(path, "it is neither safetensors nor what torch.save writes, or it is damaged")
    message = f"{path} is refused: to read it, {found[1]} would have to run, which is not plain weights."
    hint = "Save only the state dict and plain settings, or convert it to safetensors where it was trained."
    return ModelError("model_unsafe", message, hint=hint)


def _unreadable(path: Path, reason: str) -> ModelError:
    return ModelError("model_file", f"{path} cannot be read as a checkpoint: {reason.rstrip('.')}.")


def _unwrapped(path: Path, content: Any) -> Checkpoint:
    """Find the state dict and the settings in what a pickle held."""
    if not isinstance(content, Mapping):
        raise _unreadable(path, f"it holds a {type(content).__name__}, not a dictionary")
    if isinstance(content.get("state_dict"), Mapping):
        args = _members(content.get("hyper_parameters"))
        nested = {name: value for part in ("train_config", "args") for name, value in _members(args.get(part)).items()}
        return Checkpoint(
            path=path,
            state=_tensors(path, {_unprefixed(str(name)): value for name, value in content["state_dict"].items()}),
            metadata=_metadata({**args, **content}),
            args={**args, **nested},
        )
    state = next((content[key] for key in ("model", "ema_model") if isinstance(content.get(key), Mapping)), None)
    if state is None:
        return Checkpoint(path=path, state=_tensors(path, content))
    return Checkpoint(
        path=path,
        state=_tensors(path, {str(name).removeprefix("_orig_mod."): value for name, value in state.items()}),
        metadata=_metadata(content),
        args=_members(content.get("args")),
    )


def _unprefixed(name: str) -> str:
    return name.removeprefix("model.").removeprefix("_orig_mod.")


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, ARGUMENT_CLASSES):
        return dict(vars(value))
    return {str(name): member for name, member in value.items()} if isinstance(value, Mapping) else {}


def _metadata(content: Mapping[str, Any]) -> dict[str, Any]:
    beside = ("model_name", "class_names", "num_classes", "resolution")
    found = {name: content[name] for name in beside if content.get(name) is not None}
    return {**_members(content.get("model_config")), **found}


def _tensors(path: Path, state: Mapping[Any, Any]) -> dict[str, Tensor]:
    import torch

    wrong = [str(name) for name, value in state.items() if not isinstance(value, torch.Tensor)]
    if wrong or not state:
        held = f"beside tensors it holds {', '.join(sorted(wrong)[:5])}" if wrong else "it holds no tensors"
        raise _unreadable(path, held)
    return {str(name): value for name, value in state.items()}
