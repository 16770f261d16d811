"""Moving regions of a frame, found without labels: where each is, how it is turned and stretched.

Key points in the manner of FOMM (Siarohin et al. 2019): a heat map a region, its mean as the centre, and either a
predicted Jacobian ("first-order") or the principal axes of the heat map itself ("pca", as in MRAA, Siarohin et al.
2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.flow_autoencoder.blocks import HourGlass
from dabfusion.flow_autoencoder.geometry import pixel_grid

MOTIONS = ("pca", "first-order", "translation")
_MIN_VARIANCE = 1e-4  # of a region's heat map, so that a point still has axes: a hundredth of the frame's half
_TEMPERATURE = 0.1  # of the heat maps' softmax, as in FOMM


@dataclass(frozen=True)
class Regions:
    """K regions in each of B frames.

    Attributes:
        centre: (B, K, 2) in normalised coordinates, x right, y down.
        covariance: (B, K, 2, 2) of the heat map about its centre.
        affine: (B, K, 2, 2) the region's own axes; motion between frames is ``affine_ref @ inverse(affine_drive)``.
    """

    centre: Tensor
    covariance: Tensor
    affine: Tensor

    def repeated(self, times: int) -> Regions:
        """Each frame ``times`` times in a row."""
        return Regions(*(v.repeat_interleave(times, 0) for v in (self.centre, self.covariance, self.affine)))


class RegionDetector(nn.Module):
    """Frame -> :class:`Regions`.

    Args:
        channels: of the frame (3: RGB, 4: premultiplied RGBA).
        regions: K.
        widths: channels of the hourglass at ``grid``, 1/2, 1/4, ... of it.
        grid: side of the heat maps.
        motion: "pca", "first-order" or "translation", see the module.
    """

    def __init__(self, channels: int, regions: int, widths: tuple[int, ...], grid: int, motion: str) -> None:
        super().__init__()
        if motion not in MOTIONS:
            raise ValueError(f"motion must be one of {MOTIONS}, not {motion!r}")
        self.grid, self.motion = grid, motion
        self.stem = nn.Conv2d(channels, widths[0], 5, 2, 2)
        self.trunk = HourGlass(widths[0], widths)
        self.heat = nn.Conv2d(widths[0], regions, 3, padding=1)
        self.turn = nn.Conv2d(widths[0], 4 * regions, 3, padding=1) if motion == "first-order" else None
        if self.turn is not None:
            nn.init.zeros_(self.turn.weight)
            self.turn.bias = nn.Parameter(torch.tensor([1.0, 0.0, 0.0, 1.0]).repeat(regions))

    def forward(self, frame: Tensor) -> Regions:
        """(B, channels, H, W) -> regions of B frames."""
        small = F.interpolate(frame, (2 * self.grid, 2 * self.grid), mode="area")
        features, _ = self.trunk(F.relu(self.stem(small * 2 - 1)))
        heat = (self.heat(features).float().flatten(2) / _TEMPERATURE).softmax(-1)  # (B, K, g*g)
        grid = pixel_grid(self.grid, self.grid, frame.device).flatten(1)  # (2, g*g)
        centre = heat @ grid.T  # (B, K, 2)
        away = grid - centre[..., None]  # (B, K, 2, g*g)
        covariance = torch.einsum("bkn,bkin,bkjn->bkij", heat, away, away)
        covariance = covariance + _MIN_VARIANCE * torch.eye(2, device=frame.device)
        return Regions(centre, covariance, self._affine(features, heat, covariance))

    def _affine(self, features: Tensor, heat: Tensor, covariance: Tensor) -> Tensor:
        if self.turn is not None:
            turns = self.turn(features).float().flatten(2).unflatten(1, (-1, 4))  # (B, K, 4, g*g)
            return torch.einsum("bkn,bkcn->bkc", heat, turns).unflatten(-1, (2, 2))
        if self.motion == "pca":
            return principal_axes(covariance)
        return torch.eye(2, device=heat.device).expand(*heat.shape[:2], 2, 2)


def principal_axes(covariance: Tensor) -> Tensor:
    """Columns: principal axes of (..., 2, 2) covariances times their standard deviations, the long one first.

    Closed form (half the angle of the traceless part), right-handed; the sign of the axes is arbitrary.
    """
    a, b, c = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    mean, half = (a + c) / 2, (a - c) / 2
    radius = (half.square() + b.square() + 1e-9).sqrt()
    angle = 0.5 * torch.atan2(b, half + 1e-6)
    long, short = (mean + radius).sqrt(), (mean - radius).clamp_min(_MIN_VARIANCE / 4).sqrt()
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos * long, -sin * short], -1), torch.stack([sin * long, cos * short], -1)], -2)


def relative_affine(reference: Regions, drive: Regions, signed: bool) -> Tensor:
    """(B, K, 2, 2) maps from places in the driving region to places in the reference region, both from their centres.

    Args:
        signed: the axes' signs mean something ("first-order"); if not, the driving axes are turned by 180 degrees where
            that brings them nearer to the reference's.
    """
    axes = drive.affine
    if not signed:
        agree = (reference.affine[..., 0] * axes[..., 0]).sum(-1)
        axes = axes * torch.where(agree < 0, -1.0, 1.0)[..., None, None]
    a, b, c, d = axes[..., 0, 0], axes[..., 0, 1], axes[..., 1, 0], axes[..., 1, 1]
    determinant = a * d - b * c
    determinant = torch.where(determinant.abs() < 1e-4, torch.full_like(determinant, 1e-4), determinant)
    inverse = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2) / determinant[..., None, None]
    return reference.affine @ inverse
