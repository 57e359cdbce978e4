"""The outputs of runs on disk: pictures as files, everything else in one ``result.json`` that names them."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.vision.paths import contained, write_atomic

RESULT = "result.json"
_PNG = b"\x89PNG"
_UNSAFE = re.compile(r"[^\w.\-]+")


class PictureFile(str):
    """Name of a written picture, relative to the folder of its ``result.json``."""

    __slots__ = ()


class Folder:
    """A folder that takes what runs give."""

    def __init__(self, path: Path) -> None:
        """Make the folder.

        Raises:
            WorkflowError: If it cannot be made.
        """
        self.path = path
        self._stems: Counter[str] = Counter()
        _make(path)

    def keep(self, outputs: Mapping[str, Any], *, under: str = "") -> dict[str, Any]:
        """Write every picture in ``outputs`` and return them with file names where the pictures were.

        Args:
            outputs: JSON-ready outputs of one element, by name.
            under: Folder inside this one, for runs on several pictures.

        Raises:
            WorkflowError: If a file cannot be written; those before it are whole.
        """
        return {name: self._kept(value, [*filter(None, [under]), plain_name(name)]) for name, value in outputs.items()}

    def _kept(self, value: Any, place: list[str]) -> Any:
        if isinstance(value, dict):
            if value.get("type") == "base64" and isinstance(value.get("value"), str):
                return self._write_picture(value["value"], "/".join(place))
            return {key: self._kept(member, [*place, plain_name(str(key))]) for key, member in value.items()}
        if isinstance(value, list):
            width = len(str(len(value) - 1))
            return [self._kept(member, [*place, f"{i:0{width}}"]) for i, member in enumerate(value)]
        return value

    def _write_picture(self, encoded: str, stem: str) -> PictureFile:
        data = b64decode(encoded.partition(",")[2] if encoded.startswith("data:") else encoded)
        # Two outputs may come to the same plain name; neither may take the other's place.
        self._stems[stem] += 1
        stem = stem if self._stems[stem] == 1 else f"{stem}-{self._stems[stem]}"
        name = f"{stem}.png" if data.startswith(_PNG) else f"{stem}.jpg"
        path = contained(self.path, name)
        _make(path.parent)
        write_atomic(path, data)
        return PictureFile(name)

    def finish(self, result: Mapping[str, Any]) -> Path:
        """Write ``result.json`` and return its path."""
        path = self.path / RESULT
        write_atomic(path, (json.dumps(result, indent=2, ensure_ascii=False) + "\n").encode())
        return path


def plain_name(text: str) -> str:
    """Return ``text`` as a file name that every system takes."""
    return _UNSAFE.sub("_", text).strip("._")[:80] or "_"


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {path} cannot be made: {(error.strerror or str(error)).lower()}."
        raise WorkflowError(
            Problem(code="output_unwritable", message=message, hint="Choose another --out.", whose="operator")
        ) from error
