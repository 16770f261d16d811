"""Untrained models whose weights are large enough for the conditions to matter."""

from __future__ import annotations

import torch

from dabfusion.flow_diffusion import FlowDiffusion, FlowDiffusionConfig, build_flow_diffusion


def random_flow_diffusion(window: int, spread: float) -> FlowDiffusion:
    """A small dance model of one style.

    Args:
        window: code frames that it sees at once.
        spread: standard deviation of its weights; as initialised, its last layer would be silent.
    """
    torch.manual_seed(0)
    built = build_flow_diffusion(FlowDiffusionConfig(("house",), width=32, depth=1, heads=2, window=window))
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=spread)
    return built.eval()
