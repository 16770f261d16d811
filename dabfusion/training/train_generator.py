"""Trains stage 1's image encoder and decoder on Studio pairs, under exact flow and under the codec's.

python -m dabfusion train-generator --pairs DIR --out RUN [--codec RUN] [--perceptual VGG] [--minutes M]
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from dabfusion.flow_autoencoder.body_fit import fit_body
from dabfusion.flow_autoencoder.body_reader import BodyReader
from dabfusion.flow_autoencoder.capsules import propose
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.generator import Generator, Window
from dabfusion.flow_autoencoder.geometry import crop, enlarged, extend_flow, warp
from dabfusion.training.adversarial import Drawing
from dabfusion.training.pairs import PairBatch, PairPack, spotlight
from dabfusion.training.perceptual import PerceptualLoss
from dabfusion.training.stage1_run import Stage1Run, cosine_rate
from dabfusion.training.train_codec import ReaderAndCodec

_WINDOW = 128
_PERCEPTUAL_WEIGHT = 1.0
#: Of painting what could be copied: what is copied a few pixels beside its place is sharp and costs more than a blur of
#: the right mean. Less than what the coat's colour in the place of a hand costs.
_REPAINT_WEIGHT = 0.25
_FACE_POINTS = (4, 19)
_HAND_POINTS = (8, 20, 12, 21)


@dataclass
class FlowSource:
    """Where the decoder's flow comes from while it learns: exact, or the codec's with the body as read."""

    reader: BodyReader
    codec: FlowCodec
    weights: Path | None
    ready: bool = False

    def refresh(self) -> None:
        """Loads the codec's latest averaged weights, where there are any."""
        if self.weights is not None and self.weights.exists():
            model = ReaderAndCodec(self.reader, self.codec)
            model.load_state_dict(load_file(self.weights))
            model.eval()
            self.ready = True

    @torch.no_grad()
    def predicted(self, batch: PairBatch) -> FlowMaps:
        """What inference would use."""
        times = batch.drives
        body = fit_body(self.reader(batch.start, batch.keypoints))
        description = self.codec.anchored(self.codec.describe(batch.start), body)
        return self.codec.decode(description.repeated(times), body.repeated(times), batch.code)


@torch.no_grad()
def exact_maps(batch: PairBatch) -> FlowMaps:
    """True flow, carried a little beyond the person's edge, with parts from the ellipsoid body."""
    proposal = propose(batch.body.repeated(batch.drives), batch.code, batch.coverage.shape[-1])
    parts = proposal.logits.softmax(1) * batch.coverage
    occlusion = torch.where(batch.coverage > 0, batch.visible, torch.ones_like(batch.visible))
    return FlowMaps(extend_flow(batch.flow, batch.coverage, steps=12), occlusion, batch.coverage, parts)


def attention(batch: PairBatch) -> Tensor:
    """(B * T, 1, 128, 128) weights of what people look at: the person 5, face and hands more, the empty rest 1."""
    size = batch.coverage.shape[-1]
    face, hands = (spotlight(batch, points, 0.08, size) for points in (_FACE_POINTS, _HAND_POINTS))
    return 1 + batch.coverage * (4 + 8 * face + 4 * hands)


def drawing_loss(drawn: Tensor, truth: Tensor, weight: Tensor, plate: Tensor | None = None) -> Tensor:
    """Weighted L1 of RGBA and of its gradients on three levels of a pyramid.

    Args:
        drawn, truth: premultiplied RGBA (N, 4, h, w).
        weight: (N, 1, h, w).
        plate: (N, 3, 1, 1) colours to see both in front of: against black alone, a dark rim costs nothing.
    """
    if plate is not None:
        drawn, truth = (torch.cat([v[:, :3] + (1 - v[:, 3:]) * plate, v[:, 3:]], 1) for v in (drawn, truth))
    total = torch.zeros((), device=drawn.device)
    for level in range(3):
        error = (drawn - truth).abs()
        total = total + (weight * error).sum() / weight.sum() / 2**level
        for axis in (2, 3):
            slope = (drawn.diff(dim=axis) - truth.diff(dim=axis)).abs()
            total = total + (weight.narrow(axis, 1, slope.shape[axis]) * slope).sum() / weight.sum() / 2
        drawn, truth, weight = (F.avg_pool2d(v, 2) for v in (drawn, truth, weight))
    return total


def random_window(rng: np.random.Generator) -> Window:
    """A 128 x 128 part of the frame, where the dancer mostly is."""
    return 4 * int(rng.integers(0, 33)), 4 * int(rng.integers(8, 25)), _WINDOW, _WINDOW


def draw(generator: Generator, maps: FlowMaps, batch: PairBatch, rng: np.random.Generator) -> Drawing:
    """Draws a batch in one random window."""
    window = random_window(rng)
    start = generator.encode(batch.start).repeated(batch.drives)
    weight = enlarged(attention(batch), batch.drive, window)
    drawn = generator.draw(start, maps, window)
    shown = weight * enlarged(batch.visible * batch.coverage, batch.drive, window)
    repainted = (shown * (1 - drawn.gate)).sum() / shown.sum().clamp_min(1e-6)
    return Drawing(drawn.layer, crop(batch.drive, window), weight, repainted)


def picture_loss(
    drawing: Drawing, perceptual: PerceptualLoss | None, rng: np.random.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Loss of what was drawn, and figures to watch."""
    drawn, truth = drawing.drawn, drawing.truth
    plate = torch.from_numpy(rng.random((len(drawn), 3, 1, 1))).float()
    loss = drawing_loss(drawn, truth, drawing.weight, plate)
    figures = {"drawing": float(loss.detach())}
    if perceptual is not None:
        half = slice(0, None, 2)
        felt = perceptual(*(v[half, :3] + (1 - v[half, 3:]) * plate[half] for v in (drawn, truth)))
        figures["perceptual"] = float(felt.detach())
        loss = loss + _PERCEPTUAL_WEIGHT * felt
    figures["repainted"] = float(torch.as_tensor(drawing.repainted).detach())
    return loss + _REPAINT_WEIGHT * drawing.repainted, figures


@torch.no_grad()
def evaluate(generator: Generator, source: FlowSource, pack: PairPack, clips: int = 24) -> dict[str, float]:
    """L1 on the person (8-bit levels) over held-out pairs, under exact flow and under predicted flow."""
    sums = {"l1_exact": [], "l1_predicted": [], "l1_start": []}  # type: dict[str, list[float]]
    clips = min(clips, len(pack))
    for first in range(0, clips, 4):
        batch = pack.collate(
            [pack.clip(i, np.arange(3)) for i in range(first, min(first + 4, clips))], np.random.default_rng(0), False
        )
        start = generator.encode(batch.start).repeated(3)
        everything = {
            "l1_exact": generator.decode(start, exact_maps(batch)),
            "l1_start": batch.start.repeat_interleave(3, 0),
        }
        if source.ready:
            everything["l1_predicted"] = generator.decode(start, source.predicted(batch))
        for name, drawn in everything.items():
            sums[name].append(float((drawn - batch.drive).abs().sum() / batch.drive[:, 3:].sum() / 4 * 255))
    return {k: float(np.mean(v)) for k, v in sums.items() if v}


@torch.no_grad()
def sample_sheet(generator: Generator, source: FlowSource, pack: PairPack, path: Path, rows: int = 8) -> None:
    """A picture, a row a held-out pair: start, truth, warped start, drawn under exact flow, drawn under predicted
    flow."""
    batch = pack.collate(
        [pack.clip(i * 3 % len(pack), np.arange(i % 8, i % 8 + 1)) for i in range(rows)],
        np.random.default_rng(0),
        False,
    )
    start, exact = generator.encode(batch.start), exact_maps(batch)
    columns = [batch.start, batch.drive, warp(batch.start, exact.flow), generator.decode(start, exact)]
    if source.ready:
        columns.append(generator.decode(start, source.predicted(batch)))
    flat = torch.cat(
        [c.float()[:, :3] + (1 - c.float()[:, 3:]) * 0.8 for c in columns], 3
    )  # (rows, 3, 256, 256 * columns)
    sheet = (flat.permute(0, 2, 3, 1).flatten(0, 1).clamp(0, 1) * 255).byte().numpy()
    Image.fromarray(sheet).save(path)


def train(
    pairs: Path,
    out: Path,
    held_out: Path | None,
    codec: Path | None,
    vgg: Path | None,
    minutes: float,
    clips: int,
    drives: int,
    rate: float,
    share: float,
    seed: int = 0,
) -> None:
    """Trains for ``minutes``, resuming from ``out``; a share of the batches uses the codec's flow once ``codec`` has
    weights."""
    torch.manual_seed(seed)
    pack, watched = PairPack(pairs), PairPack(held_out) if held_out else None
    generator = Generator()
    source = FlowSource(BodyReader(), FlowCodec(), codec / "ema.safetensors" if codec else None)
    perceptual = PerceptualLoss(vgg) if vgg else None
    optimiser = torch.optim.AdamW(generator.parameters(), rate, betas=(0.9, 0.98), weight_decay=1e-3)
    run = Stage1Run(out, generator, optimiser)
    rng = np.random.default_rng([seed, run.step])
    source.refresh()
    for done in run.progress.session(minutes):
        for group in optimiser.param_groups:
            group["lr"] = rate * cosine_rate(run.step, done)
        batch = pack.batch(rng, clips, drives)
        with torch.autocast("cpu", torch.bfloat16):
            maps = source.predicted(batch) if source.ready and rng.random() < share else exact_maps(batch)
            drawing = draw(generator, maps, batch, rng)
            loss, figures = picture_loss(drawing, perceptual if run.step % 2 else None, rng)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        optimiser.step()
        run.after_step(figures)
        if run.step % 200 == 0:
            pack.refresh()
            source.refresh()
            if watched is not None:
                with torch.autocast("cpu", torch.bfloat16):
                    run.log_held_out(evaluate(run.averaged, source, watched))
                    sample_sheet(run.averaged, source, watched, out / "samples.png")
    run.save()


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-generator``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="pack of Studio pairs")
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to watch")
    parser.add_argument("--codec", type=Path, help="run folder of train-codec: also learn under its flow")
    parser.add_argument("--share", type=float, default=0.5, help="share of batches under the codec's flow")
    parser.add_argument("--perceptual", type=Path, help="VGG-16 weights for the perceptual loss")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clips", type=int, default=4, help="start frames a batch")
    parser.add_argument("--drives", type=int, default=4, help="driving frames a start frame")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    train(o.pairs, o.out, o.held_out, o.codec, o.perceptual, o.minutes, o.clips, o.drives, o.rate, o.share)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
