"""Not a contestant in turns: the ecosystem's HTTP server, ``server_roboflow.py PORT``, as its images start it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    # It mounts these folders, which its images have and its package has not.
    for folder in ("out/static", "out/_next/static"):
        Path("inference/landing", folder).mkdir(parents=True, exist_ok=True)

    import uvicorn
    from inference.core.interfaces.http.http_api import HttpInterface
    from inference.core.managers.base import ModelManager
    from inference.core.registries.roboflow import RoboflowModelRegistry
    from inference.models.utils import ROBOFLOW_MODEL_TYPES

    interface = HttpInterface(ModelManager(model_registry=RoboflowModelRegistry(ROBOFLOW_MODEL_TYPES)))
    uvicorn.run(interface.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
