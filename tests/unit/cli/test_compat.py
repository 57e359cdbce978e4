"""What runs of the ecosystem: the table, its page, and that it says something of every type there is."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import ROOT, Segflow
from workflow_engine.cli.compat import page
from workflow_engine.inner import INNER_TYPES
from workflow_engine.registry import Registry, built_in

TYPES = (Path(__file__).parent / "ecosystem_types.txt").read_text().split()
"""Every type and short name of ``roboflow-workflows`` 0.2.13."""


def test_every_type_of_the_ecosystem_is_supported_or_refused() -> None:
    registry = Registry([built_in()])
    known = {*registry.type_names, *INNER_TYPES, *(name for refusal in registry.refusals for name in refusal.names)}
    assert [name for name in TYPES if name not in known] == []


def test_the_table_has_both_with_their_counts(segflow: Segflow) -> None:
    done = segflow("blocks", "compat")
    assert done.code == 0
    assert "core/count_by_class@v1" not in done.out, "it stands in for none"
    for text in ("roboflow_core/dynamic_crop@v1", "DynamicCrop", "core/dynamic_crop@v1", "roboflow_core/clip@v1"):
        assert text in done.out
    assert "It computes embeddings" in done.out
    assert "117 are refused." in done.out


def test_as_json(segflow: Segflow) -> None:
    found = json.loads(segflow("blocks", "compat", "--json").out)
    supported = {one["type"]: one for one in found["supported"]}
    assert (
        supported["roboflow_core/roboflow_instance_segmentation_model@v1"]["block"] == "core/instance_segmentation@v1"
    )
    assert "iou_threshold" in supported["roboflow_core/roboflow_instance_segmentation_model@v1"]["ignored"]
    assert "roboflow_core/inner_workflow@v1" in supported
    refused = {one["type"]: one for one in found["refused"]}
    assert "core/webhook_sink@v1" in refused["roboflow_core/slack_notification@v1"]["alternative"]
    assert len(refused) == len(found["refused"]) == 117


def test_the_page_is_up_to_date(segflow: Segflow) -> None:
    written = (ROOT / "docs" / "compat.md").read_text("utf-8")
    assert written == page(Registry([built_in()])), "write it again: segflow blocks compat --markdown > docs/compat.md"
    assert segflow("blocks", "compat", "--markdown").out == written


def test_show_tells_why_a_block_is_refused(segflow: Segflow) -> None:
    done = segflow("blocks", "show", "roboflow_core/slack_notification@v1")
    assert done.code == 1
    assert "It sends a message through a vendor's service. core/webhook_sink@v1 calls" in done.err


def test_check_lists_each_refused_step_and_checks_the_rest(segflow: Segflow, tmp_path: Path) -> None:
    path = tmp_path / "imported.json"
    steps = [
        {"type": "roboflow_core/sam3@v1", "name": "sam", "images": "$inputs.image"},
        {"type": "roboflow_core/dynamic_crop@v1", "name": "crop", "image": "$inputs.image"},
        {"type": "roboflow_core/slack_notification@v1", "name": "tell"},
    ]
    inputs = [{"type": "WorkflowImage", "name": "image"}]
    path.write_text(json.dumps({"version": "1.0", "inputs": inputs, "steps": steps, "outputs": []}))
    (verdict,) = json.loads(segflow("check", path, "--json").out)
    assert [(problem["code"], problem["at"]) for problem in verdict["problems"]] == [
        ("refused_block", "/steps/0/type"),
        ("refused_block", "/steps/2/type"),
        ("missing_field", "/steps/1/predictions"),
    ]
