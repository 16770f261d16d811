"""Trains the code reader (flow maps -> flow code) on Studio's exact flow and known codes.

python -m dabfusion train-code-reader --pairs DIR --out RUN [--codec RUN] [--held-out DIR] [--minutes M]
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.body_reader import Body, BodyReader
from dabfusion.flow_autoencoder.code_reader import CodeReader
from dabfusion.flow_autoencoder.codec import COARSE_GRID, FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.geometry import extend_flow
from dabfusion.skeleton import ROTATION_SIZE, forward_kinematics, rotation_from_6d
from dabfusion.training.pairs import PairBatch, PairPack
from dabfusion.training.stage1_run import Stage1Run, cosine_rate

_PIXELS = 128.0  # normalised units -> pixels of a 256 x 256 frame
_HELD_OUT_EVERY = 200


def observed_maps(batch: PairBatch, rng: np.random.Generator | None = None) -> FlowMaps:
    """Exact flow as an observer gets it: without parts and, given ``rng``, with errors such as a predictor makes."""
    visible = torch.where(batch.coverage > 0, batch.visible, torch.ones_like(batch.visible))
    exact = FlowMaps(extend_flow(batch.flow, batch.coverage, steps=12), visible, batch.coverage).reduced(COARSE_GRID)
    flow, visible, matte = exact.flow, exact.occlusion, exact.matte
    if rng is not None:
        rough = torch.from_numpy(rng.normal(0, 1, (len(flow), 2, 8, 8))).float()
        fine = torch.from_numpy(rng.normal(0, 1, tuple(flow.shape))).float()
        amount = torch.from_numpy(rng.exponential(0.012, (len(flow), 1, 1, 1))).float()
        flow = flow + amount * (F.interpolate(rough, flow.shape[-2:], mode="bicubic") + 0.3 * fine)
    return FlowMaps(flow, visible, matte)


def code_loss(code: Tensor, points: Tensor, batch: PairBatch, body: Body) -> tuple[Tensor, dict[str, float]]:
    """L1 of rotations, displacement, found points, and of the points as kinematics places them.

    Args:
        code: (B, 117) as read.
        points: (B, 24, 2) as found.
        batch: with the true codes.
        body: true start bodies, repeated to B.
    """
    turned, truth = (rotation_from_6d(c[:, :ROTATION_SIZE].unflatten(1, (-1, 6))) for c in (code, batch.code))
    placed, wanted = (forward_kinematics(c, body.offsets, body.hips) for c in (code, batch.code))
    flip = torch.tensor([1.0, -1.0], device=code.device)
    found = (points - wanted[..., :2] * flip).abs().mean()
    displaced = (code[:, ROTATION_SIZE:] - batch.code[:, ROTATION_SIZE:]).abs().mean()
    kinematic = (placed - wanted).abs().mean()
    cosine = (((turned * truth).sum((-2, -1)) - 1) / 2).detach().clamp(-1, 1)
    figures = {
        "degrees": float(cosine.acos().rad2deg().mean()),
        "joints_px": float((placed - wanted)[..., :2].detach().norm(dim=-1).mean()) * _PIXELS,
        "hips_legs": float(displaced.detach()),
    }
    return 2 * (turned - truth).abs().mean() + 4 * found + displaced + 4 * kinematic, figures


def step(
    reader: CodeReader, describe: FlowCodec | None, batch: PairBatch, rng: np.random.Generator | None
) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch, and figures to watch; without ``rng`` the maps are exact."""
    times = batch.drives
    body = batch.body.repeated(times)
    given = body
    if rng is not None:
        noise = (
            torch.from_numpy(rng.normal(0, s, tuple(v.shape))).float()
            for v, s in ((body.points, 0.006), (body.code, 0.03), (body.offsets, 0.004))
        )
        given = Body(*(v + n for v, n in zip((body.points, body.code, body.offsets), noise, strict=True)))
    code, points = reader.read(_described(describe, batch, times), given, observed_maps(batch, rng))
    return code_loss(code, points, batch, body)


def _described(codec: FlowCodec | None, batch: PairBatch, times: int) -> Tensor:
    """Start-frame features, repeated; without a codec none: (B, 0, 64, 64)."""
    if codec is None:
        return batch.flow[:, :0]
    with torch.no_grad():
        return codec.describe(batch.start).features.float().repeat_interleave(times, 0)


@torch.no_grad()
def evaluate(reader: CodeReader, codec: FlowCodec | None, pack: PairPack, clips: int = 40) -> dict[str, float]:
    """Mean figures over the first clips of a pack, from exact flow; ``still_...``: of the start pose as the answer."""
    rows = []
    for first in range(0, min(clips, len(pack)), 4):
        chosen = [pack.clip(i, np.arange(8)) for i in range(first, min(first + 4, len(pack)))]
        batch = pack.collate(chosen, np.random.default_rng(0), False)
        _, figures = step(reader, codec, batch, None)
        body = batch.body.repeated(batch.drives)
        _, still = code_loss(body.code, body.points, batch, body)
        rows.append(figures | {"still_degrees": still["degrees"], "still_joints_px": still["joints_px"]})
    return {k: float(np.mean([r[k] for r in rows])) for k in rows[0]}


def load_codec(run: Path) -> FlowCodec:
    """The codec of a ``train-codec`` run, averaged weights, frozen.

    Raises:
        UserError: the run has no weights yet.
    """
    path = run / "ema.safetensors"
    if not path.exists():
        raise UserError(f"There are no weights in {run.name}; train the codec first (train-codec).")
    model = nn.ModuleDict({"reader": BodyReader(), "codec": FlowCodec()})
    model.load_state_dict(load_file(path))
    codec = model["codec"]
    assert isinstance(codec, FlowCodec)
    return codec.requires_grad_(False).eval()


def train(
    pairs: Path, out: Path, held_out: Path | None = None, codec: Path | None = None, minutes: float = 60,
    clips: int = 8, drives: int = 3, rate: float = 1.5e-3, widths: tuple[int, ...] = (40, 64, 96, 144), seed: int = 0,
) -> dict[str, float]:  # fmt: skip
    """Trains for ``minutes``, resuming from ``out``; returns the last held-out figures (empty without ``held_out``)."""
    torch.manual_seed(seed)
    pack, watched = PairPack(pairs), PairPack(held_out) if held_out else None
    describe = load_codec(codec) if codec else None
    reader = CodeReader(widths, 17 if describe is not None else 0)
    optimiser = torch.optim.AdamW(reader.parameters(), rate, betas=(0.9, 0.98), weight_decay=1e-3)
    run = Stage1Run(out, reader, optimiser)
    rng = np.random.default_rng([seed, run.step])
    for done in run.progress.session(minutes):
        for group in optimiser.param_groups:
            group["lr"] = rate * cosine_rate(run.step, done)
        with torch.autocast("cpu", torch.bfloat16):
            loss, figures = step(reader, describe, pack.batch(rng, clips, drives), rng)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimiser.step()
        run.after_step({"loss": float(loss.detach()), **figures})
        if run.step % _HELD_OUT_EVERY == 0:
            pack.refresh()
            if watched is not None:
                run.log_held_out(evaluate(_averaged(run), describe, watched))
    run.save()
    if watched is None:
        return {}
    figures = evaluate(_averaged(run), describe, watched)
    run.log_held_out(figures)
    return figures


def _averaged(run: Stage1Run) -> CodeReader:
    reader = run.ema.average
    assert isinstance(reader, CodeReader)
    return reader


def main(argv: list[str] | None = None) -> int:
    """Command line of ``train-code-reader``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="pack of Studio pairs")
    parser.add_argument("--held-out", type=Path, help="pack of held-out pairs to measure on")
    parser.add_argument("--codec", type=Path, help="run folder of train-codec: also look at its start-frame features")
    parser.add_argument("--out", type=Path, required=True, help="run folder; resumed where it exists")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clips", type=int, default=8, help="start frames a batch")
    parser.add_argument("--drives", type=int, default=3, help="driving frames a start frame")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate")
    parser.add_argument("--widths", type=int, nargs=4, default=(40, 64, 96, 144), help="channels of the hourglass")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: all)")
    o = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if o.threads:
        torch.set_num_threads(o.threads)
    train(o.pairs, o.out, o.held_out, o.codec, o.minutes, o.clips, o.drives, o.rate, tuple(o.widths))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
