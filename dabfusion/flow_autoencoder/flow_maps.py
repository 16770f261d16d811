"""What stage 2 hands to stage 1's decoder."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


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
