"""Check a workflow without running it."""

from __future__ import annotations

from typing import Any

from workflow_engine.server.problems import told
from workflow_engine.server.tasks.call import Call


def validate(call: Call) -> dict[str, Any]:
    """Compile the document that the body is."""
    plan = call.bench.plan(call.body)
    return {"status": "ok", "warnings": [told(warning) for warning in plan.warnings]}
