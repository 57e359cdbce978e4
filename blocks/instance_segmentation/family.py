"""RF-DETR-Seg as a family of models: what the catalogue and the pool need of it. torch is imported on first use."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from blocks.instance_segmentation.convert import FAMILY_NAME, convert
from blocks.instance_segmentation.labels import COCO
from blocks.instance_segmentation.variants import LICENSE, VARIANTS, Variant
from workflow_engine.api import Contract, Labels, ModelError, Published

if TYPE_CHECKING:
    from blocks.instance_segmentation.model import RfDetrSeg

PRECISIONS = ("auto", "float32", "float16", "bfloat16", "int8")


class RfDetrSegFamily:
    """Reads, checks and loads weights of RF-DETR-Seg."""

    def __init__(self, variants: Sequence[Variant]) -> None:
        """Know these sizes."""
        self._variants = tuple(variants)

    @property
    def name(self) -> str:
        """The name that contracts carry."""
        return FAMILY_NAME

    @property
    def published(self) -> tuple[Published, ...]:
        """The sizes, as weights that can be pulled."""
        return tuple(_published(variant) for variant in self._variants)

    def convert(
        self, source: Path, target: Path, *, model_type: str | None, labels: Labels | None, published: Published | None
    ) -> Contract:
        """Read a checkpoint and write ``model.safetensors`` and ``config.json`` into the folder ``target``.

        Raises:
            ModelError: If the file is unsafe, does not fit the size it is said to be, or leaves its classes open.
        """
        return convert(
            source, target, model_type=model_type, given=labels, published=published, variants=self._variants
        )

    def device(self, wanted: str, *, precision: str) -> str:
        """Return ``cpu`` or ``cuda``; ``auto`` is CUDA where there is a GPU.

        Raises:
            ModelError: If there is no such device or precision, or no GPU although one is asked for.
        """
        if wanted not in ("auto", "cpu", "cuda") or precision not in PRECISIONS:
            message = f"There is no device {wanted!r} with precision {precision!r}."
            hint = f"Devices are auto, cpu and cuda; precisions {', '.join(PRECISIONS)}."
            raise ModelError("model_device", message, hint=hint)
        there = wanted != "cpu" and _gpu_is_there()
        if wanted == "cuda" and not there:
            message = "The device cuda was asked for, but torch finds no GPU on this machine."
            raise ModelError("model_device", message, hint="Use cpu, or auto; or install a torch build with CUDA.")
        return "cuda" if there else "cpu"

    def load(
        self,
        folder: Path,
        contract: Contract,
        *,
        device: str,
        precision: str,
        resolution: int | None,
        backend: str = "auto",
        compiled: Path | None = None,
        name: str = "the model",
    ) -> RfDetrSeg:
        """Load what ``convert`` wrote, ready to predict at ``resolution``, by default the contract's.

        Raises:
            ModelError: If the files do not fit each other, patches and windows do not fill the resolution, or the
                backend is not there.
        """
        from blocks.instance_segmentation.choice import load
        from blocks.instance_segmentation.ways import Wanted

        wanted = Wanted(
            device=device, precision=precision, resolution=resolution, backend=backend, kept=compiled, name=name
        )
        return load(folder, contract, wanted)

    def export(
        self, folder: Path, contract: Contract, *, form: str, resolution: int | None, target: Path, name: str
    ) -> tuple[Path, ...]:
        """Write what ``convert`` wrote as files for use elsewhere, ``form`` being ``onnx`` or ``openvino``.

        Raises:
            ModelError: If the form is unknown, its packages are not installed, or the resolution does not suit.
            OSError: If the disk refuses.
        """
        from blocks.instance_segmentation.export import export

        return export(folder, contract, form=form, resolution=resolution, target=target, name=name)


@cache
def _gpu_is_there() -> bool:
    """Ask torch, which takes seconds to import, only where NVIDIA's driver is."""
    if sys.platform == "darwin":
        return False
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()


def _published(variant: Variant) -> Published:
    contract = Contract(
        family=FAMILY_NAME,
        classes=COCO,
        id_space="coco",
        resolution=variant.resolution,
        variant=variant.id,
        license=LICENSE,
        source=variant.file,
    )
    return Published(
        id=variant.id,
        title=f"RF-DETR-Seg {variant.spelled}",
        aliases=variant.aliases,
        file=variant.file,
        remote=variant.remote,
        md5=variant.md5,
        contract=contract,
        facts={**variant.facts, "resolution": variant.resolution},
    )


FAMILY = RfDetrSegFamily(VARIANTS)
