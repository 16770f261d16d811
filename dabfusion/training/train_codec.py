"""Trains the body reader and the flow codec on Studio's exact flow.

python -m dabfusion train-codec --pairs DIR --out RUN [--minutes M]
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dabfusion.flow_autoencoder.body_fit import fit_body
from dabfusion.flow_autoencoder.body_reader import Body, BodyReader
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.skeleton import ROTATION_SIZE, forward_kinematics, rotation_from_6d
from dabfusion.training.pairs import PairBatch, PairPack, spotlight
from dabfusion.training.stage1_run import Stage1Run, cosine_rate

_EXTREMITIES = (4, 8, 20, 12, 21, 22, 23)  # head, hands, toes
_FARTHEST = 2.5  # frame units: of points beyond the frame
_HIDDEN_WEIGHT = 0.3  # of flow where the start frame does not show the point, against where it does


class ReaderAndCodec(torch.nn.Module):
    """Both parts as one module, to be trained and averaged together."""

    def __init__(self, reader: BodyReader, codec: FlowCodec) -> None:
        super().__init__()
        self.reader, self.codec = reader, codec


def driving_bodies(batch: PairBatch) -> tuple[Tensor, Body]:
    """One driving frame of each clip as another start frame: pictures (B, 4, 256, 256) and the bodies in them."""
    times = batch.drives
    code, truth = batch.code[::times], batch.body
    placed = forward_kinematics(code, truth.offsets, truth.hips)[..., :2] * torch.tensor([1.0, -1.0])
    still = torch.cat([code[:, :ROTATION_SIZE], torch.zeros_like(code[:, ROTATION_SIZE:])], 1)
    return batch.drive[::times], Body(placed, still, truth.offsets)


def joined(first: Body, second: Body) -> Body:
    """The people of both."""
    return Body(
        *(
            torch.cat(pair)
            for pair in ((first.points, second.points), (first.code, second.code), (first.offsets, second.offsets))
        )
    )


def reader_loss(read: Body, truth: Body) -> Tensor:
    """L1 of points, rotations, build, and of the points as kinematics places them, which may be outside the frame."""
    points = (read.points - truth.points.clamp(-_FARTHEST, _FARTHEST)).abs().mean()
    turned = rotation_from_6d(read.code[:, :ROTATION_SIZE].unflatten(1, (-1, 6))) - rotation_from_6d(
        truth.code[:, :ROTATION_SIZE].unflatten(1, (-1, 6))
    )
    build = (read.offsets - truth.offsets).abs().mean()
    placed = forward_kinematics(read.code, read.offsets, read.hips)[..., :2] * torch.tensor(
        [1.0, -1.0], device=points.device
    )
    kinematic = (placed - truth.points).abs().mean()
    return 8 * points + 2 * turned.abs().mean() + 10 * build + 4 * kinematic


def codec_loss(maps: FlowMaps, batch: PairBatch) -> tuple[Tensor, dict[str, float]]:
    """Person-weighted L1 of flow, cross-entropy of occlusion and matte; thin parts weigh more. Also the end-point
    error in pixels."""
    coverage = batch.coverage
    ends = spotlight(batch, _EXTREMITIES, 0.06, coverage.shape[-1])
    thin = 1 + 2 * (1 - F.avg_pool2d(coverage, 17, 1, 8)) + 3 * ends  # thin parts fill little of their surroundings
    weight = coverage * thin
    seen = weight * (_HIDDEN_WEIGHT + (1 - _HIDDEN_WEIGHT) * batch.visible)
    error = (maps.flow - batch.flow).square().sum(1, keepdim=True).add(1e-8).sqrt()
    flow = (seen * error).sum() / seen.sum()
    occlusion = (
        weight * F.binary_cross_entropy(maps.occlusion.clamp(1e-4, 1 - 1e-4), batch.visible, reduction="none")
    ).sum() / weight.sum()
    rim = 1 + 3 * thin * F.max_pool2d(coverage, 9, 1, 4)
    matte = (rim * F.binary_cross_entropy(maps.matte.clamp(1e-4, 1 - 1e-4), coverage, reduction="none")).mean()
    shown = coverage * batch.visible
    figures = {
        "epe_px": float((shown * error.detach()).sum() / shown.sum()) * 128,
        "occlusion": float(occlusion.detach()),
        "matte_l1": float((maps.matte.detach() - coverage).abs().sum() / coverage.sum()),
    }  # fmt: skip
    return 12 * flow + 0.5 * occlusion + 2 * matte, figures


def noisy_body(truth: Body, read: Body, rng: np.random.Generator) -> Body:
    """The body as read and fitted for most clips, for the others the true one, slightly off: both must be borne."""
    count = len(truth.points)
    take = torch.from_numpy(rng.random(count) < 0.6)

    def pick(true: Tensor, guess: Tensor, spread: float) -> Tensor:
        noise = torch.from_numpy(rng.normal(0, spread, true.shape)).float()
        return torch.where(take.view(-1, *([1] * (true.ndim - 1))), guess.detach().float(), true + noise)

    return Body(
        pick(truth.points, read.points, 0.006),
        pick(truth.code, read.code, 0.03),
        pick(truth.offsets, read.offsets, 0.004),
    )


def step(
    reader: BodyReader, codec: FlowCodec, batch: PairBatch, rng: np.random.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch, and figures to watch."""
    pictures, others = driving_bodies(batch)
    count = len(batch.start)
    everyone = reader(
        torch.cat([batch.start, pictures]), torch.cat([batch.keypoints, torch.zeros_like(batch.keypoints)])
    )
    first = reader_loss(everyone, joined(batch.body, others))
    read = Body(everyone.points[:count], everyone.code[:count], everyone.offsets[:count])
    body = noisy_body(batch.body, fit_body(read), rng)
    times = batch.drives
    maps = codec.decode(codec.describe(batch.start).repeated(times), body.repeated(times), batch.code)
    second, figures = codec_loss(maps, batch)
    figures["points_px"] = float((read.points.detach() - batch.body.points).norm(dim=-1).mean()) * 128
    figures["reader"] = float(first.detach())
    figures["turn_deg"] = turn_error(read.code.detach(), batch.body.code)
    return first + second, figures


def turn_error(code: Tensor, truth: Tensor) -> float:
    """Mean angle between read and true bone rotations, degrees."""
    read, true = (rotation_from_6d(c[:, :ROTATION_SIZE].float().unflatten(1, (-1, 6))) for c in (code, truth))
    cosine = ((read * true).sum((-1, -2)) - 1) / 2
    return float(torch.rad2deg(torch.acos(cosine.clamp(-1, 1))).mean())


@torch.no_grad()
def evaluate(
    reader: BodyReader, codec: FlowCodec, pack: PairPack, clips: int = 40, hints: bool = True
) -> dict[str, float]:
    """Mean figures over the first clips of a held-out pack, with the body as read."""
    rows = []
    everyone = np.arange(8)
    for first in range(0, min(clips, len(pack)), 4):
        batch = pack.collate(
            [pack.clip(i, everyone) for i in range(first, min(first + 4, len(pack)))], np.random.default_rng(0), False
        )
        keypoints = batch.keypoints if hints else torch.zeros_like(batch.keypoints)
        read = reader(batch.start, keypoints)
        fitted = fit_body(read)
        maps = codec.decode(codec.describe(batch.start).repeated(8), fitted.repeated(8), batch.code)
        _, figures = codec_loss(maps, batch)
        figures["points_px"] = float((read.points.detach() - batch.body.points).norm(dim=-1).mean()) * 128
        figures["turn_deg"] = turn_error(read.code, batch.body.code)
        rows.append(figures)
    return {k: float(np.mean([r[k] for r in rows])) for k in rows[0]}


def train(
    pairs: Path,
    out: Path,
    held_out: Path | None,
    minutes: float,
    clips: int = 6,
    drives: int = 3,
    rate: float = 1.5e-3,
    seed: int = 0,
) -> None:
    """Trains for ``minutes``, resuming from ``out`` where it can; EMA weights go to ``out/ema.safetensors``."""
    torch.manual_seed(seed)
    pack = PairPack(pairs)
    reader, codec = BodyReader(), FlowCodec()
    offsets = np.concatenate([s["offsets"] for s in pack._shards])
    reader.mean_offsets.copy_(torch.from_numpy(offsets.mean(0)))
    model = ReaderAndCodec(reader, codec)
    optimiser = torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.98), weight_decay=1e-3)
    run = Stage1Run(out, model, optimiser)
    rng = np.random.default_rng([seed, run.step])
    watched = PairPack(held_out) if held_out else None
    for done in run.progress.session(minutes):
        for group in optimiser.param_groups:
            group["lr"] = rate * cosine_rate(run.step, done)
        with torch.autocast("cpu", torch.bfloat16):
            loss, figures = step(reader, codec, pack.batch(rng, clips, drives), rng)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        run.after_step({"loss": float(loss.detach()), **figures})
        if run.step % 250 == 0:
            pack.refresh()
            if watched is not None:
                with torch.autocast("cpu", torch.bfloat16):
                    run.log_held_out(evaluate(run.averaged.reader, run.averaged.codec, watched))
    run.save()


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-codec``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="pack of Studio pairs")
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to watch")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clips", type=int, default=6, help="start frames a batch")
    parser.add_argument("--drives", type=int, default=3, help="driving frames a start frame")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    train(options.pairs, options.out, options.held_out, options.minutes, options.clips, options.drives)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
