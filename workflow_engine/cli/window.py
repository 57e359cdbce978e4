"""A window that shows pictures as they come."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

from workflow_engine.errors import Problem, WorkflowError

CLOSING_KEYS = (ord("q"), 27)
_PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"


class Window:
    """A window on this machine's screen; to be used on the main thread."""

    def __init__(self, title: str) -> None:
        """Check that there is a screen.

        Raises:
            WorkflowError: There is none (``no_screen``).
        """
        self._title = title
        self._shown = False
        # Without a screen, OpenCV may end the process instead of raising an error: better another one than this.
        probe = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False)  # noqa: S603 - our own code
        if probe.returncode:
            message = "No window can be opened: this machine has no screen that segflow can reach."
            hint = "Leave out --show, and keep an annotated video with --out."
            raise WorkflowError(Problem(code="no_screen", message=message, hint=hint, whose="operator"))

    def show(self, pixels: Any) -> bool:
        """Show a picture; return whether the user wants more: the window is still open, and neither q nor Esc came."""
        import cv2

        if self._shown and not self._open():
            return False
        if not self._shown:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL)
            cv2.resizeWindow(self._title, pixels.shape[1], pixels.shape[0])
            self._shown = True
        cv2.imshow(self._title, pixels)
        return cv2.waitKey(1) & 0xFF not in CLOSING_KEYS

    def _open(self) -> bool:
        import cv2

        try:
            return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:
            return False  # with its last window, OpenCV closes what it would ask

    def close(self) -> None:
        """Close the window."""
        import cv2

        with suppress(cv2.error):
            cv2.destroyAllWindows()
