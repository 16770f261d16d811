"""The denoiser of the studio preset: a transformer over the frames of a window of flow codes.

It predicts the clean window x_0 from a noisy one. It knows no noise schedule: time steps come in as numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .condition import Condition
from .layers import ModulatedBlock, TimeEmbedding, rotary_angles


class MusicStem(nn.Module):
    """Music features (B, T, D) to per-frame vectors (B, T, width) that also see the frames around them."""

    def __init__(self, music_size: int, width: int, kernel: int = 5) -> None:
        super().__init__()
        self.project = nn.Linear(music_size, width)
        self.around = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.mix = nn.Linear(width, width)

    def forward(self, music: Tensor) -> Tensor:
        h = self.project(music)
        h = h + self.around(h.transpose(1, 2)).transpose(1, 2)
        return self.mix(nn.functional.silu(h))


class CodeTransformer(nn.Module):
    """x_0 estimate of normalised flow codes.

    The start frame's code is one extra token before the frames and part of the global condition; music is added to
    every frame in every block; time step, style and start modulate the blocks' norms.
    """

    def __init__(self, code_size: int, music_size: int, styles: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.no_style = styles
        self.time = TimeEmbedding(width)
        self.style = nn.Embedding(styles + 1, width)
        self.start = nn.Sequential(nn.Linear(code_size + 1, width), nn.SiLU(), nn.Linear(width, 2 * width))
        self.no_start = nn.Parameter(torch.zeros(2 * width))
        self.music = MusicStem(music_size, width)
        self.no_music = nn.Parameter(torch.zeros(width))
        self.enter = nn.Linear(code_size, width)
        self.blocks = nn.ModuleList(ModulatedBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, code_size)
        nn.init.normal_(self.style.weight, std=0.02)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, t: Tensor, condition: Condition, start: Tensor) -> Tensor:
        """Estimates x_0.

        Args:
            x: (B, T, code_size) noisy normalised codes.
            t: (B,) time steps in [0, 1000).
            condition: the windows' conditions; its ``start`` is not looked at.
            start: (B, code_size) the start frame's code in the same normalised units as x.

        Returns:
            (B, T, code_size).
        """
        told = self.start(torch.cat([start, condition.at_start[:, None].to(start.dtype)], -1))  # (B, 2 width)
        told = torch.where(condition.has_start[:, None], told, self.no_start.to(told.dtype))
        token, start_global = told.chunk(2, -1)  # each (B, width)
        music = self.music(condition.music)
        music = torch.where(condition.has_music[:, None, None], music, self.no_music.to(music.dtype))  # (B, T, width)
        overall = self.time(t) + self.style(condition.style) + start_global
        h = torch.cat([token[:, None], self.enter(x) + music], 1)  # (B, 1 + T, width)
        frames = nn.functional.pad(music, (0, 0, 1, 0))  # (B, 1 + T, width)
        cos, sin = rotary_angles(h.shape[1], self.size, h.device)
        for block in self.blocks:
            h = block(h, overall, frames, cos, sin)
        return self.leave(self.norm(h[:, 1:]))
