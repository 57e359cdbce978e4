"""Settings of the property tests."""

from __future__ import annotations

from hypothesis import settings

# Examples are judged by what they show, not by how busy the machine is.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")
