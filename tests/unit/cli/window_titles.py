"""Prints the titles of a screen's windows, a line each: ``python window_titles.py :1``.

It is a program of its own because Xlib ends the process whose question is about a window that has just gone.
"""

from __future__ import annotations

import ctypes
import sys


def main(screen: str) -> None:
    """Print the titles that there are; nothing, if the screen takes no more callers at this moment."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = x11.XDefaultRootWindow.restype = ctypes.c_void_p
    display = ctypes.c_void_p(x11.XOpenDisplay(screen.encode()))
    if not display:
        return
    root = ctypes.c_void_p(x11.XDefaultRootWindow(display))
    ignored, count, windows = ctypes.c_ulong(), ctypes.c_uint(), ctypes.POINTER(ctypes.c_ulong)()
    x11.XQueryTree(display, root, *map(ctypes.byref, (ignored, ignored, windows, count)))
    for window in windows[: count.value]:
        title = ctypes.c_char_p()
        if x11.XFetchName(display, ctypes.c_ulong(window), ctypes.byref(title)) and title.value:
            print(title.value.decode())


if __name__ == "__main__":
    main(sys.argv[1])
