"""The network in ONNX Runtime, on the processor. torch is needed to export it, not to run it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import Facts, Looked, together

if TYPE_CHECKING:
    from torch import Tensor, nn

    from blocks.instance_segmentation.network import Network

FILES = ("look.onnx", "maps.onnx")
LOOK_OUTPUTS = ("logits", "boxes", "queries", "features")
OPSET = 20

# On Windows the system collects reports, and the environment is not asked.
onnxruntime.disable_telemetry_events()


class OnnxBackend:
    """Two graphs as ONNX files have them, for one image at a time."""

    batch = 1

    def __init__(self, look: bytes, maps: bytes, facts: Facts) -> None:
        """Run the graphs of a network with these facts."""
        self.facts = facts
        self._contents = (look, maps)
        self._look, self._maps = _session(look), _session(maps)

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        """Return what is found in normalised red-green-blue images, (N, 3, side, side)."""
        found = [self._look.run(None, {"pixels": image[None]}) for image in pixels]
        return Looked(*(together(arrays) for arrays in zip(*found, strict=True)))

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return feature maps, (N, d, h, w), at mask resolution, (N, d, m, m)."""
        return together([self._maps.run(None, {"features": one[None]})[0] for one in features])

    def save(self, folder: Path) -> None:
        """Write the graphs into a folder.

        Raises:
            OSError: If the disk refuses.
        """
        for name, content in zip(FILES, self._contents, strict=True):
            (folder / name).write_bytes(content)


def machine() -> str:
    """Return what the files depend on besides the network: nothing, they suit every machine."""
    return "any"


def compiled(network: Network, *, precision: str, samples: Sequence[NDArray[np.float32]]) -> OnnxBackend:
    """Export a network that is on the CPU; ``precision`` is ``float32``, which needs no ``samples``."""
    from blocks.instance_segmentation.backends.graphs import Look, Maps, example_features, example_pixels

    look = exported(Look(network), example_pixels(network), inputs=("pixels",), outputs=LOOK_OUTPUTS)
    maps = exported(Maps(network), example_features(network), inputs=("features",), outputs=("maps",))
    return OnnxBackend(look, maps, network.facts)


def restored(folder: Path, facts: Facts, *, precision: str) -> OnnxBackend:
    """Return what was exported before.

    Raises:
        OSError: If a file cannot be read.
        RuntimeError: If ONNX Runtime cannot use it.
    """
    look, maps = ((folder / name).read_bytes() for name in FILES)
    return OnnxBackend(look, maps, facts)


def exported(graph: nn.Module, example: Tensor, *, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> bytes:
    """Return a module as an ONNX file, for inputs of the example's shape.

    Raises:
        ImportError: If the packages ``onnx`` and ``onnxscript`` are not installed.
    """
    import torch

    from blocks.instance_segmentation.backends.graphs import quiet

    with quiet():
        program = torch.onnx.export(
            graph.eval(),
            (example,),
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


def _session(content: bytes) -> onnxruntime.InferenceSession:
    """Load a graph.

    Raises:
        RuntimeError: If ONNX Runtime cannot use it.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own have no base of their own
        raise RuntimeError(str(error)) from error
