"""What stage 2 hands to stage 1's decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_SPECK = 1e-4  # weight of a cell without the person


@dataclass(frozen=True)
class FlowMaps:
    """Backward flow and what goes with it, for B frames.

    Attributes:
        flow: (B, 2, h, w) source position minus own position, normalised units, x right, y down.
        occlusion: (B, 1, h, w) in [0, 1], 1 where the start frame shows what is needed.
        matte: (B, 1, h, w) in [0, 1], coverage by the person.
        parts: (B, P, h, w) soft choice of body part, adding up to the matte, or None where nothing is known of parts.
    """

    flow: Tensor
    occlusion: Tensor
    matte: Tensor
    parts: Tensor | None = None

    def rows(self, some: slice) -> FlowMaps:
        """Those of some of the frames."""
        parts = None if self.parts is None else self.parts[some]
        return FlowMaps(self.flow[some], self.occlusion[some], self.matte[some], parts)

    def reduced(self, size: int) -> FlowMaps:
        """The maps on a coarser size x size grid; flow is the mean over the person's cells."""

        def mean(maps: Tensor) -> Tensor:
            return F.interpolate(maps, (size, size), mode="area")

        matte = mean(self.matte)
        flow = mean(self.flow * (self.matte + _SPECK)) / (matte + _SPECK)
        return FlowMaps(flow, mean(self.occlusion), matte, None if self.parts is None else mean(self.parts))

    def hints(self, size: int) -> Tensor:
        """Occlusion, matte and parts, where there are any, as means over the cells of a size x size grid."""
        maps = [self.occlusion, self.matte] + ([self.parts] if self.parts is not None else [])
        return F.interpolate(torch.cat(maps, 1), (size, size), mode="area")
