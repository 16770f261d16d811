"""Switches that must be set before gradio, ultralytics and torch are imported: no telemetry, no downloads."""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile

SWITCHES = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_CONFIG_DIR": os.path.join(tempfile.gettempdir(), "ultralytics"),
    "MPLBACKEND": "Agg",
}


def prepare() -> None:
    """Sets the switches that are not set, and imports ``spaces`` where it is installed: it must come before torch."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    if importlib.util.find_spec("spaces") is not None:
        importlib.import_module("spaces")
