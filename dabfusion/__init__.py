"""DabFusion: a photo and a song become a video of that person dancing to that song.

>>> from dabfusion import DabFusion, GenerationOptions
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import GenerationOptions
    from .pipeline import DabFusion, GenerationResult

__version__ = "0.1.0"
__all__ = ["DabFusion", "GenerationOptions", "GenerationResult", "__version__"]

# Frames are drawn in windows of many sizes, and oneDNN keeps working memory for each of its last 1024 convolutions, so
# that the process grew with the video. 32 of them are as fast (torch reads this before its first convolution).
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")

_HOMES = {"DabFusion": ".pipeline", "GenerationResult": ".pipeline", "GenerationOptions": ".config"}


def __getattr__(name: str) -> object:
    """Public names are imported when first asked for, so that ``--help`` and the page's texts need no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
