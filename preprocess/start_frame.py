"""What the photo stage hands on: a figure in frame position, the plate behind it, and what is known of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StartFrame:
    """The start of the dance.

    Attributes:
        person: (256, 256, 4) float32 premultiplied RGBA in [0, 1], in frame position.
        plate: (256, 256, 3) float32 RGB in [0, 1].
        keypoints: (17, 3) float32 COCO joints: x, y in frame pixels and confidence; zeros where none was found.
        transform: (2, 3) photo pixels -> frame pixels, both counted from the edge of pixel 0.
        warnings: sentences for the user about what may look bad, most important first; empty when all is well.
    """

    person: np.ndarray
    plate: np.ndarray
    keypoints: np.ndarray
    transform: np.ndarray
    warnings: tuple[str, ...] = ()

    @property
    def composite(self) -> np.ndarray:
        """The person over the plate: (256, 256, 3) float32."""
        return self.person[..., :3] + self.plate * (1 - self.person[..., 3:])
