"""Which file of this machine a font family's letters come from; nothing is ever downloaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path

MONOSPACED = frozenset(
    {
        "Anonymous Pro",
        "Courier Prime",
        "Fira Code",
        "Geist Mono",
        "IBM Plex Mono",
        "Inconsolata",
        "JetBrains Mono",
        "PT Mono",
        "Roboto Mono",
        "Source Code Pro",
        "Space Mono",
    }
)


@cache
def font_file(family: str) -> Path:
    """Return the file of a font family where it is installed, else of DejaVu, which comes along and knows most scripts.

    A family whose letters are all of one width gives way to DejaVu Sans Mono, any other to DejaVu Sans.
    """
    from matplotlib import get_data_path
    from matplotlib.font_manager import FontProperties, fontManager

    if family in {font.name for font in fontManager.ttflist}:
        return Path(str(fontManager.findfont(FontProperties(family=family))))
    substitute = "DejaVuSansMono.ttf" if family in MONOSPACED else "DejaVuSans.ttf"
    return Path(get_data_path(), "fonts", "ttf", substitute)
