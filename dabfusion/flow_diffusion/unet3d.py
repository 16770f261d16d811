"""The denoiser of the paper preset: a conditional 3D U-Net over flow and occlusion maps.

DabFusion's stage 2 after "Video Diffusion Models" (Ho et al. 2022): four levels down and up, each with residual
blocks, attention over space and attention over time kept apart. The input is a = [f, m] (flow, occlusion; the studio's
maps also have a matte) with the start frame's latent z_0 beside it as extra channels; time step and music shift and
scale every residual block, the music frame by frame. It predicts the noise (DabFusion Eq. 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import TimeEmbedding, rotary_angles, rotate


@dataclass(frozen=True)
class UNet3dConfig:
    """Sizes. ``maps``: channels of a; ``latent``: of z_0; ``multiples``: width of each level over ``width``."""

    maps: int = 3
    latent: int = 256
    music_size: int = 1025
    width: int = 64
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    heads: int = 8
    head_size: int = 32
    groups: int = 8


class ResidualBlock(nn.Module):
    """Two 1x3x3 convolutions, the second after a shift and scale by the per-frame condition."""

    def __init__(self, inside: int, outside: int, condition: int, groups: int) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(groups, inside)
        self.conv_in = nn.Conv3d(inside, outside, (1, 3, 3), padding=(0, 1, 1))
        self.modulation = nn.Linear(condition, 2 * outside)
        self.norm_out = nn.GroupNorm(groups, outside)
        self.conv_out = nn.Conv3d(outside, outside, (1, 3, 3), padding=(0, 1, 1))
        self.skip = nn.Conv3d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (B, C, T, h, w), condition (B, T, D) -> (B, C', T, h, w)."""
        h = self.conv_in(F.silu(self.norm_in(x)))
        change = self.modulation(F.silu(condition)).transpose(1, 2)[..., None, None]  # (B, 2C', T, 1, 1)
        scale, shift = change.chunk(2, 1)
        h = self.conv_out(F.silu(self.norm_out(h) * (1 + scale) + shift))
        return h + self.skip(x)


class AxisAttention(nn.Module):
    """Attention over the pixels of each frame, or over the frames at each pixel (then with rotary positions)."""

    def __init__(self, channels: int, heads: int, head_size: int, over_time: bool, groups: int) -> None:
        super().__init__()
        self.heads, self.head_size, self.over_time = heads, head_size, over_time
        self.norm = nn.GroupNorm(groups, channels)
        self.qkv = nn.Linear(channels, 3 * heads * head_size, bias=False)
        self.out = nn.Linear(heads * head_size, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, T, h, w), same shape out."""
        b, _, frames, high, wide = x.shape
        h = self.norm(x)
        if self.over_time:
            tokens = h.permute(0, 3, 4, 2, 1).flatten(0, 2)  # (B h w, T, C)
        else:
            tokens = h.permute(0, 2, 3, 4, 1).flatten(2, 3).flatten(0, 1)  # (B T, h w, C)
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.heads, self.head_size)).permute(2, 0, 3, 1, 4)
        if self.over_time:
            cos, sin = rotary_angles(frames, self.head_size, x.device)
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        mixed = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        if self.over_time:
            return x + mixed.unflatten(0, (b, high, wide)).permute(0, 4, 3, 1, 2)
        return x + mixed.unflatten(0, (b, frames)).unflatten(2, (high, wide)).permute(0, 4, 1, 2, 3)


class Level(nn.Module):
    """Two residual blocks with factorised space-time attention after them."""

    def __init__(self, inside: int, outside: int, condition: int, config: UNet3dConfig) -> None:
        super().__init__()
        self.first = ResidualBlock(inside, outside, condition, config.groups)
        self.second = ResidualBlock(outside, outside, condition, config.groups)
        self.space = AxisAttention(outside, config.heads, config.head_size, False, config.groups)
        self.time = AxisAttention(outside, config.heads, config.head_size, True, config.groups)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.time(self.space(self.second(self.first(x, condition), condition)))


class UNet3d(nn.Module):
    """Noise estimate of flow and occlusion maps."""

    def __init__(self, config: UNet3dConfig) -> None:
        super().__init__()
        widths = [config.width * m for m in config.multiples]
        condition = 4 * config.width
        self.shrink = 2 ** (len(widths) - 1)
        self.time = TimeEmbedding(condition)
        self.music = nn.Sequential(nn.Linear(config.music_size, condition), nn.SiLU(), nn.Linear(condition, condition))
        self.no_music = nn.Parameter(torch.zeros(condition))
        self.enter = nn.Conv3d(config.maps + config.latent, widths[0], (1, 7, 7), padding=(0, 3, 3))
        self.enter_time = AxisAttention(widths[0], config.heads, config.head_size, True, config.groups)
        self.down = nn.ModuleList(
            Level(a, b, condition, config) for a, b in zip([widths[0], *widths[:-1]], widths, strict=True)
        )
        self.reduce = nn.ModuleList(nn.Conv3d(w, w, (1, 4, 4), (1, 2, 2), (0, 1, 1)) for w in widths[:-1])
        self.middle = Level(widths[-1], widths[-1], condition, config)
        self.up = nn.ModuleList(
            Level(2 * w, out, condition, config)
            for w, out in zip(reversed(widths), [*reversed(widths[:-1]), widths[0]], strict=True)
        )
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose3d(w, w, (1, 4, 4), (1, 2, 2), (0, 1, 1)) for w in reversed(widths[:-1])
        )
        self.last = ResidualBlock(2 * widths[0], widths[0], condition, config.groups)
        self.leave = nn.Conv3d(widths[0], config.maps, 1)

    def forward(self, a: Tensor, t: Tensor, z0: Tensor, music: Tensor, has_music: Tensor) -> Tensor:
        """Estimates the noise in a.

        Args:
            a: (B, maps, T, h, w) noisy maps; h and w multiples of 8 (of 2 to the number of levels less one).
            t: (B,) time steps in [0, 1000).
            z0: (B, latent, h, w) latent of the start frame.
            music: (B, T, D) music embedding per frame.
            has_music: (B,) bool; False hides the music (for classifier-free guidance).

        Returns:
            (B, maps, T, h, w).

        Raises:
            ValueError: if h or w cannot be halved often enough.
        """
        if a.shape[-1] % self.shrink or a.shape[-2] % self.shrink:
            raise ValueError(f"maps of {tuple(a.shape[-2:])} must be multiples of {self.shrink} pixels")
        heard = torch.where(has_music[:, None, None], self.music(music), self.no_music)
        condition = self.time(t)[:, None] + heard  # (B, T, D)
        still = z0[:, :, None].expand(-1, -1, a.shape[2], -1, -1)  # (B, latent, T, h, w)
        x = first = self.enter_time(self.enter(torch.cat([a, still], 1)))
        kept = []
        for k, level in enumerate(self.down):
            x = level(x, condition)
            kept.append(x)
            if k < len(self.reduce):
                x = self.reduce[k](x)
        x = self.middle(x, condition)
        for k, level in enumerate(self.up):
            x = level(torch.cat([x, kept.pop()], 1), condition)
            if k < len(self.enlarge):
                x = self.enlarge[k](x)
        return self.leave(self.last(torch.cat([x, first], 1), condition))
