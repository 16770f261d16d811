"""Reads packs of Studio pairs (:mod:`dabfusion.studio.dataset`) for stage 1, with augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.body_reader import Body
from dabfusion.flow_autoencoder.geometry import pixel_grid
from dabfusion.skeleton import BONES, MIRRORED, NUM_BONES, ROTATION_SIZE, forward_kinematics
from dabfusion.training.detected import HINT_MIRROR, detected_points, project

POINT_MIRROR = (*MIRRORED, 19, 21, 20, 23, 22)
#: Share of clips in which one driving frame is the start frame: what is not moved must stay as it is.
_STILL_SHARE = 0.2
OUTLINED_SHARE = 0.08
_PALETTE_SHARE = 0.4
_PALETTE_SIZE = 4


@dataclass(frozen=True)
class PairBatch:
    """B clips with T driving frames each.

    Attributes:
        start: (B, 4, 256, 256) premultiplied RGBA.
        drive: (B * T, 4, 256, 256) the same of the driving frames.
        flow, visible, coverage: (B * T, 2 | 1 | 1, 128, 128).
        body: the start bodies, exact (B people).
        keypoints: (B, 17, 3) joints and face as a detector might report them.
        code: (B * T, 117).
    """

    start: Tensor
    drive: Tensor
    flow: Tensor
    visible: Tensor
    coverage: Tensor
    body: Body
    keypoints: Tensor
    code: Tensor

    @property
    def drives(self) -> int:
        """T, driving frames per clip."""
        return len(self.code) // len(self.start)


class PairPack:
    """A pack on disk, by memory map; shards that appear later are found by :meth:`refresh`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shards: list[dict[str, np.ndarray]] = []
        self._names: list[str] = []
        self.refresh()
        if not self._shards:
            raise UserError(
                f"There are no Studio pairs in {folder}; make them with: "
                f"python -m dabfusion studio pairs --out {folder.name}"
            )

    def refresh(self) -> int:
        """Looks for new shards; returns the number of clips."""
        for path in sorted(p for p in self.folder.iterdir() if p.is_dir() and p.name.isdigit()):
            if path.name not in self._names:
                self._names.append(path.name)
                self._shards.append({f.stem: np.load(f, mmap_mode="r") for f in path.glob("*.npy")})
        return sum(len(s["offsets"]) for s in self._shards)

    def __len__(self) -> int:
        return sum(len(s["offsets"]) for s in self._shards)

    def clip(self, number: int, drives: np.ndarray) -> dict[str, np.ndarray]:
        """Arrays of one clip with the chosen driving frames."""
        for shard in self._shards:
            if number < len(shard["offsets"]):
                return {
                    k: (
                        v[number][drives]
                        if k.startswith("drive_") or k in ("flow", "visible", "coverage")
                        else v[number]
                    )
                    for k, v in shard.items()
                }
            number -= len(shard["offsets"])
        raise IndexError(number)

    def batch(self, rng: np.random.Generator, clips: int, drives: int, augment: bool = True) -> PairBatch:
        """A random batch; with ``augment`` mirrored, recoloured and degraded, else as drawn."""
        chosen = []
        for number in rng.choice(len(self), clips, replace=clips > len(self)):
            chosen.append(self.clip(int(number), rng.permutation(8)[:drives]))
        return self.collate(chosen, rng, augment)

    def collate(self, clips: list[dict[str, np.ndarray]], rng: np.random.Generator, augment: bool) -> PairBatch:
        """Clips as tensors."""
        batch = {k: torch.from_numpy(np.stack([c[k] for c in clips])) for k in clips[0]}
        start = batch["start_rgba"].permute(0, 3, 1, 2).float() / 255
        drive = batch["drive_rgba"].permute(0, 1, 4, 2, 3).float() / 255
        points = project(batch["start_points"], batch["camera"])
        code, start_code, offsets = batch["drive_code"], batch["start_code"], batch["offsets"]
        flow = batch["flow"].permute(0, 1, 4, 2, 3).float()
        visible, coverage = batch["visible"][:, :, None].float() / 255, batch["coverage"][:, :, None].float() / 255
        chance = rng if augment else None
        keypoints = detected_points(batch["start_points"], start_code, offsets, batch["camera"], chance)
        if augment:
            start, drive = recolour(start, drive, rng)
            for i in np.flatnonzero(rng.random(len(clips)) < OUTLINED_SHARE):
                both = outlined(torch.cat([start[i : i + 1], drive[i]]), 2 * int(rng.integers(1, 3)) + 1)
                start[i], drive[i] = both[0], both[1:]
            if rng.random() < 0.5:
                start, drive, visible, coverage = start.flip(-1), drive.flip(-1), visible.flip(-1), coverage.flip(-1)
                flow = flow.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None]
                points = points[:, POINT_MIRROR] * torch.tensor([-1.0, 1.0])
                offsets = offsets[:, POINT_MIRROR] * torch.tensor([-1.0, 1.0, 1.0])
                keypoints = keypoints[:, HINT_MIRROR] * torch.tensor([-1.0, 1.0, 1.0])
                code, start_code = mirror_code(code), mirror_code(start_code)
            for i in np.flatnonzero(rng.random(len(clips)) < _STILL_SHARE):  # the start frame drives itself
                drive[i, 0], code[i, 0], flow[i, 0], visible[i, 0] = start[i], start_code[i], 0.0, 1.0
                coverage[i, 0] = F.avg_pool2d(start[i, 3:], start.shape[-1] // coverage.shape[-1])
            start = degrade(start, rng)
        body = Body(points, start_code, offsets)
        flow, visible, coverage = flow.flatten(0, 1), visible.flatten(0, 1), coverage.flatten(0, 1)
        return PairBatch(start, drive.flatten(0, 1), flow, visible, coverage, body, keypoints, code.flatten(0, 1))


def spotlight(batch: PairBatch, indices: tuple[int, ...], width: float, size: int) -> Tensor:
    """Soft blobs at body points of the driving frames.

    Args:
        batch: whose bodies and codes say where the points are.
        indices: which of the 24 points.
        width: standard deviation, normalised units.
        size: side of the result.

    Returns:
        (B * T, 1, size, size) in [0, 1].
    """
    body = batch.body.repeated(batch.drives)
    points = forward_kinematics(batch.code, body.offsets, body.hips)[:, list(indices), :2] * torch.tensor([1.0, -1.0])
    distance = (pixel_grid(size, size) - points[..., None, None]).square().sum(2)  # (B * T, n, size, size)
    return torch.exp(-distance / (2 * width**2)).amax(1, keepdim=True)


def mirror_code(code: Tensor) -> Tensor:
    """Flow codes (..., 117) of the mirror image: sides change places, x is negated."""
    six = code[..., :ROTATION_SIZE].unflatten(-1, (NUM_BONES, 6))[..., list(MIRRORED), :]
    # S R S with S = diag(-1, 1, 1): the first column changes sign as a whole, then x of every column
    sign = torch.tensor([1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
    return torch.cat([(six * sign).flatten(-2), code[..., ROTATION_SIZE:] * torch.tensor([-1.0, 1.0, 1.0])], -1)


def recolour(start: Tensor, drive: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Each clip in other colours: hue turned, channels mixed, saturation, brightness and contrast changed, and for a
    share of them (:data:`_PALETTE_SHARE`) every colour replaced by another; alpha kept."""
    count = len(start)
    matrix, shift, gamma = np.zeros((count, 3, 3)), np.zeros((count, 3)), np.ones(count)
    palettes = torch.stack([random_palette(rng) for _ in range(count)])
    for i in range(count):
        angle = rng.normal(0, 0.15) if rng.random() < 0.5 else rng.uniform(-np.pi, np.pi)
        mixed = _hue(angle) @ _saturate(np.exp(rng.normal(0.15, 0.45))) @ (np.eye(3) + rng.normal(0, 0.08, (3, 3)))
        matrix[i] = mixed * np.exp(rng.normal(0, 0.2))
        shift[i] = rng.normal(0, 0.06) + rng.normal(0, 0.03, 3)
        gamma[i] = np.exp(rng.normal(0, 0.2))
    m, b, g = (torch.from_numpy(v).float() for v in (matrix, shift, gamma))

    def apply(picture: Tensor, m: Tensor, b: Tensor, g: Tensor, palette: Tensor) -> Tensor:
        alpha = picture[:, 3:]
        colour = through_palette((picture[:, :3] / alpha.clamp_min(1e-3)).clamp(0, 1), palette)
        colour = torch.einsum("bij,bjhw->bihw", m, colour) + b[..., None, None]
        return torch.cat([colour.clamp(0.0, 1) ** g[:, None, None, None] * alpha, alpha], 1)

    times = drive.shape[1]
    moved = apply(drive.flatten(0, 1), *(v.repeat_interleave(times, 0) for v in (m, b, g, palettes)))
    return apply(start, m, b, g, palettes), moved.unflatten(0, (count, times))


def random_palette(rng: np.random.Generator) -> Tensor:
    """A random table of colours (3, n, n, n) over blue, green, red: smooth, so that shading stays shading."""
    plain = np.stack(np.meshgrid(*[np.linspace(0, 1, _PALETTE_SIZE)] * 3, indexing="ij")[::-1])
    if rng.random() >= _PALETTE_SHARE:
        return torch.from_numpy(plain).float()
    bright = plain.mean(0)[None] * rng.uniform(0.3, 1.0)
    other = rng.random(plain.shape) * (1 - bright) * rng.uniform(0.5, 1.2) + bright * rng.random((3, 1, 1, 1)) * 1.3
    return torch.from_numpy(plain + rng.uniform(0.4, 1.0) * (other - plain)).float().clamp(0, 1)


def through_palette(colour: Tensor, palette: Tensor) -> Tensor:
    """Looks colours up, trilinearly.

    Args:
        colour: RGB (B, 3, h, w) in [0, 1].
        palette: (B, 3, n, n, n) RGB over blue, green, red.

    Returns:
        (B, 3, h, w).
    """
    at = colour.permute(0, 2, 3, 1)[:, None] * 2 - 1  # (B, 1, h, w, 3): red, green, blue
    return F.grid_sample(palette, at, mode="bilinear", padding_mode="border", align_corners=True)[:, :, 0]


def _saturate(factor: float) -> np.ndarray:
    """Matrix (3, 3) that keeps grey and multiplies the distance from it."""
    return factor * np.eye(3) + (1 - factor) / 3


def outlined(pictures: Tensor, width: int) -> Tensor:
    """Premultiplied RGBA (N, 4, h, w) with a dark rim ``width // 2`` pixels wide, as drawings have."""
    inner = -F.max_pool2d(-pictures[:, 3:], width, 1, width // 2)
    return torch.cat([pictures[:, :3] * inner / pictures[:, 3:].clamp_min(1e-3), pictures[:, 3:]], 1)


def _hue(angle: float) -> np.ndarray:
    """Rotation (3, 3) of RGB about the grey axis."""
    k = np.ones(3) / np.sqrt(3)
    skew = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


def degrade(start: Tensor, rng: np.random.Generator) -> Tensor:
    """What a photo has and a drawing has not: blur, noise, a matte that a segmenter ate into or left a rim on."""
    if rng.random() < 0.4:
        small = round(start.shape[-1] * float(rng.uniform(0.47, 0.86)))
        start = F.interpolate(
            F.interpolate(start, (small, small), mode="bilinear", antialias=True), start.shape[-2:], mode="bilinear"
        )
    if rng.random() < 0.4:
        alpha = start[:, 3:]
        eaten = -F.max_pool2d(-alpha, 3, 1, 1)
        start = torch.cat([start[:, :3] / alpha.clamp_min(1e-3) * eaten, eaten], 1)
    if rng.random() < 0.4:
        noise = torch.from_numpy(rng.normal(0, rng.uniform(0, 0.04), start[:, :3].shape)).float()
        start = torch.cat([(start[:, :3] + noise * start[:, 3:]).clamp(0, 1), start[:, 3:]], 1)
    return start


assert BONES[0] == "Hips"
