"""Which golden cases run by default."""

from __future__ import annotations

import pytest

QUICK = ("nano-torch", "small-torch", "nano-openvino", "nano-onnx")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the golden cases that take long, unless they are asked for with ``-m golden``."""
    if config.getoption("markexpr"):
        return
    slow = [
        item
        for item in items
        if item.get_closest_marker("golden") and not item.name.endswith(tuple(f"[{q}]" for q in QUICK))
    ]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
