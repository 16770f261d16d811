"""What else a caller may want of one dance, beside its video. No networks are imported here, so that the page may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Watch = Callable[[np.ndarray], None]  #: gets each batch (B, size, size, 3) uint8 of square frames, in order


@dataclass(frozen=True)
class Extras:
    """Extras of one call of :meth:`dabfusion.pipeline.DabFusion.generate`."""

    other_path: Path | None = None  #: an mp4 for the same dance in the other shape
    watch: Watch | None = None  #: sees the frames as they are rendered
    remember: Mapping[str, object] = field(default_factory=dict)  #: JSON values kept with the options in the file


NO_EXTRAS = Extras()
