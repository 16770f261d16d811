"""Perceptual loss on VGG features (DabFusion Eq. 2; Johnson et al. 2016).

The weights are those of LPIPS' VGG-16 (``vgg16_lpips.safetensors``, torchvision's ``features.*`` names); they are
needed for training only and are not shipped.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from dabfusion.errors import UserError

#: VGG-16's convolutions up to relu3_3: torchvision index -> (in, out); "M" halves the resolution; "+" marks a compared
#: layer.
_LAYERS: tuple[str, ...] = ("0", "2+", "M", "5", "7+", "M", "10", "12", "14+")


class PerceptualLoss(nn.Module):
    """Mean L1 between VGG-16 features of two pictures at relu1_2, relu2_2 and relu3_3.

    Args:
        weights: safetensors file with ``features.N.weight`` and ``features.N.bias``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Path) -> None:
        super().__init__()
        if not weights.exists():
            raise UserError(
                f"The perceptual loss needs VGG-16 weights at {weights.name}; leave out --perceptual to train without."
            )
        tensors = load_file(weights)
        names = [layer.rstrip("+") for layer in _LAYERS if layer != "M"]
        for name in names:
            self.register_buffer(f"w{name}", tensors[f"features.{name}.weight"].float())
            self.register_buffer(f"b{name}", tensors[f"features.{name}.bias"].float())
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None])

    def features(self, picture: Tensor) -> list[Tensor]:
        """Compared layers of RGB pictures (B, 3, H, W) in [0, 1]."""
        h, kept = (picture - self.mean) / self.std, []
        for layer in _LAYERS:
            if layer == "M":
                h = F.max_pool2d(h, 2)
                continue
            name = layer.rstrip("+")
            h = F.relu(F.conv2d(h, getattr(self, f"w{name}"), getattr(self, f"b{name}"), padding=1))
            if layer.endswith("+"):
                kept.append(h)
        return kept

    def forward(self, drawn: Tensor, truth: Tensor) -> Tensor:
        """Scalar loss of pictures (B, 3, H, W) in [0, 1]; gradients flow through ``drawn`` only."""
        with torch.no_grad():
            wanted = self.features(truth)
        return torch.stack(
            [
                (a - b).abs().mean() / b.abs().mean().clamp_min(1e-3)
                for a, b in zip(self.features(drawn), wanted, strict=True)
            ]
        ).mean()
