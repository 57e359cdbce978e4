"""roboflow-workflows on one picture file, from nothing: ``contours_roboflow.py DOCUMENT PICTURE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
from roboflow_workflows.execution_engine.core import ExecutionEngine

if __name__ == "__main__":
    document, picture = sys.argv[1:]
    engine = ExecutionEngine.init(workflow_definition=json.loads(Path(document).read_text()))
    (outputs,) = engine.run(runtime_parameters={"image": cv2.imread(picture)})
    print(json.dumps({"contours": outputs["count"]}))
