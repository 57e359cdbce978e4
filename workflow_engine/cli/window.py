"""Windows that show pictures as they come, one for each source."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from workflow_engine.errors import Problem, WorkflowError

CLOSING_KEYS = (ord("q"), 27)
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"


class Windows:
    """Windows on this machine's screen; to be used on the main thread."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        """Name the window of each source, and check that there is a screen.

        Raises:
            WorkflowError: There is none (``no_screen``).
        """
        self._titles = titles
        self._shown: set[str] = set()
        # Without a screen, OpenCV may end the process instead of raising an error: better another one than this.
        probe = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False)  # noqa: S603 - our own code
        if probe.returncode:
            message = "No window can be opened: this machine has no screen that segflow can reach."
            hint = "Leave out --show, and keep an annotated video with --out."
            raise WorkflowError(Problem(code="no_screen", message=message, hint=hint, whose="operator"))

    def show(self, source: str, pixels: Any) -> bool:
        """Show a picture; return whether the user wants more: the window is still open, and neither q nor Esc came."""
        import cv2

        title = self._titles[source]
        if source in self._shown and not _is_open(title):
            return False
        if source not in self._shown:
            # Without the tool bar, which would take its room from the picture.
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(title, pixels.shape[1], pixels.shape[0])
            self._shown.add(source)
        cv2.imshow(title, pixels)
        return cv2.waitKey(1) & 0xFF not in CLOSING_KEYS

    def close(self) -> None:
        """Close the windows."""
        import cv2

        with suppress(cv2.error):
            cv2.destroyAllWindows()


def _is_open(title: str) -> bool:
    import cv2

    try:
        return bool(cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1)
    except cv2.error:
        return False  # with its last window, OpenCV closes what it would ask
