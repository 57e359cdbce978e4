"""Lets ``import torchvision`` succeed where its compiled operators do not fit the build of torch.

torchvision registers shapes for two operators as it is imported and fails where they were not compiled. This declares
the two just before, when torchvision is imported and not sooner; they have no body, so calling one fails.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


class _BeforeTorchvision:
    """Finds nothing, but sees torchvision's import coming."""

    kept: Any = None

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            library: Any = torch.library.Library
            # Its declarations last as long as the object.
            _BeforeTorchvision.kept = library("torchvision", "DEF")
            for schema in SCHEMAS:
                self.kept.define(schema)
        return None


sys.meta_path.insert(0, _BeforeTorchvision())
