"""Stage 2: diffusion of flow codes (studio preset) or of flow and occlusion maps (paper preset)."""

from __future__ import annotations

from .condition import Condition
from .model import FlowDiffusion, FlowDiffusionConfig, build_flow_diffusion

__all__ = ["Condition", "FlowDiffusion", "FlowDiffusionConfig", "build_flow_diffusion"]
