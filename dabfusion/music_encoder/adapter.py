"""What is trained of the music encoder: small MLPs behind the frozen CLAP and Wav2CLIP, on the dance data.

The adapter belongs to the model that it is trained with, and its weights are stored with that model's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

#: Towers whose numbers are made for sound in general, and are adapted to dance; the others pass as they are.
LEARNED_TOWERS = ("clap", "wav2clip")


class TowerAdapter(nn.Module):
    """Linear, GELU, linear behind a layer norm: (..., width) -> (..., outputs)."""

    def __init__(self, width: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class MusicAdapter(nn.Module):
    """The music embedding e as the denoiser sees it: learned towers through their adapters, the others untouched.

    Args:
        towers: names, in the order of their columns.
        widths: columns of each tower.
        hidden: width of the adapters' hidden layer.
        outputs: numbers that each adapted tower is brought to.
    """

    def __init__(self, towers: Sequence[str], widths: Sequence[int], hidden: int = 128, outputs: int = 32) -> None:
        super().__init__()
        if len(towers) != len(widths):
            raise ValueError(f"{len(towers)} towers but {len(widths)} widths")
        self.widths = tuple(widths)
        adapted = [name in LEARNED_TOWERS for name in towers]
        self.parts = nn.ModuleList(
            TowerAdapter(width, hidden, outputs) if change else nn.Identity()
            for width, change in zip(widths, adapted, strict=True)
        )
        self.out_width = sum(outputs if change else width for width, change in zip(widths, adapted, strict=True))

    def forward(self, features: Tensor) -> Tensor:
        """(..., sum of widths) -> (..., out_width)."""
        pieces = torch.split(features, list(self.widths), dim=-1)
        return torch.cat([part(piece) for part, piece in zip(self.parts, pieces, strict=True)], -1)
