"""One average body, for losses and measures on joint positions that should not depend on whose body it is."""

from __future__ import annotations

import torch
from torch import Tensor

#: Rest offset of each of the 24 points from its carrier's joint in the T-pose, in leg lengths (thigh + shin = 1):
#: proportions of an average adult; x to the dancer's left, y up, z forward. Order: skeleton.BONES, then skeleton.TIPS.
_OFFSETS: tuple[tuple[float, float, float], ...] = (
    (0, 0, 0), (0, 0.12, 0), (0, 0.22, -0.01), (0, 0.30, -0.02), (0, 0.11, 0.02),
    (0.07, 0.20, 0), (0.14, 0.01, 0), (0.34, 0, 0), (0.30, 0, 0),
    (-0.07, 0.20, 0), (-0.14, 0.01, 0), (-0.34, 0, 0), (-0.30, 0, 0),
    (0.11, -0.04, 0), (0, -0.50, 0), (0, -0.50, 0),
    (-0.11, -0.04, 0), (0, -0.50, 0), (0, -0.50, 0),
    (0, 0.22, 0.02), (0.18, 0, 0), (-0.18, 0, 0), (0, -0.08, 0.20), (0, -0.08, 0.20),
)  # fmt: skip


def mean_body() -> Tensor:
    """Offsets (24, 3) of the average body, in leg lengths, for :func:`dabfusion.skeleton.forward_kinematics`."""
    return torch.tensor(_OFFSETS)
