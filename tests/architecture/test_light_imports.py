"""What loads what: the heavy libraries come with the first block that uses them, not before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "torch",
    "transformers",
    "supervision",
    "cv2",
    "numpy",
    "fastapi",
    "uvicorn",
    "starlette",
    "PIL",
    "scipy",
    "av",
    "networkx",
}
WORKFLOW = "examples/count_fasteners/workflow.json"


def loaded_after(code: str) -> set[str]:
    """Run ``code`` in a process of its own, and return the names of the packages that it loaded."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import workflow_engine",
        "import workflow_engine.cli",
        f"from workflow_engine.cli import main; assert main(['check', '{WORKFLOW}']) == 0",
        f"from workflow_engine.cli import main; assert main(['explain', '{WORKFLOW}']) == 0",
        "from workflow_engine.cli import main; assert main(['blocks', 'list']) == 0",
        "from workflow_engine.cli import main; assert main(['blocks', 'show', 'core/dynamic_crop@v1']) == 0",
    ],
    ids=["import", "import cli", "check", "explain", "blocks list", "blocks show"],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert loaded_after(code) & HEAVY == set()


def test_fields_that_must_fit_each_other_are_checked_without_anything_heavy() -> None:
    code = (
        "from workflow_engine import Engine\n"
        "inputs = [{'type': 'WorkflowImage', 'name': 'image'}]\n"
        "model = {'type': 'roboflow_core/roboflow_instance_segmentation_model@v3', 'name': 'seg',"
        " 'images': '$inputs.image', 'model_id': 'a/1'}\n"
        "switch = {'type': 'core/switch_case@v1', 'name': 'switch', 'value': 'a', 'cases': {'a': '$steps.seg'}}\n"
        "Engine().compile({'version': '1.0', 'inputs': inputs, 'steps': [switch, model], 'outputs': []})"
    )
    assert loaded_after(code) & HEAVY == set()


def test_the_words_and_the_library_do_not_load_what_draws_tables() -> None:
    assert "rich" not in loaded_after("import workflow_engine, workflow_engine.cli")


def test_a_workflow_without_a_model_needs_no_torch() -> None:
    code = (
        "import numpy as np; from workflow_engine import Workflow\n"
        "step = {'type': 'core/relative_static_crop@v1', 'name': 'cut', 'images': '$inputs.image',"
        " 'x_center': 0.5, 'y_center': 0.5, 'width': 0.5, 'height': 0.5}\n"
        "document = {'version': '1.0', 'inputs': [{'type': 'WorkflowImage', 'name': 'image'}], 'steps': [step],"
        " 'outputs': [{'type': 'JsonField', 'name': 'cut', 'selector': '$steps.cut.crops'}]}\n"
        "assert Workflow(document).run(image=np.zeros((8, 8, 3), np.uint8))['cut'].pixels.shape == (4, 4, 3)"
    )
    assert loaded_after(code) & {"torch", "transformers"} == set()


def test_a_document_in_order_is_not_shown_to_what_words_refusals() -> None:
    code = f"from workflow_engine.cli import main; assert main(['check', '{WORKFLOW}']) == 0"
    assert loaded_after(code) & {"jsonschema"} == set()


def test_a_run_without_a_model_loads_what_pictures_need_and_no_more(tmp_path: Path) -> None:
    step = {"type": "core/image_blur@v1", "name": "soft", "image": "$inputs.image"}
    output = {"type": "JsonField", "name": "soft", "selector": "$steps.soft.image"}
    inputs = [{"type": "WorkflowImage", "name": "image"}]
    document = tmp_path / "workflow.json"
    document.write_text(json.dumps({"version": "1.0", "inputs": inputs, "steps": [step], "outputs": [output]}))
    arguments = ["run", str(document), "--image", "examples/count_fasteners/tray.jpg", "--json"]
    code = f"from workflow_engine.cli import main; assert main({arguments}) == 0"
    unneeded = {
        "torch",
        "transformers",
        "openvino",
        "onnxruntime",
        "sympy",
        "jsonschema",
        "huggingface_hub",
    }
    unneeded |= {"matplotlib", "pandas", "skimage", "trackers", "fastapi", "starlette", "uvicorn", "rich", "av"}
    assert loaded_after(code) & unneeded == set()
