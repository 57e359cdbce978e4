"""An RTSP camera for tests, by GStreamer's own server; a script for the system's Python, which has its bindings.

``python3 rtsp_server.py PORT`` serves ``rtsp://127.0.0.1:PORT/camera`` and prints the port when it is ready, 0 taking a
free one. With ``--check`` it only says whether it could.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")

from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PARTS = ("videotestsrc", "openh264enc", "rtph264pay")
PICTURES = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=160,height=120,framerate=20/1"
    " ! openh264enc gop-size=10 ! rtph264pay name=pay0 pt=96 )"
)

Gst.init(None)
if "--check" in sys.argv:
    sys.exit(not all(Gst.ElementFactory.find(part) for part in PARTS))
server = GstRtspServer.RTSPServer(service=sys.argv[1], address="127.0.0.1")
camera = GstRtspServer.RTSPMediaFactory()
camera.set_launch(PICTURES)
camera.set_shared(True)
server.get_mount_points().add_factory("/camera", camera)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
