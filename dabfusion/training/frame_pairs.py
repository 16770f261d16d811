"""What the flow predictor learns from: pairs at its size with the truth on its grid, and the losses of both modes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.flow_predictor import FlowPredictor, FlowPredictorConfig
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.geometry import warp
from dabfusion.flow_autoencoder.regions import Regions
from dabfusion.training.pairs import PairBatch
from dabfusion.training.perceptual import PerceptualLoss
from dabfusion.training.train_generator import drawing_loss

PIXELS = 128.0  #: normalised units -> pixels of a 256 x 256 frame


@dataclass(frozen=True)
class SeenFrames:
    """B reference and driving frames as the predictor sees them; label-free training knows no more.

    Attributes:
        x_ref, x_drive: (B, C, S, S) in [0, 1].
    """

    x_ref: Tensor
    x_drive: Tensor


@dataclass(frozen=True)
class FramePairs(SeenFrames):
    """Frames of Studio with the truth on the predictor's grid.

    Attributes:
        flow: (B, 2, g, g); still background in whole frames.
        visible: (B, 1, g, g) share that the reference shows.
        weight: (B, 1, g, g) where flow counts: the person's coverage, or 1 in whole frames.
        coverage: (B, 1, g, g) by the person.
    """

    flow: Tensor
    visible: Tensor
    weight: Tensor
    coverage: Tensor


def frame_pairs(batch: PairBatch, config: FlowPredictorConfig, rng: np.random.Generator) -> FramePairs:
    """Pairs at the predictor's size; whole frames (3 channels) stand before a random plate that does not move."""
    side, grid = (config.size, config.size), config.size // 4
    start = F.interpolate(batch.start, side, mode="area").repeat_interleave(batch.drives, 0)
    drive = F.interpolate(batch.drive, side, mode="area")
    step = batch.flow.shape[-1] // grid
    coverage = F.avg_pool2d(batch.coverage, step)
    share = coverage.clamp_min(1e-6)
    flow = F.avg_pool2d(batch.flow * batch.coverage, step) / share
    visible = F.avg_pool2d(batch.visible * batch.coverage, step) / share
    if config.channels == 4:
        return FramePairs(start, drive, flow, visible, coverage, coverage)
    plate = random_plates(len(batch.start), config.size, rng).repeat_interleave(batch.drives, 0)
    hidden = F.interpolate(start[:, 3:], (grid, grid), mode="area")  # the reference's person hides the plate
    person = coverage > 0.5
    flow = torch.where(person, flow, torch.zeros_like(flow))
    visible = torch.where(person, visible, 1 - hidden)
    x_ref, x_drive = (x[:, :3] + (1 - x[:, 3:]) * plate for x in (start, drive))
    return FramePairs(x_ref, x_drive, flow, visible, torch.ones_like(coverage), coverage)


def random_plates(count: int, size: int, rng: np.random.Generator) -> Tensor:
    """(count, 3, size, size) soft coloured backgrounds with some structure."""
    total = torch.zeros(count, 3, size, size)
    for cells, strength in ((2, 0.6), (7, 0.25), (24, 0.1)):
        coarse = torch.from_numpy(rng.random((count, 3, cells, cells))).float()
        total = total + strength * F.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)
    return total.clamp(0, 1)


def exact_loss(maps: FlowMaps, pairs: FramePairs) -> tuple[Tensor, dict[str, float]]:
    """L1 of flow where the reference shows the person (less where not), cross-entropy of occlusion and matte."""
    seen = pairs.weight * (0.3 + 0.7 * pairs.visible) * (1 + 4 * pairs.coverage)
    error = (maps.flow - pairs.flow).square().sum(1, keepdim=True).add(1e-8).sqrt()
    flow = (seen * error).sum() / seen.sum()
    occlusion = (
        F.binary_cross_entropy(
            maps.occlusion.clamp(1e-4, 1 - 1e-4), pairs.visible.clamp(0, 1), pairs.weight, reduction="sum"
        )
        / pairs.weight.sum()
    )
    return 12 * flow + occlusion + matte_loss(maps, pairs.x_drive), {
        "flow": float(flow.detach()) * PIXELS,
        "occlusion": float(occlusion.detach()),
    }


def matte_loss(maps: FlowMaps, x_drive: Tensor) -> Tensor:
    """Cross-entropy of the matte against the driving frame's own alpha, which is no label of motion; 0 for whole
    frames."""
    if x_drive.shape[1] == 3:
        return torch.zeros((), device=maps.matte.device)
    alpha = F.interpolate(x_drive[:, 3:], maps.matte.shape[-2:], mode="area")
    return F.binary_cross_entropy(maps.matte.clamp(1e-4, 1 - 1e-4), alpha)


def random_affine(count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Small turns, stretches and shifts of the frame: matrices (B, 2, 2) and shifts (B, 2)."""
    matrix = np.eye(2) + rng.normal(0, 0.08, (count, 2, 2))
    angle = rng.normal(0, 0.25, count)
    turn = np.stack([np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], -2)
    return torch.from_numpy(turn @ matrix).float(), torch.from_numpy(rng.normal(0, 0.1, (count, 2))).float()


def equivariance_loss(predictor: FlowPredictor, frame: Tensor, found: Regions, rng: np.random.Generator) -> Tensor:
    """Regions must move with the picture (FOMM Eq. 8): those of the frame seen through z -> M z + t, mapped back, are
    the frame's own.

    Centres are compared in normalised units, covariances by their entries; mean absolute difference.
    """
    matrix, shift = (v.to(frame.device) for v in random_affine(len(frame), rng))
    grid = F.affine_grid(torch.cat([matrix, shift[..., None]], -1), list(frame.shape), align_corners=False)
    seen = F.grid_sample(frame, grid, padding_mode="reflection", align_corners=False)
    other = predictor.detector(seen)
    back = torch.einsum("bij,bkj->bki", matrix, other.centre) + shift[:, None]
    spread = matrix[:, None] @ other.covariance @ matrix[:, None].transpose(-1, -2)
    return (back - found.centre).abs().mean() + 5 * (spread - found.covariance).abs().mean()


def label_free_step(
    predictor: FlowPredictor,
    generator: Generator,
    seen: SeenFrames,
    perceptual: PerceptualLoss | None,
    photometric: float,
    rng: np.random.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """Draws the driving frames through the generator and compares pictures (DabFusion Eq. 2); no flow is looked at.

    Args:
        perceptual: VGG features of Eq. 2, or None to compare pixels and gradients on a pyramid instead.
        photometric: weight of the same comparison for the warped reference itself (0: as published).
    """
    found = predictor.detector(seen.x_drive)
    maps = predictor.motion(seen.x_ref, seen.x_drive, predictor.detector(seen.x_ref), found)
    picture, truth = (with_alpha(x) for x in (seen.x_ref, seen.x_drive))
    drawn = generator.decode(generator.encode(picture), maps)
    even = torch.ones_like(truth[:, :1])
    pixels = drawing_loss(drawn, truth, even)
    figures = {"drawing": float(pixels.detach())}
    loss = pixels
    if perceptual is not None:
        plate = torch.from_numpy(rng.random((1, 3, 1, 1))).float()
        felt = perceptual(*(v[:, :3] + (1 - v[:, 3:]) * plate for v in (drawn, truth)))
        figures["perceptual"] = float(felt.detach())
        loss = loss + felt
    if photometric:
        moved = drawing_loss(warp(picture, maps.flow), truth, even)
        figures["photometric"] = float(moved.detach())
        loss = loss + photometric * moved
    equivariance = equivariance_loss(predictor, seen.x_drive, found, rng)
    figures["equivariance"] = float(equivariance.detach())
    return loss + equivariance + 0.2 * matte_loss(maps, seen.x_drive), figures


def with_alpha(frame: Tensor) -> Tensor:
    """Whole frames (B, 3, H, W) get an alpha of 1; RGBA stays."""
    return frame if frame.shape[1] == 4 else torch.cat([frame, torch.ones_like(frame[:, :1])], 1)
