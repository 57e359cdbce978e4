"""``python -m workflow_engine.cli`` is ``segflow``."""

from __future__ import annotations

from workflow_engine.cli import main

raise SystemExit(main())
