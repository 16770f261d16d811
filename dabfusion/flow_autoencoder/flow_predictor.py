"""Stage 1's flow predictor: what moved where between two frames of the same dancer, learnt without labels.

It sees the reference frame x_ref and a driving frame x_drive and gives the backward flow f and the occlusion map m of
DabFusion Eq. 1. Own regions (:mod:`regions`) propose a motion each; a dense-motion hourglass chooses among them at
every cell, as in FOMM (Siarohin et al. 2019) and MRAA (Siarohin et al. 2021). Generated videos never need it: it is
what makes video without ground truth usable, and it closes the paper's auto-encoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.flow_autoencoder.blocks import HourGlass
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import pixel_grid, warp
from dabfusion.flow_autoencoder.regions import RegionDetector, Regions, relative_affine

_RESIDUAL_SCALE = 0.1


@dataclass(frozen=True)
class FlowPredictorConfig:
    """Sizes of a flow predictor.

    Attributes:
        size: side of the frames, pixels; the flow grid is a quarter of it.
        channels: 4 for premultiplied RGBA of the person (a matte is predicted), 3 for whole frames (the matte is 1).
        regions: K moving regions.
        motion: "pca" (MRAA), "first-order" (FOMM) or "translation".
        detector, dense: channels of the two hourglasses from the flow grid downwards.
        residual: let the dense-motion network add to the chosen flow.
    """

    size: int = 256
    channels: int = 4
    regions: int = 16
    motion: str = "pca"
    detector: tuple[int, ...] = (32, 48, 64, 96)
    dense: tuple[int, ...] = (40, 64, 96, 144)
    residual: bool = True


#: The sizes of the presets; "paper" takes whole frames of 128 x 128 and has ten regions.
PRESETS: dict[str, FlowPredictorConfig] = {
    "studio": FlowPredictorConfig(),
    "paper": FlowPredictorConfig(128, 3, 10, "pca", (64, 128, 256, 512), (64, 128, 256, 512), residual=False),
    "tiny": FlowPredictorConfig(64, 4, 8, "pca", (12, 16, 24), (16, 24, 32)),
}


class FlowPredictor(nn.Module):
    """Region detector and dense motion.

    Args:
        detector: finds the regions of a frame.
        regions: K, how many it finds.
        channels: of the frames; with 4 a matte is predicted.
        dense: channels of the dense-motion hourglass.
        residual: let it add to the chosen flow.
    """

    def __init__(
        self, detector: RegionDetector, regions: int, channels: int, dense: tuple[int, ...], residual: bool
    ) -> None:
        super().__init__()
        self.detector, self.channels, self.residual = detector, channels, residual
        self.hourglass = HourGlass((regions + 1) * (channels + 1) + channels, dense)
        self.choose = nn.Conv2d(dense[0], regions + 1, 5, padding=2)
        self.more = nn.Conv2d(dense[0], 4, 3, padding=1)  # residual x, y; occlusion; matte
        nn.init.zeros_(self.more.weight)
        self.more.bias = nn.Parameter(torch.tensor([0.0, 0.0, 1.5, 0.0]))

    @property
    def grid(self) -> int:
        """Side of the flow grid."""
        return self.detector.grid

    def forward(self, x_ref: Tensor, x_drive: Tensor) -> FlowMaps:
        """Frames (B, C, H, W) in [0, 1] -> flow maps on the flow grid; see :meth:`motion`."""
        return self.motion(x_ref, x_drive, self.detector(x_ref), self.detector(x_drive))

    def motion(self, x_ref: Tensor, x_drive: Tensor, reference: Regions, drive: Regions) -> FlowMaps:
        """Dense motion between frames whose regions are known.

        Args:
            x_ref, x_drive: (B, C, H, W) in [0, 1].
            reference, drive: their regions.

        Returns:
            FlowMaps: flow (B, 2, h, w), occlusion (B, 1, h, w), matte (B, 1, h, w) (all 1 for whole frames) and as
                parts the
            choice among the background and the K regions (B, K + 1, h, w), which adds up to 1.
        """
        side = (self.grid, self.grid)
        small_ref, small_drive = (F.interpolate(x, side, mode="area") for x in (x_ref, x_drive))
        flows = region_flows(
            reference, drive, self.grid, signed=self.detector.motion == "first-order"
        )  # (B, K+1, 2, h, w)
        count = flows.shape[1]
        moved = warp(small_ref.repeat_interleave(count, 0), flows.flatten(0, 1)).unflatten(
            0, (-1, count)
        )  # (B, K+1, C, h, w)
        blobs = blob_difference(reference, drive, self.grid)  # (B, K+1, 1, h, w)
        evidence = torch.cat([moved * 2 - 1, blobs.to(moved.dtype)], 2).flatten(1, 2)
        features, _ = self.hourglass(torch.cat([evidence, small_drive * 2 - 1], 1))
        choice = self.choose(features).float().softmax(1)  # (B, K+1, h, w)
        residual, shown, covered = self.more(features).float().split([2, 1, 1], 1)
        flow = torch.einsum("bkhw,bkchw->bchw", choice, flows)  # (B, 2, h, w)
        if self.residual:
            flow = flow + _RESIDUAL_SCALE * residual
        matte = torch.sigmoid(covered) if self.channels == 4 else torch.ones_like(covered)
        return FlowMaps(flow, torch.sigmoid(shown), matte, choice)


def region_flows(reference: Regions, drive: Regions, grid: int, signed: bool) -> Tensor:
    """Backward flow that each region proposes: T(z) - z with T(z) = p_ref + A_ref A_drive^-1 (z - p_drive) (FOMM Eq.
    4).

    Returns:
        (B, K + 1, 2, grid, grid); number 0 is the background, which stands still.
    """
    cells = pixel_grid(grid, grid, drive.centre.device)  # (2, h, w)
    away = cells - drive.centre[..., None, None]  # (B, K, 2, h, w)
    affine = relative_affine(reference, drive, signed)
    source = torch.einsum("bkij,bkjhw->bkihw", affine, away) + reference.centre[..., None, None]
    flows = source - cells
    return torch.cat([torch.zeros_like(flows[:, :1]), flows], 1)


def blob_difference(reference: Regions, drive: Regions, grid: int) -> Tensor:
    """Gaussians of the driving regions minus those of the reference (FOMM Eq. 6): (B, K + 1, 1, grid, grid)."""
    cells = pixel_grid(grid, grid, drive.centre.device)

    def blobs(regions: Regions) -> Tensor:
        away = cells - regions.centre[..., None, None]  # (B, K, 2, h, w)
        a, b, c = regions.covariance[..., 0, 0], regions.covariance[..., 0, 1], regions.covariance[..., 1, 1]
        determinant = (a * c - b * b).clamp_min(1e-9)
        a, b, c = (v[..., None, None] for v in (a, b, c))
        x, y = away[:, :, 0], away[:, :, 1]
        return torch.exp(-0.5 * (c * x * x - 2 * b * x * y + a * y * y) / determinant[..., None, None])

    difference = (blobs(drive) - blobs(reference))[:, :, None]
    return torch.cat([torch.zeros_like(difference[:, :1]), difference], 1)


def build_flow_predictor(config: FlowPredictorConfig) -> FlowPredictor:
    """A flow predictor of the given sizes, untrained."""
    detector = RegionDetector(config.channels, config.regions, config.detector, config.size // 4, config.motion)
    return FlowPredictor(detector, config.regions, config.channels, config.dense, config.residual)
