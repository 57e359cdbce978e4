"""What computes the network: torch, OpenVINO or ONNX Runtime, behind one interface."""

from workflow_engine.api import forbid_reports

# Here, for what is in this package is imported after it.
forbid_reports()
