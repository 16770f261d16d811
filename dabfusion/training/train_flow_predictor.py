"""Trains stage 1's flow predictor, without labels through a generator (DabFusion Eq. 2) or on Studio's exact flow.

    python -m dabfusion train-flow-predictor --pairs DIR --out RUN [--mode label-free|exact] [--held-out DIR] [--minutes
    M]

Both report, on held-out pairs, the end-point error in pixels of a 256 x 256 frame beside that of "nothing moves", and
how often the occlusion map is right beside how often "everything is visible" would be.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.flow_predictor import PRESETS, FlowPredictor, FlowPredictorConfig, build_flow_predictor
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.geometry import warp
from dabfusion.flow_autoencoder.regions import MOTIONS, Regions
from dabfusion.training.pairs import PairBatch, PairPack
from dabfusion.training.perceptual import PerceptualLoss
from dabfusion.training.stage1_run import Stage1Run, cosine_rate
from dabfusion.training.train_generator import drawing_loss

MODES = ("label-free", "exact")
_PIXELS = 128.0  # normalised units -> pixels of a 256 x 256 frame
_HELD_OUT_EVERY = 200


@dataclass(frozen=True)
class FramePairs:
    """B reference and driving frames as the predictor sees them, with the truth on its grid.

    Attributes:
        x_ref, x_drive: (B, C, S, S) in [0, 1].
        flow: (B, 2, g, g); still background in whole frames.
        visible: (B, 1, g, g) share that the reference shows.
        weight: (B, 1, g, g) where flow counts: the person's coverage, or 1 in whole frames.
        coverage: (B, 1, g, g) by the person.
    """

    x_ref: Tensor
    x_drive: Tensor
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
    return 12 * flow + occlusion + matte_loss(maps, pairs), {
        "flow": float(flow.detach()) * _PIXELS,
        "occlusion": float(occlusion.detach()),
    }


def matte_loss(maps: FlowMaps, pairs: FramePairs) -> Tensor:
    """Cross-entropy of the matte; 0 for whole frames. It is no label of motion but the driving frame's own alpha."""
    if pairs.x_drive.shape[1] == 3:
        return torch.zeros((), device=maps.matte.device)
    return F.binary_cross_entropy(maps.matte.clamp(1e-4, 1 - 1e-4), pairs.coverage)


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
    pairs: FramePairs,
    perceptual: PerceptualLoss | None,
    photometric: float,
    rng: np.random.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """Draws the driving frames through the generator and compares pictures (DabFusion Eq. 2); no flow is looked at.

    Args:
        perceptual: VGG features of Eq. 2, or None to compare pixels and gradients on a pyramid instead.
        photometric: weight of the same comparison for the warped reference itself (0: as published).
    """
    found = predictor.detector(pairs.x_drive)
    maps = predictor.motion(pairs.x_ref, pairs.x_drive, predictor.detector(pairs.x_ref), found)
    picture, truth = (_with_alpha(x) for x in (pairs.x_ref, pairs.x_drive))
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
    equivariance = equivariance_loss(predictor, pairs.x_drive, found, rng)
    figures["equivariance"] = float(equivariance.detach())
    return loss + equivariance + 0.2 * matte_loss(maps, pairs), figures


def _with_alpha(frame: Tensor) -> Tensor:
    """Whole frames (B, 3, H, W) get an alpha of 1; RGBA stays."""
    return frame if frame.shape[1] == 4 else torch.cat([frame, torch.ones_like(frame[:, :1])], 1)


@torch.no_grad()
def evaluate(
    predictor: FlowPredictor, pack: PairPack, config: FlowPredictorConfig, clips: int = 24
) -> dict[str, float]:
    """Against Studio's truth on the first clips of a pack, person cells only.

    Returns:
        ``epe_px`` and ``still_epe_px`` (nothing moves), over what the reference shows, in pixels of a 256 frame;
        ``occlusion_accuracy`` (threshold 0.5) and ``visible_share``, what calling everything visible would reach.
    """
    rng, sums = (
        np.random.default_rng(0),
        {"error": 0.0, "still": 0.0, "right": 0.0, "visible": 0.0, "shown": 0.0, "person": 0.0},
    )
    for first in range(0, min(clips, len(pack)), 4):
        chosen = [pack.clip(i, np.arange(8)) for i in range(first, min(first + 4, len(pack)))]
        pairs = frame_pairs(pack.collate(chosen, rng, False), config, rng)
        maps = predictor(pairs.x_ref, pairs.x_drive)
        person = pairs.coverage * (pairs.coverage > 0.4)
        shown = person * pairs.visible
        visible = pairs.visible > 0.5
        sums["error"] += float(((maps.flow - pairs.flow).norm(dim=1, keepdim=True) * shown).sum())
        sums["still"] += float((pairs.flow.norm(dim=1, keepdim=True) * shown).sum())
        sums["right"] += float((((maps.occlusion > 0.5) == visible) * person).sum())
        sums["visible"] += float((visible * person).sum())
        sums["shown"] += float(shown.sum())
        sums["person"] += float(person.sum())
    return {
        "epe_px": sums["error"] / sums["shown"] * _PIXELS, "still_epe_px": sums["still"] / sums["shown"] * _PIXELS,
        "occlusion_accuracy": sums["right"] / sums["person"], "visible_share": sums["visible"] / sums["person"],
    }  # fmt: skip


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        mode: "label-free" (pictures only) or "exact" (Studio's flow).
        minutes: of this session.
        clips, drives: start frames a batch, driving frames a start frame.
        rate: peak learning rate.
        photometric: see :func:`label_free_step`.
        generator_channels: width of the generator that is trained along (label-free).
        seed: of weights and batches.
    """

    mode: str = "label-free"
    minutes: float = 60.0
    clips: int = 8
    drives: int = 2
    rate: float = 1e-3
    photometric: float = 0.5
    generator_channels: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UserError(f"The mode must be one of {', '.join(MODES)}; got {self.mode!r}.")


def train(
    pairs: Path,
    out: Path,
    config: FlowPredictorConfig,
    options: TrainingOptions,
    held_out: Path | None = None,
    vgg: Path | None = None,
) -> dict[str, float]:
    """Trains for ``options.minutes``, resuming from ``out``; returns the last held-out figures (empty without
    ``held_out``).

    Raises:
        UserError: ``out`` holds a run of another mode or other sizes, or the packs or weights are missing.
    """
    torch.manual_seed(options.seed)
    pack, watched = PairPack(pairs), PairPack(held_out) if held_out else None
    _claim(out, config, options.mode)
    predictor, generator = build_flow_predictor(config), Generator(options.generator_channels, parts=0)
    model = nn.ModuleDict(
        {"predictor": predictor, "generator": generator} if options.mode == "label-free" else {"predictor": predictor}
    )
    perceptual = PerceptualLoss(vgg) if vgg else None
    optimiser = torch.optim.AdamW(model.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    run = Stage1Run(out, model, optimiser)
    rng = np.random.default_rng([options.seed, run.step])
    while (done := run.progress.minutes_now / options.minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = options.rate * cosine_rate(run.step, done)
        seen = frame_pairs(pack.batch(rng, options.clips, options.drives), config, rng)
        with torch.autocast("cpu", torch.bfloat16):
            if options.mode == "exact":
                loss, figures = exact_loss(predictor(seen.x_ref, seen.x_drive), seen)
            else:
                loss, figures = label_free_step(predictor, generator, seen, perceptual, options.photometric, rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        run.after_step({"loss": float(loss.detach()), **figures})
        if run.step % _HELD_OUT_EVERY == 0:
            pack.refresh()
            if watched is not None:
                run.log_held_out(evaluate(_averaged(run), watched, config))
    run.save()
    if watched is None:
        return {}
    figures = evaluate(_averaged(run), watched, config)
    run.log_held_out(figures)
    return figures


def _averaged(run: Stage1Run) -> FlowPredictor:
    model = run.ema.average
    assert isinstance(model, nn.ModuleDict)
    predictor = model["predictor"]
    assert isinstance(predictor, FlowPredictor)
    return predictor


def _claim(out: Path, config: FlowPredictorConfig, mode: str) -> None:
    """Writes ``config.json`` to a new run folder; refuses one that is another run's."""
    text = json.dumps({"mode": mode, "flow_predictor": asdict(config)}, indent=1) + "\n"
    path = out / "config.json"
    if path.exists() and path.read_text("utf-8") != text:
        raise UserError(f"{out.name} holds a run of another mode or other sizes; choose another --out.")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-flow-predictor``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = TrainingOptions()
    parser.add_argument("--pairs", type=Path, required=True, help="pack of Studio pairs")
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to measure on")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument(
        "--mode", choices=MODES, default=default.mode, help="what is learnt from (default: pictures only)"
    )
    parser.add_argument("--preset", choices=tuple(PRESETS), default="studio", help="sizes")
    parser.add_argument(
        "--size", type=int, choices=(64, 128, 256), help="side of the frames, pixels (default: the preset's)"
    )
    parser.add_argument("--motion", choices=MOTIONS, help="how a region moves (default: the preset's)")
    parser.add_argument(
        "--whole-frame",
        action="store_true",
        help="RGB frames with background, as published, in place of the person's RGBA",
    )
    parser.add_argument("--perceptual", type=Path, help="VGG-16 weights for the perceptual loss (label-free)")
    parser.add_argument(
        "--photometric",
        type=float,
        default=default.photometric,
        help="weight of comparing the warped frame itself; 0 as published",
    )
    parser.add_argument("--minutes", type=float, default=default.minutes)
    parser.add_argument("--clips", type=int, default=default.clips, help="start frames a batch")
    parser.add_argument("--drives", type=int, default=default.drives, help="driving frames a start frame")
    parser.add_argument("--rate", type=float, default=default.rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    config = PRESETS[o.preset]
    config = replace(
        config,
        size=o.size or config.size,
        motion=o.motion or config.motion,
        channels=3 if o.whole_frame else config.channels,
    )
    options = TrainingOptions(o.mode, o.minutes, o.clips, o.drives, o.rate, o.photometric, seed=o.seed)
    train(o.pairs, o.out, config, options, o.held_out, o.perceptual)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
