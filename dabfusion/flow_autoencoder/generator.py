"""Stage 1's image encoder and decoder: the start frame, moved by flow, painted where it was hidden.

Encoder and decoder follow Johnson et al. 2016 (two stride-2 convolutions, residual blocks, two up-convolutions), as
DabFusion's do. Beyond it: features at full and half resolution are warped too and joined by skips, and the output
blends the *warped pixels themselves* with painted ones by a learned gate, so that what the photo shows is copied
rather than repainted; painted colours start from those seen nearby (:mod:`.seen_colours`), so that no colour is too
unusual to be painted; and the person is a layer with a matte of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.flow_autoencoder.blocks import ResidualBlock
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import crop, enlarged, scale_window, warp, warp_visible
from dabfusion.flow_autoencoder.seen_colours import seen_colours

Window = tuple[int, int, int, int]
_HIDDEN_WEIGHT = 2.0  # how strongly the occlusion map closes the gate: an arm in front of a coat is not the coat
_LEAST = 1e-3


@dataclass(frozen=True)
class Encoded:
    """A start frame's features: picture (B, 4, H, W), z1 (B, c, H, W), z2 (B, 2c, H/2, W/2), z (B, 4c, H/4, W/4)."""

    picture: Tensor
    z1: Tensor
    z2: Tensor
    z: Tensor

    def repeated(self, times: int) -> Encoded:
        """Each start frame ``times`` times in a row."""
        return Encoded(*(v.repeat_interleave(times, 0) for v in (self.picture, self.z1, self.z2, self.z)))


@dataclass(frozen=True)
class Drawn:
    """What the decoder draws of B frames (or of a window of them), before anything is copied.

    Attributes:
        painted: (B, 3, h, w) colours in [0, 1], not premultiplied.
        gate: (B, 1, h, w) in [0, 1]: how much of a place is copied.
        alpha: (B, 1, h, w) in [0, 1]: the person's matte.
        copied: (B, 4, h, w) the start frame's pixels, moved: premultiplied RGBA.
    """

    painted: Tensor
    gate: Tensor
    alpha: Tensor
    copied: Tensor

    @property
    def layer(self) -> Tensor:
        """(B, 4, h, w) premultiplied RGBA: copied through the gate; where nothing can be copied, all is painted."""
        copied, there = self.gate * self.copied[:, :3].float(), self.gate * self.copied[:, 3:].float()
        colour = copied + (1 - there) * self.painted
        return torch.cat([self.alpha * colour, self.alpha], 1)


class Generator(nn.Module):
    """Encoder and decoder of stage 1.

    Args:
        channels: c, width at full resolution; 2c at 1/2 and 4c at 1/4.
        parts: number of body-part maps that come with the flow (0: none).
        blocks: residual blocks at 1/4 resolution in the decoder.
        skips: warp full and half resolution features too (switch of the ablation).
        gate: blend warped pixels into the output (switch of the ablation).
    """

    def __init__(
        self, channels: int = 16, parts: int = 19, blocks: int = 4, skips: bool = True, gate: bool = True
    ) -> None:
        super().__init__()
        c = channels
        self.parts, self.skips, self.gate = parts, skips, gate
        self.enter = nn.Conv2d(4, c, 7, padding=3)
        self.down1 = nn.Conv2d(c, 2 * c, 3, 2, 1)
        self.down2 = nn.Conv2d(2 * c, 4 * c, 3, 2, 1)
        self.encode_blocks = nn.Sequential(*(ResidualBlock(4 * c, 4 * c, local=True) for _ in range(2)))
        self.join = nn.Conv2d(4 * c + 2 + parts, 4 * c, 3, padding=1)
        self.decode_blocks = nn.Sequential(*(ResidualBlock(4 * c, 4 * c, local=True) for _ in range(blocks)))
        self.narrow1 = nn.Conv2d(4 * c, 2 * c, 1)
        self.up1 = nn.Sequential(
            nn.Conv2d(4 * c + 2, 2 * c, 3, padding=1), nn.ReLU(), nn.Conv2d(2 * c, 2 * c, 3, padding=1), nn.ReLU()
        )
        self.narrow2 = nn.Conv2d(2 * c, c, 1)
        self.up2 = nn.Sequential(
            nn.Conv2d(2 * c + 7, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU()
        )
        self.leave = nn.Conv2d(c, 5, 3, padding=1)

    def encode(self, picture: Tensor) -> Encoded:
        """Person RGBA, premultiplied (B, 4, H, W) -> features at three resolutions."""
        z1 = F.relu(self.enter(picture))
        z2 = F.relu(self.down1(z1))
        z = self.encode_blocks(F.relu(self.down2(z2)))
        return Encoded(picture, z1, z2, z)

    def decode(self, start: Encoded, maps: FlowMaps, window: Window | None = None) -> Tensor:
        """B frames as :meth:`draw` draws them: (B, 4, H, W) or the window of it, premultiplied RGBA."""
        return self.draw(start, maps, window).layer

    def draw(self, start: Encoded, maps: FlowMaps, window: Window | None = None) -> Drawn:
        """Draws B frames, and leaves them in their parts.

        Args:
            start: encoded start frames, repeated to B.
            maps: flow maps at any resolution from H/4 x W/4 up.
            window: (top, left, height, width), multiples of 4: draw this part only.

        Returns:
            The parts at H x W, or of the window.
        """
        half, quarter = scale_window(window, 2), scale_window(window, 4)
        moved = warp_visible(start.z, maps.flow, maps.occlusion, quarter)  # DabFusion Eq. 1
        height = start.picture.shape[-1]
        hints = maps.hints(height // 4)[:, : 2 + self.parts]
        h = self.join(torch.cat([moved, crop(hints, quarter).to(moved.dtype)], 1))
        h = self.decode_blocks(h)
        skip = (
            warp_visible(start.z2, maps.flow, maps.occlusion, half)
            if self.skips
            else torch.zeros_like(crop(start.z2, half))
        )
        edges = crop(maps.hints(height // 2)[:, :2], half).to(h.dtype)
        h = self.up1(torch.cat([F.interpolate(self.narrow1(h), scale_factor=2.0), skip, edges], 1))
        pixels = warp(start.picture, maps.flow, window)  # premultiplied RGBA
        skip = (
            warp_visible(start.z1, maps.flow, maps.occlusion, window)
            if self.skips
            else torch.zeros_like(crop(start.z1, window))
        )
        near = enlarged(seen_colours(start.picture, maps), start.picture, window)
        given = [F.interpolate(self.narrow2(h), scale_factor=2.0), skip, pixels.to(h.dtype), near.to(h.dtype)]
        h = self.up2(torch.cat(given, 1))
        painted, gate, matte = self.leave(h).float().split([3, 1, 1], 1)
        hidden = torch.logit(enlarged(maps.occlusion.float(), start.picture, window), _LEAST).clamp_max(0)
        gate = torch.sigmoid(gate + _HIDDEN_WEIGHT * hidden) if self.gate else torch.zeros_like(gate)
        return Drawn(torch.sigmoid(painted + torch.logit(near, _LEAST)), gate, torch.sigmoid(matte), pixels)
